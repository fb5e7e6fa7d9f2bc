"""The pusher's screen: lines in order, signs of life in silence, and no harm when nobody looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from deis_control.builder import output
from deis_control.builder.errors import ViewerGone
from deis_control.builder.handover import PipeWriter
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_PATIENCE = 60.0
"""Seconds for which a push waits for a screen that takes nothing; then it goes on without."""


class Screen:
    """What the pusher sees; once he is gone, nothing is written and nothing fails."""

    def __init__(self, writer: PipeWriter, *, heartbeat: float) -> None:
        self._writer: PipeWriter | None = writer
        self._heartbeat = heartbeat
        self._last = asyncio.get_running_loop().time()

    async def show(self, *lines: str) -> None:
        """Lines without their ends."""
        if lines:
            await self._write(b"".join(output.encode(line) for line in lines))

    @asynccontextmanager
    async def busy(self, what: str) -> AsyncIterator[None]:
        """While the block lasts, silence is broken by a line that says what is being done."""
        async with Tasks(patience=1.0) as tasks:
            tasks.start(f"heartbeat while {what}", self._beat(what))
            yield

    async def _beat(self, what: str) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        while True:
            await asyncio.sleep(max(0.01, self._last + self._heartbeat - clock()))
            if clock() - self._last >= self._heartbeat:
                await self.show(output.waiting(what, clock() - started))

    async def _write(self, data: bytes) -> None:
        if self._writer is None:
            return
        self._last = asyncio.get_running_loop().time()
        try:
            await self._writer.write(data, patience=_PATIENCE)
        except ViewerGone as err:
            self._writer = None
            log.info("push goes on without its pusher", reason=str(err))
