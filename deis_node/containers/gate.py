"""How many containers a host makes and starts at the same time.

Each costs a fifth of a second of processor time in the Docker Engine and its runtime. When all are
begun at once, all are ready at the end; a few at a time, the first serve long before the last, and
the whole takes a little less (docs/decisions/0061).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PER_PROCESSOR = 2
"""One waits for the disk or the kernel's locks while the other works."""


class Gate:
    """Lets so many through at a time (0: two for each processor), in the order of their coming.

    Nobody waits longer than `patience` seconds: starts that hang hold up no other copy for longer.
    """

    def __init__(self, places: int, patience: float) -> None:
        self._places = asyncio.Semaphore(places or PER_PROCESSOR * (os.cpu_count() or 1))
        self._patience = patience

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it for as long as the block lasts."""
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            yield
            return
        try:
            yield
        finally:
            self._places.release()
