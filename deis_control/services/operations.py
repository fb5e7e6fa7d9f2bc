"""Operations seen by those who ask for them: submit, wait, watch, cancel.

Only the scheduler's leader carries one out. Whoever submits may go away at any moment: the
operation is a row, and goes on.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from uuid import UUID, uuid4

import structlog

from deis_control.db import operations
from deis_control.db.listen import PHASES
from deis_control.db.pool import Connection, Database
from deis_control.deltas import Delta
from deis_control.errors import NotFound, OperationFailed, Unavailable
from deis_control.model import App, Kind, Operation, OpPhase, PhaseLine, User
from deis_node.cluster.seal import Ring

log = structlog.get_logger()

_T = TypeVar("_T")

_POLL = 1.0
"""Seconds between two looks when no hint comes."""

_DEPLOYS = (Kind.BUILD, Kind.CONFIG)


class Operations:
    """The way of a change to the leader, and of its end back to the caller."""

    def __init__(self, database: Database, ring: Ring, *, patience: float = 300.0) -> None:
        """`patience` is for how many seconds a wait outlasts a database that is away."""
        self._database = database
        self._ring = ring
        self._patience = patience

    async def submit(
        self,
        conn: Connection,
        app: App,
        delta: Delta,
        actor: User,
        idempotency_key: str | None = None,
    ) -> Operation:
        """Accept a change, last in the caller's transaction.

        The key makes it happen once: submitted again, the answer is the operation of then.
        Conflict while the app is being destroyed.
        """
        if idempotency_key is not None:
            known = await operations.by_key(conn, app.uuid, idempotency_key)
            if known is not None:
                return known
        operation = await operations.insert(
            conn, self._ring, uuid4(), app, delta, actor.id, idempotency_key
        )
        log.info(
            "operation accepted",
            app=app.id,
            kind=operation.kind.value,
            operation=str(operation.id),
            actor=actor.username,
        )
        return operation

    async def run(self, app: App, delta: Delta, actor: User) -> Operation:
        """Submit a change in a transaction of its own, and wait until it took effect."""
        async with self._database.transaction("submit operation") as conn:
            operation = await self.submit(conn, app, delta, actor)
        return await self.wait(operation)

    async def wait(self, operation: Operation) -> Operation:
        """The operation once it is done; OperationFailed, with its reason, when it failed.

        Done is also a `destroy` whose row went with its app; another change of a destroyed app
        raises NotFound.
        """
        ended = await self.ended(operation)
        if ended.phase is OpPhase.FAILED:
            raise OperationFailed(ended.reason)
        return ended

    async def ended(self, operation: Operation) -> Operation:
        """The operation once it is done or failed."""
        patience = _Patience(self._patience)
        async with self._database.listen(PHASES, str(operation.id)) as hint:
            while True:
                hint.clear()
                try:
                    found = await self._look(operation)
                except Unavailable as err:
                    patience.spend(err)
                else:
                    patience.renew()
                    if found.phase.ended:
                        return found
                await hint.wait(_POLL)

    async def outlast(self, read: Callable[[], Awaitable[_T]]) -> _T:
        """What `read` answers, asked again while the database is away."""
        patience = _Patience(self._patience)
        while True:
            try:
                return await read()
            except Unavailable as err:
                patience.spend(err)
            await asyncio.sleep(_POLL)

    async def watch(self, operation: Operation, after: int = 0) -> AsyncGenerator[PhaseLine, None]:
        """The operation's lines of progress after a sequence number, until it ends."""
        patience = _Patience(self._patience)
        async with self._database.listen(PHASES, str(operation.id)) as hint:
            while True:
                hint.clear()
                try:
                    lines = await self.phases(operation.id, after)
                except Unavailable as err:
                    patience.spend(err)
                    lines = ()
                except NotFound:
                    return
                else:
                    patience.renew()
                for line in lines:
                    after = line.seq
                    yield line
                    if line.phase.ended:
                        return
                await hint.wait(_POLL)

    async def phases(self, operation: UUID, after: int = 0) -> tuple[PhaseLine, ...]:
        """Lines of progress after a sequence number; NotFound without the operation."""
        async with self._database.connection() as conn:
            lines = await operations.lines_after(conn, operation, after)
            if not lines:
                await operations.get(conn, operation)
            return lines

    async def cancel(self, operation: UUID) -> None:
        """Ask for an operation's end; it comes if traffic has not been switched yet."""
        async with self._database.transaction("cancel operation") as conn:
            await operations.ask_cancel(conn, operation)

    async def cancel_deploys(self, conn: Connection, app: App) -> bool:
        """Ask for the end of the app's unfinished builds and configs; whether there were any."""
        found = await self.deploys(conn, app)
        for operation in found:
            await operations.ask_cancel(conn, operation.id)
        return bool(found)

    async def deploys(self, conn: Connection, app: App) -> tuple[Operation, ...]:
        """The app's unfinished builds and configs."""
        found = await operations.open_of(conn, app.uuid)
        return tuple(operation for operation in found if operation.kind in _DEPLOYS)

    async def _look(self, operation: Operation) -> Operation:
        async with self._database.connection() as conn:
            try:
                return await operations.get(conn, operation.id)
            except NotFound:
                if operation.kind is Kind.DESTROY:
                    return replace(operation, phase=OpPhase.DONE)
                raise


class _Patience:
    """How long a wait goes on while the database is away."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def spend(self, error: Unavailable) -> None:
        """Raise the error when it has been so for too long."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if now - self._since > self._seconds:
            raise error

    def renew(self) -> None:
        """The database has answered."""
        self._since = None
