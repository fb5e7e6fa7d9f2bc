"""Locks that a process holds for as long as a piece of its work lasts, across all processes.

PostgreSQL's advisory locks, on one session of their own: a process that dies loses its session
and with it the locks. They say who goes first, they do not fence: what must not happen twice is
guarded by the operation's key and order.
"""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from deis_control.db.pool import AWAY, DatabaseAway

log = structlog.get_logger()

_CLASS = "push"
_TRY = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_LET_GO = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"


class AppLocks:
    """The locks of apps that this process holds, each at most once."""

    def __init__(self, dsn: str, *, timeout: float = 10.0) -> None:
        self._dsn = dsn
        self._timeout = timeout
        self._session: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()
        self._held: set[UUID] = set()
        self._leaving: set[UUID] = set()
        """Those that PostgreSQL has to be told of: whoever has the turn does it."""

    async def acquire(self, app: UUID) -> bool:
        """Whether the lock is ours now; False while anybody holds it. DatabaseAway."""
        if app in self._held:
            return False
        self._held.add(app)
        got = False
        try:
            async with self._turn:
                answer = await self._ask(_TRY, app)
                await self._let_go()
            got = answer
        finally:
            if not got:
                self._held.discard(app)
        return got

    async def release(self, app: UUID) -> None:
        """Let the lock go, however this ends."""
        self._held.discard(app)
        self._leaving.add(app)
        async with self._turn:
            await self._let_go()

    async def close(self) -> None:
        """End the session, and with it all locks."""
        session, self._session = self._session, None
        self._leaving.clear()
        if session is not None:
            session.terminate()

    async def _let_go(self) -> None:
        """Let those go that leave; a session that is lost has done so already."""
        with suppress(DatabaseAway):
            while self._leaving and self._session is not None and not self._session.is_closed():
                app = next(iter(self._leaving))
                await self._ask(_LET_GO, app)
                self._leaving.discard(app)
        self._leaving.clear()

    async def _ask(self, query: str, app: UUID) -> bool:
        try:
            session = await self._connected(app)
            answer: bool = await session.fetchval(query, _key(app))
        except BaseException as err:
            await self.close()  # whether the answer was yes is not known: let it go for sure
            if isinstance(err, (*AWAY, asyncpg.PostgresError)):
                raise DatabaseAway from err
            raise
        return answer

    async def _connected(self, wanted: UUID) -> "asyncpg.Connection[Any]":
        """The session; a new one takes the locks again that the lost one held."""
        if self._session is None or self._session.is_closed():
            self._leaving.clear()
            self._session = await asyncpg.connect(
                self._dsn,
                timeout=self._timeout,
                command_timeout=self._timeout,
                server_settings={"application_name": "deis-control locks"},
            )
            for app in self._held - {wanted}:
                if not await self._session.fetchval(_TRY, _key(app)):
                    log.warning("lock lost to another process", app=str(app))
        return self._session


def _key(app: UUID) -> str:
    return f"{_CLASS}:{app}"
