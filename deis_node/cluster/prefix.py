"""All keys below a prefix, kept up to date: a listing, then a watch, and a new listing on doubt.

Readers see an immutable snapshot and a signal that says "look again". An idle cache costs one
reconnect per read limit, and one full read every ten minutes that checks the watch.
"""

import asyncio
import random
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import TypeVar

import structlog

from deis_node.cluster.etcd import (
    DELETE,
    Compacted,
    Etcd,
    EtcdError,
    Event,
    KeyValue,
    Listing,
    RevisionWentBack,
)
from deis_node.cluster.records import Record, RecordError
from deis_node.cluster.signals import Signal, Signals
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_R = TypeVar("_R", bound=Record)
_MOST_DELETIONS = 1000
"""That are remembered by their keys; more are told as if everything had been read anew."""
_Parsed = dict[str, tuple[KeyValue, Record | None]]


class WatchedPrefix:
    """A cache of the keys below a prefix; `run` keeps it fresh and never ends by itself.

    `patience` is for how many seconds etcd may fail to answer before `available` turns False;
    `audit` is the number of seconds between two full reads that check the watch.
    """

    def __init__(
        self,
        etcd: Etcd,
        prefix: str,
        *,
        name: str,
        patience: float = 5.0,
        audit: float = 600.0,
    ) -> None:
        self.name = name
        self._etcd = etcd
        self._prefix = prefix
        self._patience = patience
        self._audit = audit
        self._items: Mapping[str, KeyValue] = MappingProxyType({})
        self._revision = 0
        self._available = False
        self._failing_since: float | None = None
        self._first = asyncio.Event()
        self._signals = Signals()
        self._breaks = 0
        self._deletions: Mapping[str, int] = MappingProxyType({})
        self._own_deletions: dict[str, int] = {}
        """Own deletions that the watch has not reached yet, by their revisions."""
        self._parsed: dict[type[Record], _Parsed] = {}

    @property
    def items(self) -> Mapping[str, KeyValue]:
        """The keys as last seen; the mapping never changes, a new one takes its place."""
        return self._items

    @property
    def revision(self) -> int:
        """The revision that `items` has certainly reached; 0 before the first listing."""
        return self._revision

    @property
    def breaks(self) -> int:
        """A number that grows with each listing: who compares `items` with what they were before it
        may have missed keys that came and went.
        """
        return self._breaks

    @property
    def deletions(self) -> Mapping[str, int]:
        """Key → the revision of its last deletion, since the last of `breaks`.

        The mapping never changes, a new one takes its place.
        """
        return self._deletions

    @property
    def available(self) -> bool:
        """Whether etcd answers; while it does not, `items` is the last known state."""
        return self._available

    @property
    def loaded(self) -> bool:
        """Whether there has been a first listing."""
        return self._first.is_set()

    async def ready(self) -> None:
        """Wait for the first listing."""
        await self._first.wait()

    def subscribe(self) -> Signal:
        """A signal of one's own: set on every change of `items` or `available`, and now."""
        return self._signals.subscribe()

    def unsubscribe(self, signal: Signal) -> None:
        """Give a signal back; it will not be set again."""
        self._signals.unsubscribe(signal)

    def apply(self, *kvs: KeyValue) -> None:
        """Take in one's own writes before the watch tells of them; older news is ignored.

        All of a transaction at once: each call copies the whole mapping.
        """
        news = [kv for kv in kvs if kv.mod_revision > self._revision]
        if news:
            self._change(news, ())

    def discard(self, revision: int, *found: str) -> None:
        """Take in that keys were gone at this revision: one's own deletions, or what was read."""
        if found and revision > self._revision:
            known = self._own_deletions
            known |= {key: max(revision, known.get(key, 0)) for key in found}
            self._change((), [(key, revision) for key in found])

    def records(self, kind: type[_R]) -> dict[str, _R]:
        """The values as records, by key; an unreadable one is left out and logged once."""
        before = self._parsed.get(kind, {})
        after: _Parsed = {}
        for key, kv in self._items.items():
            known = before.get(key)
            after[key] = known if known and known[0] is kv else (kv, _parse(kind, kv))
        self._parsed[kind] = after
        return {key: record for key, (_, record) in after.items() if isinstance(record, kind)}

    async def run(self) -> None:
        """Keep the cache fresh until cancelled."""
        pause = Backoff(initial=0.05, maximum=2.0)
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            try:
                await self._list()
                await self._follow()
            except (Compacted, RevisionWentBack) as err:
                log.info("watched prefix reads anew", cache=self.name, reason=str(err))
            except EtcdError as err:
                self._failed(err)
            if clock() - started > self._patience:
                pause.reset()
            await pause.wait()

    async def _list(self) -> None:
        listing = await self._etcd.list(self._prefix)
        self._failing_since = None
        if listing.revision < self._revision:
            log.warning("the store went back", cache=self.name, revision=listing.revision)
            self._own_deletions.clear()
            fresh = {kv.key: kv for kv in listing.items}
        else:
            self._check(listing)
            fresh = self._merged(listing)
        self._reached(listing.revision)
        self._break()
        self._show(fresh, available=True)
        self._first.set()

    def _break(self) -> None:
        self._breaks += 1
        self._deletions = MappingProxyType({})

    def _merged(self, listing: Listing) -> dict[str, KeyValue]:
        """The listing, with own changes that were made after it.

        What did not change keeps its object, by which `records` knows what it has parsed.
        """
        known = self._items
        fresh = {kv.key: known[kv.key] if known.get(kv.key) == kv else kv for kv in listing.items}
        fresh |= {k: kv for k, kv in known.items() if kv.mod_revision > listing.revision}
        for key, revision in self._own_deletions.items():
            if revision > listing.revision and key_is_older(fresh.get(key), revision):
                fresh.pop(key, None)
        return fresh

    def _reached(self, revision: int) -> None:
        self._revision = revision
        if self._own_deletions:
            self._own_deletions = {
                key: at for key, at in self._own_deletions.items() if at > revision
            }

    def _check(self, listing: Listing) -> None:
        """Log what the watch should have delivered and has not."""
        missed = [
            kv.key
            for kv in listing.items
            if kv.mod_revision <= self._revision
            and key_is_older(self._items.get(kv.key), kv.mod_revision)
        ]
        if missed:
            log.error("watch lost events", cache=self.name, keys=missed[:10], count=len(missed))

    async def _follow(self) -> None:
        """Apply the watch's events until it is time for a full read."""
        events = self._etcd.watch(self._prefix, self._revision + 1, resume=False)
        try:
            async with asyncio.timeout(self._audit * random.uniform(0.9, 1.1)):  # noqa: S311
                async with aclosing(events):
                    async for batch in events:
                        self._apply(batch)
        except TimeoutError:
            return

    def _apply(self, batch: tuple[Event, ...]) -> None:
        self._change(
            (event.kv for event in batch if event.kind is not DELETE),
            ((event.kv.key, event.kv.mod_revision) for event in batch if event.kind is DELETE),
        )
        self._reached(max(self._revision, batch[-1].kv.mod_revision))

    def _change(self, puts: Iterable[KeyValue], deletes: Iterable[tuple[str, int]]) -> None:
        """Apply what is newer than what the cache has."""
        fresh = dict(self._items)
        for kv in puts:
            gone = self._own_deletions.get(kv.key, 0) > kv.mod_revision
            if not gone and key_is_older(fresh.get(kv.key), kv.mod_revision):
                fresh[kv.key] = kv
        deleted: dict[str, int] = {}
        for key, revision in deletes:
            deleted[key] = revision
            if key_is_older(fresh.get(key), revision):
                fresh.pop(key, None)
        if deleted:
            self._deletions = MappingProxyType({**self._deletions, **deleted})
        if len(self._deletions) > _MOST_DELETIONS:
            self._break()
        self._show(fresh, available=self._available)

    def _failed(self, err: EtcdError) -> None:
        now = asyncio.get_running_loop().time()
        if self._failing_since is None:
            self._failing_since = now
            log.warning("watched prefix interrupted", cache=self.name, error=str(err))
        if self._available and now - self._failing_since >= self._patience:
            log.error("etcd does not answer", cache=self.name, error=str(err))
            self._show(self._items, available=False)

    def _show(self, items: Mapping[str, KeyValue], *, available: bool) -> None:
        """Put a snapshot in place, which is ours from now on; tell of it if it differs."""
        if items == self._items and available == self._available:
            return
        if items is not self._items:
            self._items = MappingProxyType(items)
        self._available = available
        self._signals.tell()


def key_is_older(known: KeyValue | None, revision: int) -> bool:
    """Whether a change of this revision is news to a key as it is known."""
    return known is None or known.mod_revision < revision


def _parse(kind: type[Record], kv: KeyValue) -> Record | None:
    try:
        return kind.from_bytes(kv.value)
    except RecordError as err:
        log.warning("unreadable record ignored", key=kv.key, error=str(err))
        return None
