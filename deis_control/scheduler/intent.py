"""Which accepted change the store knows of last: an old database must not remove (rule 2).

A database is behind when it does not know that change: it was put back to an earlier state. That
stays so whatever it accepts from then on, for the store is told of nothing more, until an operator
accepts the database as it is (`accept_intent`).
"""

import asyncio

import structlog

from deis_control.db import control
from deis_control.db.control import Counted
from deis_control.db.pool import Connection
from deis_control.scheduler.apply import Store
from deis_control.scheduler.changes import Change
from deis_control.scheduler.view import ClusterView
from deis_node.cluster import keys
from deis_node.cluster.etcd import EtcdError, Put
from deis_node.cluster.records import Intent
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_NOTHING = Intent(0)

_TIDY = 100
"""Changes after which old marks are forgotten again."""


class IntentMirror:
    """Keeps `/deis/control/intent` at what PostgreSQL has counted; never lowers it."""

    def __init__(self, store: Store, view: ClusterView) -> None:
        self._store = store
        self._view = view
        self._counted = _NOTHING
        self._known = _NOTHING
        """The store's last change of which the database said that it knows it."""
        self._own = _NOTHING
        """The database's own that was, or is about to be, written last."""
        self._told = 0
        """The highest number that was written for certain."""
        self._noted = asyncio.Event()
        self._reached = asyncio.Condition()
        self._said_behind = False
        self._tidied = 0

    async def look(self, conn: Connection) -> int:
        """Ask the database how many changes it has counted, and whether it is behind."""
        seen = self._view.intent
        found = await control.counted(conn, seen.seq, seen.mark)
        self.note(seen, found)
        if found.knows and seen.seq >= self._tidied + _TIDY:
            await control.forget_intents(conn, seen.seq)
            self._tidied = seen.seq
        return found.seq

    def note(self, seen: Intent, counted: Counted) -> None:
        """PostgreSQL has counted so many, and knows the change that the store knew last or not."""
        self._counted = Intent(counted.seq, counted.mark)
        if counted.knows:
            self._known = seen
        elif self._known == seen:
            self._known = _NOTHING
        if not counted.knows and self._own == seen:
            self._own = _NOTHING
        self._noted.set()
        self._tell_behind()

    @property
    def behind(self) -> bool:
        """Whether the store knows of a change that the database does not."""
        seen = self._view.intent
        return seen.seq > 0 and seen not in (self._known, self._own)

    async def settled(self) -> None:
        """Wait until the store knows of every change that was noted; not while it cannot."""
        async with self._reached:
            await self._reached.wait_for(lambda: self.behind or self._is_told())

    async def run(self) -> None:
        """Write on change, until cancelled."""
        pause = Backoff(initial=0.05, maximum=1.0)
        while True:
            await self._noted.wait()
            self._noted.clear()
            try:
                await self._store.trust()
                await self._raise_to(self._counted)
                pause.reset()
            except EtcdError as err:
                log.info("intent not written", error=str(err))
                self._noted.set()
                await pause.wait()

    def _is_told(self) -> bool:
        return max(self._told, self._view.intent.seq) >= self._counted.seq

    async def _raise_to(self, counted: Intent) -> None:
        if not self.behind and not self._is_told():
            self._own = counted
            put = Put(keys.INTENT, counted.to_bytes())
            if await self._store.write([Change((), (put,))]):
                self._told = counted.seq
        async with self._reached:
            self._reached.notify_all()

    def _tell_behind(self) -> None:
        if self.behind and not self._said_behind:
            log.error(
                "the database is behind the store, nothing is removed until an operator accepts it",
                database=self._counted.seq,
                store=self._view.intent.seq,
            )
        self._said_behind = self.behind
