"""Accounts: registering, logging in and out, the tokens of logins."""

import secrets
from dataclasses import dataclass, field

import structlog

from deis_control.db import tokens, users
from deis_control.db.pool import Connection, Database
from deis_control.errors import Forbidden, Invalid, Unauthorized, Unavailable
from deis_control.model import Act, Login, User
from deis_control.rules.texts import UNIQUE
from deis_control.rules.tokens import digest
from deis_control.services.attempts import Attempts
from deis_control.services.audit import note
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
        attempts: Attempts,
    ) -> None:
        self._database = database
        self._platform = platform
        self._passwords = passwords
        self._ldap = ldap
        self._attempts = attempts

    def check_registration(self, caller: User | None, *, with_token: bool) -> None:
        """Forbidden unless the platform's registration mode lets the caller register somebody.

        `with_token` is whether he showed one, good or bad (api.md 2.1). A mode that
        nobody knows lets nobody in: it is a mistyped restriction.
        """
        mode = self._platform().registration_mode
        if mode == "enabled":
            return
        if mode != "admin_only":
            raise Forbidden("Registration is disabled")
        if caller is None and not with_token:
            raise Forbidden(Unauthorized.default)
        if caller is None or not caller.is_superuser:
            raise Forbidden

    async def register(self, new: Registration, by: User | None = None) -> User:
        """A new account, the first one a superuser; `by` is who registers somebody else.

        Invalid when the name is taken.
        """
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
            facts = {"superuser": user.is_superuser}
            await note(conn, Act.REGISTER, by or user, target=user.username, after=facts)
        log.info("account registered", user=user.username, superuser=user.is_superuser)
        return user

    async def login(self, username: str, password: str) -> str:
        """A new token; older ones stay valid. Invalid when name and password do not match,
        TooManyLogins after too many of those, Unavailable when only the directory (LDAP) could
        tell and it does not answer.
        """
        await self._attempts.count(username)
        user = await self._whose(username, password)
        if not user.is_active:
            await self._attempts.wrong(Act.LOGIN, user)
            raise _DISABLED
        async with self._database.transaction("login") as conn:
            await self._attempts.right(conn, username)
            await tokens.delete_expired(conn, user.id)
            await note(conn, Act.LOGIN, user)
            return await new_token(conn, user)

    async def _whose(self, username: str, password: str) -> User:
        """A password that lies here counts alone; only without one the directory is asked."""
        async with self._database.connection() as conn:
            found = await users.password_of(conn, username)
        user, hashed = found or (None, None)
        try:
            if hashed is None and self._ldap.on:
                known = await self._ldap.login(username, password)
            else:
                known = user if await self._passwords.matches(hashed, password) else None
        except Invalid:
            await self._attempts.wrong(Act.LOGIN, user or username)
            raise
        except Unavailable:
            await self._attempts.take_back(username)
            raise
        if known is None:
            await self._attempts.wrong(Act.LOGIN, user or username)
            raise _WRONG
        return known

    async def logout(self, user: User, token: str) -> None:
        """End this token alone; the account's others stay valid."""
        async with self._database.transaction("logout") as conn:
            await tokens.delete_by_digest(conn, digest(token))
            await note(conn, Act.LOGOUT, user)

    async def regenerate(self, username: str, by: User) -> str:
        """The account's only token from now on; NotFound without the account."""
        async with self._database.transaction("regenerate token") as conn:
            user = await users.find(conn, username)
            await tokens.delete_of(conn, user.id)
            await note(conn, Act.TOKEN_REGENERATE, by, target=user.username)
            return await new_token(conn, user)

    async def regenerate_all(self, by: User) -> None:
        """End everybody's tokens: each has to log in again."""
        async with self._database.transaction("regenerate all tokens") as conn:
            await tokens.delete_all(conn)
            await note(conn, Act.TOKEN_REGENERATE, by, target="(everybody)")


async def holder_of(conn: Connection, token: str) -> Login:
    """Who holds the token; its use is noted. Unauthorized when nobody does, or it is over."""
    known = digest(token)
    found = await tokens.holder(conn, known)
    if found is None:
        raise Unauthorized("Invalid token")
    login, expired, stale = found
    if expired:
        raise Unauthorized("Token has expired")
    if not login.user.is_active:
        raise Unauthorized("User inactive or deleted")
    if stale:
        await tokens.touch(conn, known)
    return login


async def new_token(conn: Connection, user: User) -> str:
    """Another token of a login: 40 hexadecimal digits."""
    token = secrets.token_hex(20)
    await tokens.insert(conn, user.id, digest(token))
    return token
