"""The cluster as a process sees it: caches of etcd, sorted by app, that everybody here shares."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType

from deis_control.errors import Unavailable
from deis_control.model import CopyState
from deis_control.scheduler.engines.swarm import Wish
from deis_control.scheduler.snapshot import AppKeys, Index, changed_keys
from deis_control.scheduler.states import state_of
from deis_control.scheduler.world import (
    HostListed,
    HostSeen,
    Limits,
    Observed,
    Placed,
    Target,
    World,
)
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, Etcd, KeyValue, Op, Put
from deis_node.cluster.prefix import WatchedPrefix
from deis_node.cluster.records import Incarnation, Intent, Placement
from deis_node.runtime.tasks import Tasks, forever

_PREFIXES = (
    keys.HOSTS,
    keys.HOSTCONF,
    keys.PLACEMENTS,
    keys.INSTANCES,
    keys.SERVICES,
    keys.ROUTES,
    keys.ROUTERS,
    keys.MOVES,
    keys.PREFETCH,
    keys.CONTROL,
    keys.setting("scheduler", ""),
)
_NO_DELETIONS: Mapping[str, int] = MappingProxyType({})
_NOTHING: Mapping[str, KeyValue] = MappingProxyType({})


class Changes:
    """What one subscriber has not looked at yet."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._apps: set[str] = set()
        self._all = True
        self._event.set()

    def note(self, app: str | None) -> None:
        """Something of the app changed; None: something that concerns all."""
        if app is None:
            self._all = True
        else:
            self._apps.add(app)
        self._event.set()

    async def wait(self) -> tuple[frozenset[str], bool]:
        """The apps that changed since the last call, and whether something common did."""
        await self._event.wait()
        self._event.clear()
        apps, everything = frozenset(self._apps), self._all
        self._apps, self._all = set(), False
        return apps, everything


class _Cache:
    """One watched prefix and what the index has taken in of it."""

    def __init__(self, etcd: Etcd, prefix: str, known: Mapping[str, KeyValue]) -> None:
        name = prefix.removeprefix(keys.ROOT).rstrip("/")
        self.watched = WatchedPrefix(etcd, prefix, name=f"view {name}")
        self.known = known
        self.breaks = 0
        self.deletions: Mapping[str, int] = _NO_DELETIONS
        """Those of `watched` that the index has been told of."""


class ClusterView:
    """The state of hosts, copies, endpoints, routes and routers; `run` keeps it fresh.

    While etcd is away it stays as last known.
    """

    def __init__(self, etcd: Etcd) -> None:
        self._etcd = etcd
        self._index = Index()
        self._caches = {prefix: _Cache(etcd, prefix, _NOTHING) for prefix in _PREFIXES}
        self._tasks: Tasks | None = None
        self._running = asyncio.Event()
        self._subscribers: list[Changes] = []

    async def run(self) -> None:
        """Keep the caches fresh until cancelled."""
        async with Tasks() as tasks:
            self._tasks = tasks
            self._start(tasks)
            self._running.set()
            try:
                await asyncio.Event().wait()
            finally:
                self._running.clear()

    async def ready(self) -> None:
        """Wait until every prefix has been read once, since the start or the last `reload`."""
        for cache in self._caches.values():
            await cache.watched.ready()
            self._absorb(cache)

    async def reload(self) -> None:
        """Forget nothing, but read everything anew: the store may be in another life.

        A new leader calls it, so that no revision of a former life meets one of this.
        """
        await self._running.wait()
        assert self._tasks is not None
        await self._tasks.stop(5.0)
        self._caches = {
            prefix: _Cache(self._etcd, prefix, cache.known)
            for prefix, cache in self._caches.items()
        }
        self._start(self._tasks)
        await self.ready()

    @property
    def loaded(self) -> bool:
        """Whether the cluster's state is known at all."""
        return all(cache.watched.loaded for cache in self._caches.values())

    @property
    def available(self) -> bool:
        """Whether etcd answers; while it does not, everything here is the last known state."""
        return all(cache.watched.available for cache in self._caches.values())

    def standstill(self) -> str:
        """Why nobody carries out changes just now, for those who wait; empty when somebody does."""
        if not self.available:
            return "etcd does not answer: what runs goes on, changes wait until it does"
        if keys.LEADER not in self._caches[keys.CONTROL].watched.items:
            return "no deis-control leads, their logs say why: changes wait until one does"
        return ""

    @property
    def revision(self) -> int:
        """The highest revision that any of the prefixes has certainly reached."""
        return max(cache.watched.revision for cache in self._caches.values())

    @contextmanager
    def subscribe(self) -> Iterator[Changes]:
        """Changes as they come, for as long as the block lasts; at first, all of it."""
        changes = Changes()
        self._subscribers.append(changes)
        try:
            yield changes
        finally:
            self._subscribers.remove(changes)

    @property
    def apps(self) -> tuple[str, ...]:
        """The apps of which there is something in the store."""
        return tuple(self._index.apps)

    @property
    def incarnation(self) -> Incarnation | None:
        """Which life of the store this is."""
        return self._index.incarnation

    @property
    def intent(self) -> Intent:
        """The last accepted change that the store knows of."""
        return self._index.intent

    @property
    def epoch(self) -> int:
        """The highest one that a leader was seen to have."""
        return self._index.epoch

    @property
    def engine(self) -> str:
        """The scheduling engine that an operator has set for new copies; empty when none is."""
        return self._index.engine

    @property
    def nodes(self) -> Mapping[str, str] | None:
        """What the hosts are as nodes of the Docker Swarm; None before anybody has noted it."""
        return self._index.nodes

    def swarm_wishes(self) -> tuple[Wish, ...]:
        """The copies that Docker Swarm shall run."""
        return self._index.swarm_wishes()

    def app(self, app: str) -> AppKeys:
        """What the store holds of an app; to be looked at, not kept."""
        return self._index.apps.get(app) or AppKeys()

    def held(self) -> Mapping[str, AppKeys]:
        """The same of each app."""
        return self._index.apps

    def snapshot(self, app: str, target: Target | None, limits: Limits) -> World:
        """The planner's world of one app, now."""
        self._absorb(self._caches[keys.HOSTS])
        now = asyncio.get_running_loop().time()
        return self._index.world(app, target, now=now, limits=limits)

    def wrote(self, ops: Sequence[Op], revision: int) -> None:
        """Take in one's own transaction before the watch tells of it."""
        put = []
        for op in ops:
            if isinstance(op, Put) and (cache := self._cache_of(op.key)):
                before = cache.watched.items.get(op.key)
                made = before.create_revision if before else revision
                put.append(KeyValue(op.key, op.value, made, revision, 1, op.lease))
        self._take(put, [op.key for op in ops if isinstance(op, Delete)], revision)

    def read(self, names: Sequence[str], there: Sequence[KeyValue], revision: int) -> None:
        """Take in which of these keys were there at a revision, before the watch tells of it."""
        found = {kv.key for kv in there}
        self._take(there, [key for key in names if key not in found], revision)

    def _take(self, put: Sequence[KeyValue], gone: Sequence[str], revision: int) -> None:
        for prefix, cache in self._caches.items():
            mine = [kv for kv in put if kv.key.startswith(prefix)]
            less = [key for key in gone if key.startswith(prefix)]
            if mine or less:
                cache.watched.discard(revision, *less)
                cache.watched.apply(*mine)
                self._absorb(cache)

    def copies(self, app: str) -> Sequence[CopyState]:
        """All copies of the app but those that were told to end; Unavailable as `observed`."""
        return [_state(item) for item in self.observed(app) if item.listed]

    def observed(self, app: str) -> Sequence[Observed]:
        """All placements of the app and how their copies do.

        Unavailable while the cluster's state was never known.
        """
        if not self.loaded and not self._index.apps:
            raise Unavailable("The state of the cluster is not known yet.")
        found = self.app(app)
        placed = (*found.placed.values(), *found.runs.values())
        return [self._observed(item) for item in placed]

    def runs(self) -> Sequence[Placed]:
        """The one-off commands of all apps that are on hosts."""
        return [item for found in self._index.apps.values() for item in found.runs.values()]

    def is_alive(self, host: str) -> bool:
        """Whether the host's record is there."""
        return host in self._index.hosts

    def hosts(self) -> Sequence[HostListed]:
        """Every host that there is anything of, by name; Unavailable as `observed`."""
        if not self.loaded and not self._index.hosts:
            raise Unavailable("The state of the cluster is not known yet.")
        return self._index.listed()

    def loads(self) -> Sequence[HostSeen]:
        """The live hosts and what they carry."""
        return self._index.loads()

    def reserved(self, made: Sequence[tuple[str, Placement]]) -> AbstractContextManager[None]:
        """Hosts and copies count as placed while the block writes them."""
        return self._index.reserved(made)

    def flapping(self) -> frozenset[str]:
        """The live hosts that were lost again and again and came back a short while ago."""
        return self._index.flapping(asyncio.get_running_loop().time())

    def placed(self) -> Sequence[Placed]:
        """Every copy of every app that is on a host, but one-off commands."""
        return [item for found in self._index.apps.values() for item in found.placed.values()]

    def _observed(self, placed: Placed) -> Observed:
        seen = self.app(placed.copy.app).instances.get(f"{placed.host}/{placed.copy.container}")
        instance = seen.instance if seen else None
        alive = placed.host in self._index.hosts
        return Observed(placed, instance, state_of(placed, instance, alive=alive))

    def _cache_of(self, key: str) -> _Cache | None:
        found = (cache for prefix, cache in self._caches.items() if key.startswith(prefix))
        return next(found, None)

    def _start(self, tasks: Tasks) -> None:
        for cache in self._caches.values():
            name = cache.watched.name
            tasks.start(name, forever(name, cache.watched.run))
            tasks.start(f"{name} index", self._follow(cache))

    async def _follow(self, cache: _Cache) -> None:
        signal = cache.watched.subscribe()
        while True:
            await signal.wait()
            signal.clear()
            self._absorb(cache)

    def _absorb(self, cache: _Cache) -> None:
        """Take in what differs from the last look, and tell the subscribers."""
        if not cache.watched.loaded:
            return
        now = asyncio.get_running_loop().time()
        if cache is self._caches[keys.HOSTS]:
            self._doubt(cache, now)
        if cache.watched.items is cache.known:
            return
        items = cache.watched.items
        put, gone = changed_keys(cache.known, items)
        cache.known = items
        touched = {self._index.take(kv, now) for kv in put}
        touched |= {self._index.drop(key, now) for key in gone}
        for key in (*(kv.key for kv in put), *gone):
            touched |= self._index.concerned(key)
        for changes in self._subscribers:
            for app in touched:
                changes.note(app)

    def _doubt(self, cache: _Cache, now: float) -> None:
        """Tell the index of hosts that may have been back since the last look, and lost again."""
        breaks, deletions = cache.watched.breaks, cache.watched.deletions
        if deletions is cache.deletions:
            return
        if breaks != cache.breaks:
            self._index.doubt_losses(now)
        elif news := deletions.items() - cache.deletions.items():
            self._index.doubt_losses(now, {keys.tail(key, keys.HOSTS) for key, _ in news})
        cache.breaks, cache.deletions = breaks, deletions


def _state(found: Observed) -> CopyState:
    placement = found.placed.placement
    return CopyState(found.copy, placement.uuid, placement.created, found.state)
