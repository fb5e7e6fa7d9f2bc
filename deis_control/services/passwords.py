"""Hashes of passwords: argon2, in threads, a few at a time because each takes its memory."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 4


class Passwords:
    """Makes and checks hashes without holding up the loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("nobody's password")
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """A salted hash of the password."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, known: str | None, password: str) -> bool:
        """Whether the hash is the password's; as slow when there is no hash to compare with."""
        async with self._places:
            right = await asyncio.to_thread(self._check, known or self._nobody, password)
        return right and known is not None

    def _check(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False
