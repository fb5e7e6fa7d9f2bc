"""What may be a custom domain (api.md section 10). PURE."""

import re
from collections.abc import Iterable

from deis_control.errors import Invalid

DOMAIN_LIMIT = 255

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE | re.ASCII)
_PUNYCODE = re.compile(r"xn--[a-z0-9-]+", re.IGNORECASE | re.ASCII)
_ADDRESS_ZONE = "xip.io"
"""Names in it begin with an address."""

_TOO_LONG = f"Hostname must be {DOMAIN_LIMIT} characters or less."
_WILDCARD = "Adding a wildcard subdomain is currently not supported."
_BAD = "Hostname does not look valid."


def canonical_domain(text: str) -> str:
    """A domain as it is kept: lower case, without the dot at its end; Invalid when it is none."""
    if len(text) > DOMAIN_LIMIT:
        raise _invalid(_TOO_LONG)
    name = text.removesuffix(".").lower()
    labels = name.split(".")
    if labels[0] == "*":
        raise _invalid(_WILDCARD)
    if not all(_is_label(label, digits=_ADDRESS_ZONE in name) for label in labels):
        raise _invalid(_BAD)
    if len(labels) == 1 and any(character.isdigit() for character in name):
        raise _invalid(_BAD)
    return name


def check_free_of(name: str, platform_domain: str, reserved: Iterable[str]) -> None:
    """Invalid when the platform answers the name itself: an exact domain goes first in the
    router, so it would take an app's, or the controller's, requests away.

    `reserved` are the first labels that the router keeps for the platform.
    """
    platform_domain = platform_domain.lower()
    below = name == platform_domain or name.endswith(f".{platform_domain}")
    if below or name.partition(".")[0] in set(reserved):
        raise _invalid(f"{name} is a reserved name.")


def _is_label(label: str, *, digits: bool) -> bool:
    """Letters, digits and single dashes within, or an international name's; not digits alone,
    unless that is allowed.
    """
    if not _LABEL.fullmatch(label) or (label.isdigit() and not digits):
        return False
    return "--" not in label or _PUNYCODE.fullmatch(label) is not None


def _invalid(message: str) -> Invalid:
    return Invalid({"domain": [message]})
