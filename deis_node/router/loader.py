"""The table → nginx: changes as they come, the whole table when nginx has lost it."""

import asyncio
from collections.abc import Callable, Collection

import structlog

from deis_node.router.admin import Admin, State
from deis_node.router.errors import AdminError
from deis_node.router.table import Table
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()


class Loader:
    """Keeps nginx' table in step with ours; `served` is called after each step.

    `revision` tells how far the table has come. Before `allow` it is not known whether the table
    is what shall be served: nginx keeps what it has, or, if that is nothing, gets what was
    `recalled` from disk.
    """

    def __init__(
        self,
        admin: Admin,
        table: Table,
        revision: Callable[[], int],
        served: Callable[[], None],
        *,
        recalled: bool,
    ) -> None:
        self.revision = 0
        """The revision that nginx serves."""
        self.state: State | None = None
        """nginx after the last step; None while it has to be loaded anew."""
        self.loaded = asyncio.Event()
        """Set while nginx has the whole table."""
        self.leaving: set[str] = set()
        """Addresses that were withdrawn and may have requests in flight."""
        self._admin = admin
        self._table = table
        self._revision = revision
        self._served = served
        self._version = 0
        self._allowed = False
        self._recalled = recalled
        self._asked = False
        self._up = False
        self._urgent = asyncio.Event()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """The table may have changed."""
        self._wake.set()

    def allow(self) -> None:
        """The table is what shall be served."""
        self._allowed = True
        self._wake.set()

    def reset(self) -> None:
        """Load the whole table: nginx is up, and may have lost it or never had it."""
        self._up = True
        self._forget()
        self._urgent.set()
        self._wake.set()

    async def run(self) -> None:
        """Bring changes to nginx until cancelled."""
        pause = Backoff(initial=0.01, maximum=1.0)
        said = ""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._up:
                continue
            try:
                await self._step()
            except AdminError as err:
                self._forget()
                self._wake.set()
                if str(err) != said:
                    said = str(err)
                    log.warning("routes not loaded", reason=said)
                await self._pause(pause.next())
            else:
                said = ""
                pause.reset()

    def _forget(self) -> None:
        self.state = None
        self.loaded.clear()

    def settled(self, addresses: Collection[str]) -> None:
        """These addresses have no requests in flight any more."""
        self.leaving.difference_update(addresses)

    async def _pause(self, limit: float) -> None:
        """Wait so many seconds, or until nginx is up again."""
        self._urgent.clear()
        try:
            async with asyncio.timeout(limit):
                await self._urgent.wait()
        except TimeoutError:
            return

    async def _step(self) -> None:
        if self.state is None:
            found = await self._admin.state()
            if not (self._allowed or (self._recalled and not found.synced)):
                return
            self._version = max(self._version, found.version)
        revision = self._revision()
        delta = self._table.take()
        self.leaving |= delta.withdrawn
        self.leaving -= delta.returned
        if self.state is None:
            await self._load()
        elif delta:
            self.state = await self._admin.change(delta, self.state)
            self._version = self.state.version
        self.revision = revision
        self._served()

    async def _load(self) -> None:
        self._version += 1
        self.state = await self._admin.load(self._table.rows, self._version)
        await self._ask_for_leaving()
        self.loaded.set()
        log.info("routes loaded", rows=len(self._table.rows), incarnation=self.state.incarnation)

    async def _ask_for_leaving(self) -> None:
        """A former agent may have withdrawn what is still in flight: ask once."""
        if not self._asked:
            counts = await self._admin.inflight()
            self.leaving |= {address for address in counts if not self._table.names(address)}
            self._asked = True
