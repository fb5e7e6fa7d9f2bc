"""Operations seen by those who ask for them: submit, wait, watch, cancel.

Only the scheduler's leader carries one out. Whoever submits may go away at any moment: the
operation is a row, and goes on.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid4

import structlog

from deis_control.db import apps, operations
from deis_control.db.listen import PHASES
from deis_control.db.pool import Connection, Database
from deis_control.deltas import Delta, kind_of
from deis_control.errors import Conflict, NotFound, OperationFailed, Unavailable
from deis_control.model import (
    Act,
    App,
    Build,
    Kind,
    Operation,
    OpPhase,
    Page,
    PhaseLine,
    User,
    Window,
)
from deis_control.rules import changes
from deis_control.services.audit import note
from deis_node.cluster.seal import Ring

log = structlog.get_logger()

_T = TypeVar("_T")

_POLL = 1.0
"""Seconds between two looks when no hint comes, at first."""

_SLOWEST = 5.0
"""The same for those who have waited long: many may, and hints rarely get lost."""

_DEPLOYS = (Kind.BUILD, Kind.CONFIG)


class Operations:
    """The way of a change to the leader, and of its end back to the caller."""

    def __init__(
        self,
        database: Database,
        ring: Ring,
        *,
        patience: float = 300.0,
        held: Callable[[], str] = lambda: "",
    ) -> None:
        """`patience` is for how many seconds a wait outlasts a database that is away; `held` says
        why no change can be carried out just now, and nothing when it can.
        """
        self._database = database
        self._ring = ring
        self._patience = patience
        self._held = held

    async def submit(
        self,
        conn: Connection,
        app: App,
        delta: Delta,
        actor: User,
        idempotency_key: str | None = None,
        *,
        build: Build | None = None,
        before: Mapping[str, object] | None = None,
    ) -> Operation:
        """Accept a change, last in the caller's transaction, and note it in the audit trail.

        The key makes it happen once: submitted again, the answer is the operation of then.
        `build` is what is deployed, `before` what the audit trail keeps of what was so far.
        Conflict while the app is being destroyed.
        """
        if idempotency_key is not None:
            known = await operations.by_key(conn, app.uuid, idempotency_key)
            if known is not None:
                return known
        act, after = changes.act_of(kind_of(delta)), changes.audited(delta, build)
        await note(conn, act, actor, app=app, before=before, after=after)
        operation = await operations.insert(
            conn,
            self._ring,
            uuid4(),
            app,
            delta,
            actor.id,
            idempotency_key,
            summary=changes.summary_of(delta, build),
        )
        log.info(
            "operation accepted",
            app=app.id,
            kind=operation.kind.value,
            operation=str(operation.id),
            actor=actor.username,
        )
        return operation

    async def page(self, app: App, window: Window, *, only_open: bool = False) -> Page[Operation]:
        """The app's operations, newest first."""
        async with self._database.connection() as conn:
            return await operations.page_of(conn, app.uuid, window, only_open=only_open)

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
        patience, looks = _Patience(self._patience), Looks()
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
                await hint.wait(looks.next())

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
        """The operation's lines of progress after a sequence number, until it ends.

        While no change can be carried out, a line that is written nowhere says so: it bears the
        number of the one before it.
        """
        async with aclosing(self.watch_alive(operation, after, alive=math.inf)) as lines:
            async for line in lines:
                if line is not None:
                    yield line

    async def watch_alive(
        self, operation: Operation, after: int, *, alive: float
    ) -> AsyncGenerator[PhaseLine | None, None]:
        """The same, and None when there was none for `alive` seconds."""
        patience, looks = _Patience(self._patience), Looks()
        clock = asyncio.get_running_loop().time
        said = clock()
        held = ""
        async with self._database.listen(PHASES, str(operation.id)) as hint:
            while True:
                hint.clear()
                try:
                    phase, lines = await self._progress(operation.id, after)
                except Unavailable as err:
                    patience.spend(err)
                    phase, lines = operation.phase, ()
                except NotFound:
                    return
                else:
                    patience.renew()
                for line in lines:
                    after, said = line.seq, clock()
                    yield line
                if phase.ended:
                    return
                before, held = held, self._held()
                if held and held != before:
                    said = clock()
                    yield PhaseLine(after, phase, held, datetime.now(UTC))
                if clock() - said >= alive:
                    said = clock()
                    yield None
                await hint.wait(looks.next())

    async def phases(self, operation: UUID, after: int = 0) -> tuple[PhaseLine, ...]:
        """Lines of progress after a sequence number; NotFound without the operation."""
        return (await self._progress(operation, after))[1]

    async def at_end(self, operation: Operation) -> Operation:
        """The operation as it is now; one that took its app with it is done, others that went
        with their app have failed.
        """
        try:
            return await self.outlast(lambda: self._look(operation))
        except NotFound:
            return replace(operation, phase=OpPhase.FAILED, reason="the app was destroyed")

    async def cancel(self, app: App, operation: UUID, actor: User) -> Operation:
        """Ask for an operation's end; it comes if traffic has not been switched yet.

        Conflict when it has ended already.
        """
        async with self._database.transaction("cancel operation") as conn:
            await apps.lock(conn, app.uuid)
            found = await operations.get(conn, operation)
            if found.phase.ended:
                raise Conflict(f"The operation has ended: {found.phase}.")
            if found.cancel:
                return found
            await operations.ask_cancel(conn, operation)
            await note(conn, Act.OPERATION_CANCEL, actor, app=app, target=found.summary)
            return await operations.get(conn, operation)

    async def cancel_deploys(self, conn: Connection, app: App) -> bool:
        """Ask for the end of the app's unfinished builds and configs; whether there were any."""
        found = await self.deploys(conn, app)
        for operation in found:
            await operations.ask_cancel(conn, operation.id)
        return bool(found)

    async def _progress(self, operation: UUID, after: int) -> tuple[OpPhase, tuple[PhaseLine, ...]]:
        """The operation's phase, and its lines: all of them if it has ended. NotFound."""
        async with self._database.connection() as conn:
            found = await operations.get(conn, operation)
            return found.phase, await operations.lines_after(conn, operation, after)

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


class Looks:
    """The pauses between looks of one that waits: a second each for half a minute, then longer."""

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> float:
        """Seconds until the next look, unless a hint comes."""
        self._count += 1
        return min(_SLOWEST, _POLL * max(1.0, self._count / 30))


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
