"""What the router tells the cluster of itself: its record in etcd, written on change only.

A record is an acknowledgement: it never names a revision before nginx serves it, nor forgets an
address that may still have a request in flight.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, EtcdError, Put, mod_revision_is
from deis_node.cluster.records import Router as RouterRecord
from deis_node.router.admin import Admin
from deis_node.router.errors import AdminError
from deis_node.router.feed import Feed
from deis_node.router.intake import Intake
from deis_node.router.keeper import Keeper
from deis_node.router.loader import Loader
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_LEASE_LOOK = 1.0
_MOST_ERRORS = 100


class Recorder:
    """Writes `/deis/routers/<host>`."""

    def __init__(
        self,
        etcd: Etcd,
        host: str,
        lease: Callable[[], int],
        feed: Feed,
        intake: Intake,
        admin: Admin,
        loader: Loader,
        keeper: Keeper,
    ) -> None:
        self._etcd = etcd
        self._key = keys.router(host)
        self._lease = lease
        self._feed = feed
        self._intake = intake
        self._admin = admin
        self._loader = loader
        self._keeper = keeper
        self._written: tuple[RouterRecord, int, int] | None = None
        self._served = 0
        self._life = 0
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There may be something to tell."""
        self._wake.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        drain = Backoff(initial=0.02, maximum=1.0)
        failed = Backoff(initial=0.1, maximum=2.0)
        while True:
            if not self._loader.leaving:
                drain.reset()
            await self._wait(drain.next() if self._loader.leaving else _LEASE_LOOK)
            try:
                await self._tell()
            except (AdminError, EtcdError) as err:
                log.warning("router record not written", reason=str(err))
                self._written = None
                await failed.wait()
            else:
                failed.reset()

    async def _wait(self, limit: float) -> None:
        try:
            async with asyncio.timeout(limit):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _tell(self) -> None:
        state, life, lease = self._loader.state, self._feed.following, self._lease()
        if not (state and life and lease and self._feed.synced and self._keeper.settled):
            return
        served = self._acknowledged(life)
        record = RouterRecord(
            incarnation=state.incarnation,
            served=served,
            draining=await self._draining(),
            errors=self._errors(),
        )
        if (record, lease, life) == self._written:
            return
        # Only into the store that was followed: one that was emptied must not hear of the past.
        result = await self._etcd.txn(
            (mod_revision_is(keys.INCARNATION, life),),
            (Put(self._key, record.to_bytes(), lease),),
        )
        if result.succeeded:
            self._written = (record, lease, life)
            self._served = served

    def _acknowledged(self, life: int) -> int:
        """The newest awaited revision that nginx serves."""
        if life != self._life:
            self._life, self._served = life, 0
        awaited = self._intake.awaited
        return awaited if awaited <= self._loader.revision else self._served

    async def _draining(self) -> tuple[str, ...]:
        """The withdrawn addresses that have requests in flight, or may have."""
        leaving = frozenset(self._loader.leaving)
        if not leaving:
            return ()
        if self._keeper.nginx.orphans:
            # They count for themselves, and nobody can ask them.
            return tuple(sorted(leaving))
        counts = await self._admin.inflight(leaving)
        self._loader.settled(leaving - counts.keys())
        return tuple(sorted(counts))

    def _errors(self) -> Mapping[str, str]:
        errors = self._intake.errors
        if self._keeper.error:
            errors["router"] = "; ".join(filter(None, (errors.get("router"), self._keeper.error)))
        return dict(sorted(errors.items())[:_MOST_ERRORS])
