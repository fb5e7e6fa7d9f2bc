"""An operation's progress for people: lines in PostgreSQL, written beside the rollout.

The rollout never waits for them, and goes on while PostgreSQL is away; they stay in order.
"""

import asyncio
from uuid import UUID

import structlog

from deis_control.db import control, operations
from deis_control.db.pool import Connection, Database, DatabaseAway
from deis_control.errors import Fenced
from deis_control.model import OpPhase
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_SPARSE = 1.0
"""Seconds between two lines of the same phase, but for notes."""


class Progress:
    """The lines of one operation that are not written yet."""

    def __init__(self, database: Database, operation: UUID, *, epoch: int) -> None:
        self._database = database
        self._operation = operation
        self._epoch = epoch
        self._lines: list[tuple[OpPhase, str]] = []
        self._last: tuple[OpPhase, str] | None = None
        self._last_at = 0.0
        self._notes: set[str] = set()
        self._more = asyncio.Event()
        self._writing = asyncio.Lock()

    def say(self, phase: OpPhase, text: str) -> None:
        """The operation is in this phase, because of this; told when it is news."""
        now = asyncio.get_running_loop().time()
        same_phase = self._last is not None and self._last[0] is phase
        if self._last == (phase, text) or (same_phase and now - self._last_at < _SPARSE):
            return
        self._last, self._last_at = (phase, text), now
        self._add(phase, text)

    def note(self, phase: OpPhase, text: str) -> None:
        """Something that people must know, once."""
        if text not in self._notes:
            self._notes.add(text)
            self._add(phase, text)

    async def run(self) -> None:
        """Write lines as they come, until cancelled."""
        pause = Backoff(initial=0.1, maximum=2.0)
        while True:
            await self._more.wait()
            try:
                async with self._writing:
                    await self._write()
                pause.reset()
            except Fenced:
                return
            except DatabaseAway as err:
                log.info("progress not written", operation=str(self._operation), reason=str(err))
                await pause.wait()

    async def rest(self, conn: Connection) -> None:
        """Write what is left, in the transaction that ends the operation."""
        for phase, text in self._lines:
            await operations.set_phase(conn, self._operation, phase, epoch=self._epoch, text=text)

    def forget(self) -> None:
        """What was left is written."""
        self._lines.clear()
        self._more.clear()

    @property
    def writing(self) -> asyncio.Lock:
        """Held while lines are written; the end of the operation is written under it."""
        return self._writing

    def _add(self, phase: OpPhase, text: str) -> None:
        self._lines.append((phase, text))
        self._more.set()

    async def _write(self) -> None:
        lines = list(self._lines)
        if not lines:
            self._more.clear()
            return
        async with control.fenced(self._database, self._epoch, "progress") as conn:
            for phase, text in lines:
                await operations.set_phase(
                    conn, self._operation, phase, epoch=self._epoch, text=text
                )
        del self._lines[: len(lines)]
        if not self._lines:
            self._more.clear()
