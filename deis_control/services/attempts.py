"""Tries of passwords: counted before they are looked at, and noted when they were wrong."""

import structlog

from deis_control.db import logins
from deis_control.db.pool import Connection, Database
from deis_control.errors import TooManyLogins
from deis_control.model import Act, User
from deis_control.rules.accounts import is_username
from deis_control.rules.logins import wait_before_login
from deis_control.services.audit import ORIGIN, note

log = structlog.get_logger()

_UNKNOWN = "(no user name)"
"""Stands for what can be nobody's name, and may be a password."""


class Attempts:
    """Slows down whoever guesses passwords, by account and by address."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, username: str) -> None:
        """Count a try as failed before it is looked at: tries at the same time count as well.

        TooManyLogins when it comes too early.
        """
        name, address = _counted(username), ORIGIN.get().address
        async with self._database.transaction("count a try") as conn:
            await logins.lock(conn, name)
            seconds = wait_before_login(await logins.failures(conn, name, address))
            if seconds == 0:
                await logins.count(conn, name, address)
        if seconds > 0:
            log.warning("password refused unseen", address=address, seconds=seconds)
            raise TooManyLogins(seconds)

    async def right(self, conn: Connection, username: str) -> None:
        """The password was right: forget the failures; in the transaction of what it was for."""
        await logins.forget(conn, _counted(username), ORIGIN.get().address)

    async def wrong(self, act: Act, who: User | str, *, target: str = "") -> None:
        """The password was wrong: it stays counted, and is noted."""
        actor = who if isinstance(who, User) else _named(who)
        async with self._database.transaction("note a wrong password") as conn:
            await note(conn, act, actor, target=target, refused=True)

    async def take_back(self, username: str) -> None:
        """Nobody could tell whether it was right."""
        async with self._database.transaction("take back a counted try") as conn:
            await logins.take_back(conn, _counted(username), ORIGIN.get().address)


def _named(username: str) -> str:
    return username if is_username(username) else _UNKNOWN


def _counted(username: str) -> str:
    """What failures are counted under: a directory finds an account in any case."""
    return _named(username.strip().lower())
