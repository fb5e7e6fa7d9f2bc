"""The accepted refs, for those who keep repositories, and the lock of a push."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from deis_control.db import apps, operations, refs
from deis_control.db.locks import AppLocks
from deis_control.db.pool import Database
from deis_control.errors import Conflict
from deis_control.model import Kind, Operation


class PushOngoing(Conflict):
    """Somebody else pushes to the app right now."""

    default = "Another push to the app is under way."


class Refs:
    """What the repositories on disk must agree with."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._locks = AppLocks(database.dsn)

    async def accepted(self, app: UUID) -> Mapping[str, str]:
        """Ref → object of all that was pushed to the app and went live."""
        async with self._database.connection() as conn:
            return await refs.of_app(conn, app)

    async def open_builds(self) -> tuple[Operation, ...]:
        """Unfinished operations that may move a ref when they end."""
        async with self._database.connection() as conn:
            first = await operations.next_open(conn)
            found = [op for one in first for op in await operations.open_of(conn, one.app)]
        return tuple(op for op in found if op.kind is Kind.BUILD)

    async def existing_apps(self) -> frozenset[UUID]:
        """Every app that is there."""
        async with self._database.connection() as conn:
            return frozenset(app.uuid for app in await apps.all_apps(conn))

    @asynccontextmanager
    async def pushing(self, app: UUID) -> AsyncIterator[None]:
        """Let nobody else push to the app, on any host; PushOngoing when somebody does already."""
        if not await self._locks.acquire(app):
            raise PushOngoing
        try:
            yield
        finally:
            await self._locks.release(app)

    async def close(self) -> None:
        """End the session that holds the locks."""
        await self._locks.close()
