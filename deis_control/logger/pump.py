"""From the connections to the disk: lines are written at once, flushed in batches, acknowledged.

Everything that touches the store's files runs in one thread, one call after another.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from deis_control.logger.store import Store
from deis_node.cluster.frames import Frame

log = structlog.get_logger()

INTAKE_BYTES = 16 << 20
"""How much may wait to be written before connections are no longer read."""
_BATCH_BYTES = 4 << 20
_DISK_PAUSE = 1.0

_T = TypeVar("_T")


class Source(Protocol):
    """Whoever sent a batch."""

    def acknowledge(self, number: int) -> None:
        """The first `number` messages of the connection are on disk."""

    def resume(self) -> None:
        """There is room again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read from one connection at once."""

    source: Source | None
    """None: nobody waits for an acknowledgement."""
    number: int
    """How many messages the connection has sent so far."""
    frames: tuple[Frame, ...]
    size: int
    """Bytes."""


class Pump:
    """Takes batches and brings them to the store; `run` does the work."""

    def __init__(self, store: Store, *, sync_interval: float) -> None:
        self._store = store
        self._interval = sync_interval
        self._intake: list[Batch] = []
        self._size = 0
        self._stopped_sources: set[Source] = set()
        self._arrived = asyncio.Event()
        self._unsynced: dict[Source, int] = {}
        self._dirty = False
        self._next_sync = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-store")

    @property
    def full(self) -> bool:
        """Whether no more should be put in."""
        return self._size >= INTAKE_BYTES

    def put(self, batch: Batch) -> bool:
        """Take a batch; False when its source should stop until it is told to resume."""
        self._intake.append(batch)
        self._size += batch.size
        self._arrived.set()
        if self.full and batch.source is not None:
            self._stopped_sources.add(batch.source)
            return False
        return True

    def forget(self, source: Source) -> None:
        """The source is gone; its batches are stored all the same."""
        self._stopped_sources.discard(source)
        self._unsynced.pop(source, None)

    async def run(self) -> None:
        """Bring batches to the store until cancelled."""
        while True:
            await self._arrival()
            await self._store_some()
            if self._dirty and self._clock() >= self._next_sync:
                await self._sync()

    async def finish(self) -> None:
        """Store, flush and acknowledge what is here; for the end, after `run` was cancelled."""
        while self._intake and not self._store.waiting:
            await self._append(self._take())
        if not self._store.waiting:
            await self._sync()
        await self.call(self._store.close)
        self._thread.shutdown(wait=False)

    async def call(self, action: Callable[[], _T]) -> _T:
        """Do something with the store between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)

    async def _arrival(self) -> None:
        """Wait for a batch; if lines are not flushed yet, only until it is time to do so."""
        if self._intake:
            return
        self._arrived.clear()
        pause = self._next_sync - self._clock() if self._dirty else None
        try:
            async with asyncio.timeout(pause):
                await self._arrived.wait()
        except TimeoutError:
            return

    async def _store_some(self) -> None:
        if self._intake:
            await self._append(self._take())
        if self._store.waiting:
            log.error("log lines wait for room on the disk", lines=self._store.waiting)
            while self._store.waiting:
                await asyncio.sleep(_DISK_PAUSE)
                await self.call(self._store.retry)
            log.info("log lines are stored again")

    async def _append(self, batches: list[Batch]) -> None:
        frames = [frame for batch in batches for frame in batch.frames]
        await self.call(lambda: self._store.append(frames))
        self._dirty = True
        for batch in batches:
            if batch.source is not None:
                self._unsynced[batch.source] = batch.number

    def _take(self) -> list[Batch]:
        """Some batches in their order of arrival; who waited for room may go on."""
        taken = 0
        count = 0
        while count < len(self._intake) and taken < _BATCH_BYTES:
            taken += self._intake[count].size
            count += 1
        batches, self._intake = self._intake[:count], self._intake[count:]
        self._size -= taken
        if not self.full:
            sources, self._stopped_sources = self._stopped_sources, set()
            for source in sources:
                source.resume()
        return batches

    async def _sync(self) -> None:
        unsynced, self._unsynced = self._unsynced, {}
        try:
            await self.call(self._store.sync)
        except OSError as err:
            log.error("log lines cannot be flushed to disk", error=str(err))
            self._unsynced = unsynced | self._unsynced
            self._next_sync = self._clock() + _DISK_PAUSE
            return
        self._dirty = False
        self._next_sync = self._clock() + self._interval
        for source, number in unsynced.items():
            source.acknowledge(number)

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()
