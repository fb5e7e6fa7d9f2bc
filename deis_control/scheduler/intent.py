"""How many accepted changes the store knows of: an old database must not remove (rule 2)."""

import asyncio

import structlog

from deis_control.scheduler.apply import Store
from deis_control.scheduler.changes import Change
from deis_control.scheduler.view import ClusterView
from deis_node.cluster import keys
from deis_node.cluster.etcd import EtcdError, Put
from deis_node.cluster.records import Intent
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()


class IntentMirror:
    """Keeps `/deis/control/intent` at what PostgreSQL has counted; never lowers it."""

    def __init__(self, store: Store, view: ClusterView) -> None:
        self._store = store
        self._view = view
        self._counted = 0
        self._written = 0
        self._noted = asyncio.Event()
        self._reached = asyncio.Condition()
        self._said_behind = False

    def note(self, counted: int) -> None:
        """PostgreSQL has counted so many accepted changes."""
        self._counted = counted
        if counted > self._known:
            self._noted.set()
        self._tell_behind()

    @property
    def behind(self) -> bool:
        """Whether the store knows of changes that the database does not."""
        return self._counted < self._view.intent

    async def settled(self) -> None:
        """Wait until the store knows of every change that was noted."""
        async with self._reached:
            await self._reached.wait_for(lambda: self._known >= self._counted)

    async def run(self) -> None:
        """Write on change, until cancelled."""
        pause = Backoff(initial=0.05, maximum=1.0)
        while True:
            await self._noted.wait()
            self._noted.clear()
            try:
                await self._raise_to(self._counted)
                pause.reset()
            except EtcdError as err:
                log.info("intent not written", error=str(err))
                self._noted.set()
                await pause.wait()

    @property
    def _known(self) -> int:
        return max(self._written, self._view.intent)

    async def _raise_to(self, counted: int) -> None:
        if counted > self._known:
            put = Put(keys.INTENT, Intent(counted).to_bytes())
            if await self._store.write([Change((), (put,))]):
                self._written = counted
        async with self._reached:
            self._reached.notify_all()

    def _tell_behind(self) -> None:
        if self.behind and not self._said_behind:
            log.error(
                "the database is behind the store, nothing is removed until an operator accepts it",
                database=self._counted,
                store=self._view.intent,
            )
        self._said_behind = self.behind
