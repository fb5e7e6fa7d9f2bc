"""Keeps what this host shall run in step with etcd.

Watches only tell when to look: what counts is one transaction that reads the incarnation and the
host's placements at the same revision. So a listing is never believed on the word of an
incarnation that was read at another time.
"""

import asyncio
from collections.abc import Callable
from math import inf

import structlog

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, EtcdError, Get, KeyValue, List, Listing
from deis_node.cluster.prefix import WatchedPrefix
from deis_node.cluster.records import Incarnation, Placement, RecordError
from deis_node.containers.trust import Placed, Reading, Wanted, take_in
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import forever, spawn

log = structlog.get_logger()


class PlacementSource:
    """The host's placements: `current` at any time, `told` is called on every change."""

    def __init__(
        self, etcd: Etcd, host: str, start: Wanted, told: Callable[[Wanted], None]
    ) -> None:
        self.current = start
        self.read_at = -inf
        """When the last reading that was trusted began, by the loop's clock."""
        self._etcd = etcd
        self._host = host
        self._told = told
        self._look = asyncio.Event()

    def look(self) -> None:
        """Read anew, though no change was heard of."""
        self._look.set()

    async def run(self) -> None:
        """Watch and read until cancelled."""
        hints = (
            WatchedPrefix(self._etcd, keys.placements_of(self._host), name="placements"),
            WatchedPrefix(self._etcd, keys.INCARNATION, name="incarnation"),
        )
        async with asyncio.TaskGroup() as group:
            for prefix in hints:
                spawn(group, f"watch {prefix.name}", forever(prefix.name, prefix.run))
                spawn(group, f"hints of {prefix.name}", self._listen(prefix))
            spawn(group, "read placements", forever("read placements", self._follow))

    async def _listen(self, prefix: WatchedPrefix) -> None:
        signal = prefix.subscribe()
        while True:
            await signal.wait()
            signal.clear()
            self._look.set()

    async def _follow(self) -> None:
        pause = Backoff(initial=0.05, maximum=5.0)
        while True:
            await self._look.wait()
            self._look.clear()
            asked = asyncio.get_running_loop().time()
            try:
                reading = await read(self._etcd, self._host)
            except EtcdError as err:
                log.info("placements cannot be read", error=str(err))
                self._look.set()
                await pause.wait()
                continue
            pause.reset()
            self._take_in(reading, asked)

    def _take_in(self, reading: Reading, asked: float) -> None:
        before, self.current = self.current, take_in(self.current, reading)
        if self.current.trusted:
            self.read_at = asked
        if before.trusted != self.current.trusted or before.epoch == 0:
            log.info(
                "store is trusted" if self.current.trusted else "store counts as away",
                incarnation=self.current.incarnation,
                revision=reading.revision,
                placements=len(reading.placements),
            )
        self._told(self.current)


async def read(etcd: Etcd, host: str) -> Reading:
    """The incarnation and the host's placements, both at one revision; the errors of etcd."""
    prefix = keys.placements_of(host)
    result = await etcd.txn([], [Get(keys.INCARNATION), List(prefix)])
    incarnation, placements = (listing or Listing(0, ()) for listing in result.results)
    placed: dict[str, Placed] = {}
    unreadable: set[str] = set()
    for item in placements.items:
        name = keys.tail(item.key, prefix)
        placement = _placement(name, item)
        if placement is None:
            unreadable.add(name)
        else:
            placed[name] = Placed(placement, item.mod_revision)
    return Reading(
        revision=result.revision,
        incarnation=_incarnation(incarnation),
        placements=placed,
        unreadable=frozenset(unreadable),
    )


def _placement(name: str, item: KeyValue) -> Placement | None:
    """The record, unless it cannot be read or speaks of another copy than its key."""
    try:
        placement = Placement.from_bytes(item.value)
    except RecordError as err:
        log.error("placement is unreadable", key=item.key, error=str(err))
        return None
    if placement.copy.container != name:
        log.error("placement is unreadable", key=item.key, error="it names another copy")
        return None
    return placement


def _incarnation(listing: Listing) -> Incarnation | None:
    """The store's incarnation; one that cannot be read counts as missing."""
    try:
        return Incarnation.from_bytes(listing.items[0].value) if listing.items else None
    except RecordError as err:
        log.error("incarnation is unreadable", error=str(err))
        return None
