"""What a posted certificate says, and whether it may be kept (api.md section 13). PURE."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import NameOID

from deis_control.errors import Invalid
from deis_control.rules import texts
from deis_control.rules.domains import canonical_domain

PEM_LIMIT = 64 * 1024
"""Characters of a certificate with its chain."""

KEY_LIMIT = 16 * 1024
"""Characters of a private key."""

_WILDCARD = "Wildcard certificates are not supported"
_NO_KEY = "Could not load private key: it must be PEM and not encrypted"
_OTHER_KEY = "The private key does not belong to the certificate"


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate that may be kept."""

    common_name: str
    certificate: str
    key: str = field(repr=False)
    expires: datetime


def read_certificate(certificate: str, key: str, common_name: str | None) -> NewCertificate:
    """A posted certificate with its key; the name is the subject's unless one is given. Invalid.

    The chain, if there is one, follows the certificate itself.
    """
    leaf = _leaf(certificate)
    if _spki(_private(key).public_key()) != leaf.public:
        raise Invalid({"key": [_OTHER_KEY]})
    name = common_name if common_name is not None else leaf.name
    if name is None:
        raise Invalid({"common_name": [texts.REQUIRED]})
    if "*" in name:
        raise Invalid({"common_name": [_WILDCARD]})
    try:
        name = canonical_domain(name)
    except Invalid as err:
        raise Invalid({"common_name": err.fields["domain"]}) from err
    return NewCertificate(name, certificate, key, leaf.expires)


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What is asked of a certificate, read at once: its parts are decoded only when asked for,
    and any of them may be broken.
    """

    public: bytes
    name: str | None
    expires: datetime


def _leaf(text: str) -> _Leaf:
    try:
        found = x509.load_pem_x509_certificates(text.encode())[0]
        return _Leaf(_spki(found.public_key()), _subject(found), found.not_valid_after_utc)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as err:
        raise Invalid({"certificate": [f"Could not load certificate: {err}"[:200]]}) from err


def _private(text: str) -> PrivateKeyTypes:
    try:
        # Checking that an RSA key's numbers are primes takes seconds for a large one, and says
        # nothing that the comparison with the certificate does not.
        return serialization.load_pem_private_key(
            text.encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Invalid({"key": [_NO_KEY]}) from None  # its text may quote the key


def _spki(public: object) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    encoded: bytes = public.public_bytes(serialization.Encoding.DER, form)  # type: ignore[attr-defined]
    return encoded


def _subject(leaf: x509.Certificate) -> str | None:
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None
