"""A model of the cluster in virtual time: store, agents and routers as pure state machines.

It is a fake and named so: it plays the part of the records that agents and routers write, with
their conditions, so that any interleaving with the leader's decisions can be tried in no time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from deis_control.scheduler.changes import Change, pack
from deis_control.scheduler.plan import Decision, plan_app
from deis_control.scheduler.snapshot import Index
from deis_control.scheduler.world import Limits, Target, World
from deis_control.scheduler.writes import change_for
from deis_node.cluster import keys
from deis_node.cluster.etcd import Compare, Delete, DeletePrefix, KeyValue, Put
from deis_node.cluster.names import CopyName, parse_container
from deis_node.cluster.records import (
    Endpoint,
    Host,
    HostConf,
    Instance,
    LastExit,
    Phase,
    Placement,
    PlacementState,
    Record,
    Route,
    Router,
)
from tests.worlds import make_address, make_placed

TTL = Limits().host_ttl
"""Of the hosts' leases."""


class ModelStore:
    """A store of one process: keys, revisions, transactions with conditions."""

    def __init__(self) -> None:
        self.revision = 1
        self.items: dict[str, KeyValue] = {}

    def txn(self, change: Change) -> bool:
        """Do it if the conditions hold."""
        if not all(self._holds(compare) for compare in change.compares):
            return False
        self.revision += 1
        for op in change.ops:
            if isinstance(op, Put):
                before = self.items.get(op.key)
                made = before.create_revision if before else self.revision
                self.items[op.key] = KeyValue(op.key, op.value, made, self.revision, 1, 0)
            elif isinstance(op, Delete):
                self.items.pop(op.key, None)
            elif isinstance(op, DeletePrefix):
                for key in [key for key in self.items if key.startswith(op.prefix)]:
                    del self.items[key]
        return True

    def put(self, key: str, record: Record) -> None:
        self.txn(Change((), (Put(key, record.to_bytes()),)))

    def placement(self, host: str, copy: CopyName) -> Placement | None:
        kv = self.items.get(keys.placement(host, copy.container))
        return None if kv is None else Placement.from_bytes(kv.value)

    def _holds(self, compare: Compare) -> bool:
        kv = self.items.get(compare.key)
        if compare.target == "CREATE":
            made = kv.create_revision if kv else 0
            if compare.result == "GREATER":
                return made > int(compare.operand)
            return made == int(compare.operand)
        assert compare.target == "MOD"
        return (kv.mod_revision if kv else 0) == int(compare.operand)


@dataclass
class ModelRouter:
    """A router: serves the endpoints it has read, acknowledges, drains."""

    name: str
    served: int = 0
    endpoints: dict[str, str] = field(default_factory=dict)
    """Key → address, as they were when it acknowledged last."""
    releases: frozenset[tuple[str, str]] = frozenset()
    """Each app with the releases that its route named then."""
    busy: set[str] = field(default_factory=set)
    """Withdrawn addresses with requests in flight."""


class ModelCluster:
    """Some hosts' agents and some routers around a store; the test says who moves next."""

    def __init__(self, routers: int = 1, hosts: int = 2, app: str = "hello") -> None:
        self.app = app
        self.store = ModelStore()
        self.now = 0.0
        self.routers = {f"router-{n}": ModelRouter(f"router-{n}") for n in range(1, routers + 1)}
        self.broken: set[CopyName] = set()
        """Copies whose process ends as soon as it starts."""
        self.bad: set[tuple[str, int, str]] = set()
        """Apps with releases and types of which all copies do so."""
        self.single: frozenset[str] = frozenset()
        """Process types of which there must never be two."""
        self.running: set[tuple[str, CopyName]] = set()
        """What really runs, whatever the store says."""
        self.away: dict[str, float] = {}
        """Hosts without a lease, and since when."""
        self.observe: Callable[[Change], None] = lambda change: None
        self._deleted: set[str] = set()
        """Hosts whose record went since the leader looked last."""
        self._index = Index()
        self._known: dict[str, KeyValue] = {}
        for n in range(1, hosts + 1):
            self._record(f"host-{n}")

    # --- the leader

    @property
    def index(self) -> Index:
        """What the leader knows, read from the store alone; and whether it may have missed that
        a host was back for a moment.
        """
        self._index.doubt_losses(self.now, self._deleted)
        self._deleted = set()
        for key, kv in self.store.items.items():
            if self._known.get(key) is not kv:
                self._index.take(kv, self.now)
        for key in sorted(self._known.keys() - self.store.items.keys()):
            self._index.drop(key, self.now)
        self._known = dict(self.store.items)
        return self._index

    def world(self, target: Target | None, timers: dict[str, float], app: str = "") -> World:
        """The planner's world of an app."""
        world = self.index.world(app or self.app, target, now=self.now, limits=Limits())
        return replace(world, timers=timers)

    def look(self, target: Target | None, timers: dict[str, float], app: str = "") -> Decision:
        """One look of the leader at an app: decide, and carry the decision out."""
        decision = plan_app(self.world(target, timers, app))
        changes = [
            change_for(app or self.app, step, lambda step: self._placement(step.copy))
            for step in decision.steps
        ]
        for batch in pack(changes):
            self.observe(batch)
            if not self.store.txn(batch):
                break
        timers.clear()
        timers.update(decision.timers)
        return decision

    def elect(self) -> None:
        """Another leader, that has seen nothing before its first look."""
        self._index, self._known = Index(), {}

    # --- hosts

    def lose(self, host: str, *, power: bool = True) -> None:
        """A host's lease ends; without power its containers are gone, else they run on."""
        self.away[host] = self.now
        self._deleted.add(host)
        self.store.txn(Change((), (Delete(keys.host(host)),)))
        if power:
            self.running = {item for item in self.running if item[0] != host}

    def come_back(self, host: str) -> None:
        """A host has its lease again."""
        del self.away[host]
        self._record(host)

    def configure(self, host: str, **words: bool) -> None:
        """An operator's word on a host."""
        self.store.put(keys.hostconf(host), HostConf(**words))

    def pass_time(self, seconds: float) -> None:
        """Time goes on; agents without a confirmed lease end what must be alone.

        The store's last word to them was a TTL before the loss, so this is as late as may be.
        """
        self.now += seconds
        for host, since in self.away.items():
            for item in [item for item in self.running if item[0] == host]:
                grace = self._placement(item[1]).grace
                if item[1].type in self.single and self.now >= since + TTL + grace:
                    self.running.remove(item)

    def _record(self, host: str) -> None:
        self.store.put(keys.host(host), Host(host, f"10.0.0.{host.rpartition('-')[2]}"))

    def _placement(self, copy: CopyName) -> Placement:
        return make_placed(copy, single=copy.type in self.single).placement

    # --- agents

    def copies(self) -> list[tuple[str, CopyName]]:
        """Every placement, as host and copy."""
        found = [key for key in self.store.items if key.startswith(keys.PLACEMENTS)]
        pairs = (keys.pair(key, keys.PLACEMENTS) for key in sorted(found))
        placements = ((host, self.store.items[keys.placement(host, name)]) for host, name in pairs)
        return [(host, Placement.from_bytes(kv.value).copy) for host, kv in placements]

    def agent(self, host: str, copy: CopyName) -> None:
        """One move of the agent for one copy; none on a host that the store does not reach."""
        if host in self.away:
            return
        placement = self.store.placement(host, copy)
        key = keys.instance(host, copy.container)
        kv = self.store.items.get(key)
        instance = Instance.from_bytes(kv.value) if kv else None
        if placement is None:
            return
        runs, wanted = (host, copy) in self.running, placement.state is PlacementState.RUN
        if placement.state is PlacementState.STOP:
            self.running.discard((host, copy))
            if instance is None or instance.phase is not Phase.STOPPED:
                self.store.put(key, Instance(Phase.STOPPED))
        elif instance is None or (instance.phase is Phase.BACKOFF and wanted):
            if instance is None or not self._ends(copy):
                self._start(host, copy, key)
        elif instance.phase is Phase.STARTING and self._ends(copy):
            self.running.discard((host, copy))
            self.store.put(key, Instance(Phase.BACKOFF, last_exit=LastExit(1)))
        elif wanted and not runs:
            self.crash(host, copy)
            self._start(host, copy, key)
        elif instance.phase is Phase.STARTING:
            self._publish(host, copy)

    def _ends(self, copy: CopyName) -> bool:
        return copy in self.broken or (copy.app, copy.release, copy.type) in self.bad

    def _start(self, host: str, copy: CopyName, key: str) -> None:
        self.running.add((host, copy))
        self.store.put(key, Instance(Phase.STARTING))

    def _publish(self, host: str, copy: CopyName) -> None:
        """Ready: the instance, and the endpoint of one that shall run, in one transaction."""
        address = make_address(copy) if copy.routable else None
        ready = Instance(Phase.RUNNING, ready=True, address=address)
        ops = [Put(keys.instance(host, copy.container), ready.to_bytes())]
        placement = self.store.placement(host, copy)
        if address and placement and placement.state is PlacementState.RUN:
            endpoint = Endpoint(address, host, copy.release, copy.generation)
            ops.append(Put(keys.service(copy.app, copy.container), endpoint.to_bytes()))
        self.store.txn(Change((), tuple(ops)))

    def crash(self, host: str, copy: CopyName) -> None:
        """A serving copy ends by itself: not ready, and its endpoint gone, in one transaction."""
        kv = self.store.items.get(keys.instance(host, copy.container))
        if kv is None or not Instance.from_bytes(kv.value).ready:
            return
        self.running.discard((host, copy))
        dead = Instance(Phase.BACKOFF, last_exit=LastExit(1), address=make_address(copy))
        ops = (
            Put(keys.instance(host, copy.container), dead.to_bytes()),
            Delete(keys.service(copy.app, copy.container)),
        )
        self.store.txn(Change((), ops))

    # --- routers

    def router(self, name: str, *, busy: bool = False) -> None:
        """One move of a router: serve what the barrier asks for, or finish its requests."""
        router = self.routers[name]
        kv = self.store.items.get(keys.AWAIT)
        if kv is not None and kv.mod_revision > router.served:
            self.follow(name, busy=busy)
            router.served = kv.mod_revision
        elif router.busy:
            router.busy.remove(min(router.busy))
        else:
            return
        record = Router("one", served=router.served, draining=tuple(sorted(router.busy)))
        self.store.put(keys.router(name), record)

    def follow(self, name: str, *, busy: bool = False) -> None:
        """A router reads what there is, asked for or not; `busy`: what went has requests left."""
        router, now = self.routers[name], dict(self._services())
        withdrawn = {address for key, address in router.endpoints.items() if key not in now}
        router.endpoints = now
        router.releases = self._releases()
        if busy:
            router.busy |= withdrawn

    def serving(self, name: str) -> set[str]:
        """The keys of the endpoints that a router sends requests to."""
        router = self.routers[name]
        names = [keys.pair(key, keys.SERVICES)[1] for key in router.endpoints]
        copies = {parse_container(container) for container in names}
        routed = {
            copy for copy in copies if copy and (copy.app, str(copy.release)) in router.releases
        }
        return {keys.service(copy.app, copy.container) for copy in routed}

    def _releases(self) -> frozenset[tuple[str, str]]:
        found = [kv for key, kv in self.store.items.items() if key.startswith(keys.ROUTES)]
        routes = [Route.from_bytes(kv.value) for kv in found]
        return frozenset(
            (route.app, release)
            for route in routes
            for release, weight in route.releases.items()
            if weight
        )

    def _services(self) -> list[tuple[str, str]]:
        found = [key for key in self.store.items if key.startswith(keys.SERVICES)]
        return [(key, Endpoint.from_bytes(self.store.items[key].value).address) for key in found]
