"""Accounts: registering, logging in, tokens."""

import hashlib
import secrets
from dataclasses import dataclass, field

import structlog

from deis_control.db import users
from deis_control.db.pool import Connection, Database
from deis_control.errors import Forbidden, Invalid, Unauthorized
from deis_control.model import User
from deis_control.rules.texts import UNIQUE
from deis_control.services.ldap import LdapLogins
from deis_control.services.passwords import Passwords
from deis_control.services.platform import Current

log = structlog.get_logger()

_WRONG = Invalid({"non_field_errors": ["Unable to log in with provided credentials."]})
_DISABLED = Invalid({"non_field_errors": ["User account is disabled."]})


@dataclass(frozen=True, slots=True)
class Registration:
    """What a new account is made of."""

    username: str
    password: str = field(repr=False)
    email: str = ""
    first_name: str = ""
    last_name: str = ""


class Accounts:
    """Use cases about who somebody is."""

    def __init__(
        self,
        database: Database,
        platform: Current,
        passwords: Passwords,
        ldap: LdapLogins,
    ) -> None:
        self._database = database
        self._platform = platform
        self._passwords = passwords
        self._ldap = ldap

    def check_registration(self, caller: User | None) -> None:
        """Forbidden unless the platform's registration mode lets the caller register somebody.

        A mode that nobody knows lets nobody in: it is a mistyped restriction.
        """
        mode = self._platform().registration_mode
        if mode == "enabled":
            return
        if mode != "admin_only":
            raise Forbidden("Registration is disabled")
        if caller is None:
            raise Forbidden(Unauthorized.default)
        if not caller.is_superuser:
            raise Forbidden

    async def register(self, new: Registration) -> User:
        """A new account, the first one a superuser. Invalid when the name is taken."""
        async with self._database.connection() as conn:
            if await users.is_taken(conn, new.username):
                raise Invalid({"username": [UNIQUE]})
        hashed = await self._passwords.hash(new.password)
        async with self._database.transaction("register") as conn:
            await users.lock_registration(conn)
            user = await users.insert(
                conn,
                username=new.username,
                password=hashed,
                email=new.email,
                first_name=new.first_name,
                last_name=new.last_name,
                is_superuser=not await users.has_superuser(conn),
            )
        log.info("account registered", user=user.username, superuser=user.is_superuser)
        return user

    async def login(self, username: str, password: str) -> str:
        """A new token; older ones stay valid. Invalid when name and password do not match.

        Unavailable when only the directory (LDAP) could tell and it does not answer.
        """
        user = await self._whose(username, password)
        if user is None:
            raise _WRONG
        if not user.is_active:
            raise _DISABLED
        async with self._database.transaction("login") as conn:
            return await _new_token(conn, user)

    async def _whose(self, username: str, password: str) -> User | None:
        """A password that lies here counts alone; only without one the directory is asked."""
        async with self._database.connection() as conn:
            found = await users.password_of(conn, username)
        user, hashed = found or (None, None)
        if hashed is None and self._ldap.on:
            return await self._ldap.login(username, password)
        return user if await self._passwords.matches(hashed, password) else None

    async def authenticate(self, token: str) -> User:
        """Whose token it is; Unauthorized when nobody's."""
        async with self._database.connection() as conn:
            user = await users.by_token(conn, _digest(token))
        if user is None:
            raise Unauthorized("Invalid token")
        if not user.is_active:
            raise Unauthorized("User inactive or deleted")
        return user

    async def logout(self, token: str) -> None:
        """End this token alone; the account's others stay valid."""
        async with self._database.transaction("logout") as conn:
            await users.remove_token(conn, _digest(token))

    async def regenerate(self, username: str) -> str:
        """The account's only token from now on; NotFound without the account."""
        async with self._database.transaction("regenerate token") as conn:
            user = await users.find(conn, username)
            await users.remove_tokens_of(conn, user.id)
            return await _new_token(conn, user)

    async def regenerate_all(self) -> None:
        """End everybody's tokens: each has to log in again."""
        async with self._database.transaction("regenerate all tokens") as conn:
            await users.remove_all_tokens(conn)


async def _new_token(conn: Connection, user: User) -> str:
    token = secrets.token_hex(20)
    await users.add_token(conn, user.id, _digest(token))
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
