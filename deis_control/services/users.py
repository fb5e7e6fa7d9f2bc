"""Accounts seen by those who administer them, and by their owners: passwords, ends, grants."""

from dataclasses import dataclass, field

import structlog

from deis_control.db import users
from deis_control.db.pool import Database
from deis_control.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound
from deis_control.model import Act, Page, User, Window
from deis_control.rules.texts import REQUIRED
from deis_control.services.attempts import Attempts
from deis_control.services.audit import note
from deis_control.services.passwords import Passwords

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """Whose password shall be what; `username` None is the caller's own."""

    new: str = field(repr=False)
    current: str | None = field(default=None, repr=False)
    username: str | None = None


class Users:
    """Use cases about accounts that exist."""

    def __init__(self, database: Database, passwords: Passwords, attempts: Attempts) -> None:
        self._database = database
        self._passwords = passwords
        self._attempts = attempts

    async def page(self, window: Window) -> Page[User]:
        """Everybody."""
        async with self._database.connection() as conn:
            return await users.page_of_all(conn, window)

    async def page_of_superusers(self, window: Window) -> Page[User]:
        """Whoever administers the platform."""
        async with self._database.connection() as conn:
            return await users.page_of_superusers(conn, window)

    async def change_password(self, caller: User, change: PasswordChange) -> None:
        """Set a password; tokens stay (api.md 2.4).

        The current one must be right, unless a superuser leaves it out; wrong ones count as failed
        logins do. Forbidden for somebody else's by others, NotFound without the account.
        """
        name = change.username or caller.username
        _may_touch(caller, name)
        async with self._database.connection() as conn:
            found = await users.password_of(conn, name)
        if found is None:
            raise NotFound
        if found[1] is None:
            raise BadRequest("The directory (LDAP) keeps this password: change it there.")
        if change.current is None:
            if not caller.is_superuser:
                raise Invalid({"password": [REQUIRED]})
        else:
            await self._attempts.count(name)
            if not await self._passwords.matches(found[1], change.current):
                await self._attempts.wrong(Act.PASSWD, caller, target=name)
                raise BadRequest("Current password does not match")
        hashed = await self._passwords.hash(change.new)
        async with self._database.transaction("change password") as conn:
            user = await users.lock(conn, name)
            if change.current is not None:
                await self._attempts.right(conn, name)
            await users.set_password(conn, user.id, hashed)
            await note(conn, Act.PASSWD, caller, target=name)
        log.info("password changed", user=name, actor=caller.username)

    async def cancel(self, caller: User, username: str | None) -> None:
        """End an account; what it made in others' apps is their owners' from then on.

        Conflict while it owns apps; Forbidden for somebody else's by others; NotFound.
        """
        name = username or caller.username
        _may_touch(caller, name)
        async with self._database.transaction("cancel account") as conn:
            user = await users.lock(conn, name)
            if await users.owns_apps(conn, user.id):
                raise Conflict(
                    f"{name} still has applications assigned. Delete or transfer ownership"
                )
            await users.hand_over(conn, user.id)
            await note(conn, Act.ACCOUNT_CANCEL, caller, target=name)
            await users.delete(conn, user.id)
        log.info("account ended", user=name, actor=caller.username)

    async def set_superuser(self, caller: User, username: str, superuser: bool) -> None:
        """Make somebody a superuser, or one like everybody else; NotFound."""
        act = Act.ADMIN_GRANT if superuser else Act.ADMIN_REVOKE
        async with self._database.transaction("set superuser") as conn:
            user = await users.lock(conn, username)
            if user.is_superuser == superuser:
                return
            await users.set_superuser(conn, user.id, superuser)
            before, after = {"superuser": user.is_superuser}, {"superuser": superuser}
            await note(conn, act, caller, target=username, before=before, after=after)


def _may_touch(caller: User, username: str) -> None:
    """Forbidden for another account, unless one is superuser."""
    if username != caller.username and not caller.is_superuser:
        raise Forbidden
