"""etcd → the table, change by change.

First everything is read, between two looks at the store's incarnation: only a store that may be
trusted (trust.py) is acted upon, whatever is missing in it. Then each prefix is watched. Any
doubt, such as a lost connection, ends in reading everything again; so does a slow timer, which
checks the watches.

There is no snapshot of all keys as in `WatchedPrefix`, because a router with ten thousand apps
must take in one change without touching the others.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from deis_node.cluster import keys
from deis_node.cluster.etcd import (
    DELETE,
    Compacted,
    Etcd,
    EtcdError,
    Event,
    List,
    Listing,
    RevisionWentBack,
)
from deis_node.cluster.records import Incarnation, RecordError
from deis_node.router.intake import TABLE_PREFIXES, Digest, Intake, Listings
from deis_node.router.saved import Saved
from deis_node.router.trust import Away, Known, Trusted, judge
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import spawn

log = structlog.get_logger()

_AUDIT = 600.0
_HOLD = 60.0
_AWAITED = 1.0
_MANY = 40

Batch = tuple[Event, ...]


class _Doubt(Exception):
    """The watches no longer tell the whole story."""


class Feed:
    """Keeps an intake in step with etcd, and what was taken in on disk.

    `changed` is called after each step.
    """

    def __init__(
        self, etcd: Etcd, intake: Intake, saved: Saved, changed: Callable[[], None]
    ) -> None:
        self.synced = False
        """Whether the table has been in step with a trusted store since this process started."""
        self.following = 0
        """The revision of the incarnation that is followed now; 0 while none is."""
        self.revision = 0
        """The revision that routes and their endpoints have certainly reached."""
        self._etcd = etcd
        self._intake = intake
        self._saved = saved
        self._changed = changed
        self._hold_till = 0.0
        self._said = ""

    async def run(self) -> None:
        """Follow etcd until cancelled; its errors are retried, with a pause that grows."""
        pause = Backoff(initial=0.05, maximum=2.0)
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            try:
                await self._follow()
            except (Compacted, RevisionWentBack, _Doubt) as err:
                log.info("router reads etcd anew", reason=str(err))
            except EtcdError as err:
                self._say(f"etcd does not answer: {err}")
            finally:
                self.following = 0
            if clock() - started > 10:
                pause.reset()
            await pause.wait()

    async def _follow(self) -> None:
        before = await self._incarnation()
        listings = {prefix: await self._etcd.list(prefix) for prefix in TABLE_PREFIXES}
        control = await self._etcd.list(keys.CONTROL)
        after = await self._incarnation()
        if before != after:
            raise _Doubt("the incarnation changed while all was read")
        oldest = min(listing.revision for listing in listings.values())
        verdict = judge(self._saved.known, after[0], oldest)
        if isinstance(verdict, Away):
            await self._wait_for_incarnation(verdict, control.revision)
            return
        digest = await asyncio.to_thread(self._intake.digest, listings, anew=verdict.anew)
        self._take_all(verdict, listings, digest, control)
        self.following = after[1]
        self._changed()
        positions = {prefix: listing.revision for prefix, listing in listings.items()}
        await self._watch(positions | {keys.CONTROL: control.revision})

    async def _incarnation(self) -> tuple[Incarnation | None, int]:
        kv = await self._etcd.get(keys.INCARNATION)
        if kv is None:
            return None, 0
        try:
            return Incarnation.from_bytes(kv.value), kv.mod_revision
        except RecordError:
            return None, kv.mod_revision

    def _take_all(
        self, verdict: Trusted, listings: Listings, digest: Digest, control: Listing
    ) -> None:
        clock = asyncio.get_running_loop().time
        if verdict.anew:
            self._hold_till = clock() + _HOLD
        self._intake.full(listings, digest, carry=clock() < self._hold_till)
        self._intake.awaited = 0
        for kv in control.items:
            self._intake.put(kv)
        self.revision = listings[keys.ROUTES].revision
        self._saved.full(kv for listing in listings.values() for kv in listing.items)
        self._saved.hosts(self._intake.table.known_hosts)
        self._saved.trust(Known(verdict.incarnation, control.revision))
        self.synced = True
        self._say("")

    async def _wait_for_incarnation(self, away: Away, revision: int) -> None:
        """The store counts as away: what is served stays, until somebody writes that key."""
        known = self._saved.known
        if known is not None and away.broken:
            self._saved.trust(replace(known, broken=True))
        self._say(away.reason)
        watch = self._etcd.watch(keys.INCARNATION, revision + 1, resume=False)
        async with aclosing(watch) as batches:
            async for _ in batches:
                return

    async def _watch(self, positions: dict[str, int]) -> None:
        queue: asyncio.Queue[tuple[str, Batch]] = asyncio.Queue()
        try:
            async with asyncio.TaskGroup() as group:
                for prefix, revision in positions.items():
                    spawn(group, f"watch {prefix}", self._listen(prefix, revision + 1, queue))
                spawn(group, "audit", self._audit())
                spawn(group, "hold", self._end_hold())
                while True:
                    await self._take(await self._next(queue))
        except BaseExceptionGroup as errors:
            raise _first(errors) from errors

    async def _next(self, queue: "asyncio.Queue[tuple[str, Batch]]") -> list[tuple[str, Batch]]:
        """What the watches told, at least one batch."""
        behind = self._intake.awaited > self.revision
        try:
            # An awaited revision is that of some route: its event is on its way.
            async with asyncio.timeout(_AWAITED if behind else None):
                found = [await queue.get()]
        except TimeoutError:
            raise _Doubt("the awaited revision does not come") from None
        while not queue.empty():
            found.append(queue.get_nowait())
        return found

    async def _listen(
        self, prefix: str, revision: int, queue: "asyncio.Queue[tuple[str, Batch]]"
    ) -> None:
        async with aclosing(self._etcd.watch(prefix, revision, resume=False)) as batches:
            async for batch in batches:
                queue.put_nowait((prefix, batch))

    async def _audit(self) -> None:
        await asyncio.sleep(_AUDIT * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
        raise _Doubt("it is time to check the watches")

    async def _end_hold(self) -> None:
        """After a while nobody will put the endpoints again that the store has lost."""
        left = self._hold_till - asyncio.get_running_loop().time()
        if self._hold_till:
            await asyncio.sleep(max(left, 0))
            self._hold_till = 0.0
            self._intake.table.drop_carried()
            self._changed()

    async def _take(self, batches: Sequence[tuple[str, Batch]]) -> None:
        """Apply what the watches told; a route never before the endpoints it was made for."""
        routed = [event for prefix, batch in batches if prefix == keys.ROUTES for event in batch]
        listings = await self._endpoints(routed)
        for prefix, batch in batches:
            for event in batch:
                self._apply(event)
            if prefix == keys.ROUTES:
                self.revision = max(self.revision, batch[-1].kv.mod_revision)
        for app, listing in listings.items():
            self._intake.endpoints(app, listing)
        self._changed()

    def _apply(self, event: Event) -> None:
        if event.kv.key == keys.INCARNATION:
            raise _Doubt("the incarnation was written")
        if event.kind is DELETE:
            self._intake.delete(event.kv.key, event.kv.mod_revision)
            self._saved.delete(event.kv)
        else:
            self._intake.put(event.kv)
            self._saved.put(event.kv)
            if event.kv.key.startswith(keys.HOSTS):
                self._saved.hosts(self._intake.table.known_hosts)

    async def _endpoints(self, routed: Sequence[Event]) -> dict[str, Listing]:
        """The endpoints of the apps whose routes changed, as they are now or were later."""
        apps = tuple({keys.tail(event.kv.key, keys.ROUTES) for event in routed})
        if len(apps) > _MANY:
            raise _Doubt("many routes changed at once")
        if not apps:
            return {}
        reads = [List(keys.services_of(app)) for app in apps]
        result = await self._etcd.txn((), reads)
        return {
            app: Listing(result.revision, found.items)
            for app, found in zip(apps, result.results, strict=True)
            if found is not None
        }

    def _say(self, reason: str) -> None:
        """Log why etcd is not followed, once, and when it is again."""
        if reason == self._said:
            return
        if reason:
            log.warning("router keeps what it has", reason=reason)
        else:
            log.info("router follows etcd again", revision=self.revision)
        self._said = reason


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended a group of watches; anything unexpected goes before the usual."""
    leaves: list[BaseException] = []
    pending: list[BaseException] = [errors]
    while pending:
        error = pending.pop()
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            leaves.append(error)
    usual = (EtcdError, _Doubt)
    return next((leaf for leaf in leaves if not isinstance(leaf, usual)), leaves[0])
