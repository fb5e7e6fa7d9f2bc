"""Sealed values: what is secret lies in etcd and PostgreSQL encrypted and bound to its place.

An envelope is JSON: `k` names the key of the ring, `n` is the nonce, `c` the ciphertext of
AES-256-GCM, both base64. Associated data is kind, app and release, so that an envelope moved
to another app or release does not open. Rotation: `added` a key, re-seal what is not
`is_current`, then `retired` the old key.
"""

import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deis_node.runtime.errors import DeisError

_NONCE = 12
_KEY = 32


class SealError(DeisError):
    """An envelope cannot be opened, or a ring cannot be read."""


class Ring:
    """Keys by their ids (32 bytes each), and which of them seals; all of them open."""

    def __init__(self, keys: Mapping[str, bytes], primary: str) -> None:
        if primary not in keys:
            raise SealError(f"the ring has no key {primary}, which it names as primary")
        if any(len(key) != _KEY for key in keys.values()):
            raise SealError(f"a key of the ring does not have {_KEY} bytes")
        self._keys = dict(keys)
        self._primary = primary

    def __repr__(self) -> str:
        return f"Ring(primary={self._primary!r}, keys={sorted(self._keys)})"

    @property
    def primary(self) -> str:
        """The id of the key that seals."""
        return self._primary

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys."""
        return tuple(self._keys)

    def seal(self, plain: bytes, *, kind: str, app: str = "", release: int = 0) -> bytes:
        """An envelope that opens only with the same kind, app and release."""
        nonce = os.urandom(_NONCE)
        cipher = AESGCM(self._keys[self._primary])
        sealed = cipher.encrypt(nonce, plain, _context(kind, app, release))
        envelope = {
            "k": self._primary,
            "n": b64encode(nonce).decode(),
            "c": b64encode(sealed).decode(),
        }
        return json.dumps(envelope, separators=(",", ":")).encode()

    def open(self, envelope: bytes, *, kind: str, app: str = "", release: int = 0) -> bytes:
        """What was sealed; SealError when it is not an envelope, of another place, or forged."""
        key_id, nonce, sealed = _parsed(envelope)
        key = self._keys.get(key_id)
        if key is None:
            raise SealError(f"sealed with key {key_id}, which the ring does not hold")
        try:
            return AESGCM(key).decrypt(nonce, sealed, _context(kind, app, release))
        except (InvalidTag, ValueError) as err:
            raise SealError(f"this is not the {kind} of {app or 'the platform'}") from err

    def is_current(self, envelope: bytes) -> bool:
        """Whether the envelope was sealed with the primary key; SealError when it is none."""
        return _parsed(envelope)[0] == self._primary

    def added(self) -> "Ring":
        """A ring with a new key as its primary one."""
        key_id = secrets.token_hex(4)
        return Ring({**self._keys, key_id: os.urandom(_KEY)}, key_id)

    def retired(self, key_id: str) -> "Ring":
        """A ring without this key; SealError when it is the primary one."""
        return Ring({i: k for i, k in self._keys.items() if i != key_id}, self._primary)

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a ring of one new key in a new file; SealError when the file exists."""
        key_id = secrets.token_hex(4)
        ring = cls({key_id: os.urandom(_KEY)}, key_id)
        ring._write(path, os.O_EXCL)
        return ring

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a ring's file; SealError also when others than its owner may read it."""
        try:
            if path.stat().st_mode & 0o077:
                raise SealError(f"{path}: others may read it; chmod 600 it")
            data = json.loads(path.read_bytes())
            keys = {str(i): b64decode(k, validate=True) for i, k in data["keys"].items()}
            return cls(keys, str(data["primary"]))
        except OSError as err:
            raise SealError(f"{path}: cannot be read: {err.strerror}") from err
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise SealError(f"{path}: is not a ring of keys") from err

    def save(self, path: Path) -> None:
        """Put the ring in the place of a former one, at once or not at all."""
        aside = path.with_name(path.name + ".new")
        aside.unlink(missing_ok=True)
        self._write(aside, os.O_EXCL)
        aside.replace(path)

    def _write(self, path: Path, flags: int) -> None:
        keys = {i: b64encode(key).decode() for i, key in self._keys.items()}
        text = json.dumps({"primary": self._primary, "keys": keys}, indent=2) + "\n"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
        except OSError as err:
            raise SealError(f"{path}: cannot be made: {err.strerror}") from err
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


def _context(kind: str, app: str, release: int) -> bytes:
    if "|" in kind or "|" in app:
        raise SealError("kind and app may hold no |")
    return f"{kind}|{app}|{release}".encode()


def _parsed(envelope: bytes) -> tuple[str, bytes, bytes]:
    try:
        data: Any = json.loads(envelope)
        return str(data["k"]), b64decode(data["n"]), b64decode(data["c"])
    except (ValueError, KeyError, TypeError) as err:
        raise SealError("this is not a sealed envelope") from err
