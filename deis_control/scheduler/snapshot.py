"""The store's keys, sorted by app: what the planner's worlds are made of. PURE.

The index takes one key at a time, so that a change costs what it changes, however many apps
there are. A value that is unreadable is left out, alone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from deis_control.scheduler.displaced import PATIENCE, Fleet, displaced
from deis_control.scheduler.engines import nodes
from deis_control.scheduler.engines.chosen import chosen
from deis_control.scheduler.engines.swarm import Wish, wish_of
from deis_control.scheduler.liveness import Liveness
from deis_control.scheduler.world import (
    SHARES,
    HostListed,
    HostSeen,
    Limits,
    Load,
    Lost,
    MoveSeen,
    Placed,
    PrefetchSeen,
    Published,
    Routed,
    RouterSeen,
    Seen,
    Target,
    World,
)
from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.cluster.names import RUN_TYPE, parse_container
from deis_node.cluster.records import (
    SWARM,
    Endpoint,
    Host,
    HostConf,
    Incarnation,
    Instance,
    Intent,
    Leader,
    Move,
    Placement,
    PlacementState,
    Prefetch,
    Record,
    RecordError,
    Route,
    Router,
    SwarmNodes,
)

_R = TypeVar("_R", bound=Record)

_ENGINE = keys.setting("scheduler", "engine")
_NO_CONF = HostConf()
_NO_LOAD = Load()


@dataclass(slots=True)
class AppKeys:
    """What the store holds of one app; `placed`, `runs`, `endpoints` are by container name."""

    placed: dict[str, Placed] = field(default_factory=dict)
    runs: dict[str, Placed] = field(default_factory=dict)
    """One-off commands: they belong to no formation and to no rollout."""
    instances: dict[str, Seen] = field(default_factory=dict)
    """By `<host>/<container>`."""
    endpoints: dict[str, Published] = field(default_factory=dict)
    route: Routed | None = None
    moves: dict[str, MoveSeen] = field(default_factory=dict)
    """Wishes for moves, by container name."""
    prefetch: dict[str, PrefetchSeen] = field(default_factory=dict)
    """Wishes for its image, by host."""

    @property
    def empty(self) -> bool:
        """Whether nothing is left of the app."""
        held = (self.placed, self.runs, self.instances, self.endpoints, self.route, self.moves)
        return not (any(held) or self.prefetch)


class Index:
    """The store as far as the leader needs it; fed by `take` and `drop`."""

    def __init__(self) -> None:
        self.apps: dict[str, AppKeys] = {}
        self.hosts: dict[str, Host] = {}
        self.hostconf: dict[str, HostConf] = {}
        self.awaited = 0
        self.incarnation: Incarnation | None = None
        self.intent = Intent(0)
        self.epoch = 0
        """The highest one that a leader was seen to have."""
        self.engine = ""
        """What the platform setting says; empty when nobody has set it."""
        self.nodes: Mapping[str, str] | None = None
        """What the hosts are as nodes of the Docker Swarm; None before anybody has noted it."""
        self._routers: dict[str, RouterSeen] = {}
        self._load: dict[str, Load] = {}
        self._seen: dict[str, HostSeen] = {}
        """Each live host as it was asked for last, until something of it changes."""
        self._on: dict[str, dict[str, Placed]] = {}
        """By host, then by container name."""
        self._swarm: set[str] = set()
        """The container names of copies that Docker Swarm shall run, or end."""
        self._liveness = Liveness()
        self._successors: dict[str, float] = {}
        """Copies that were made in the place of others, and since when that is known here."""

    def take(self, kv: KeyValue, now: float) -> str | None:
        """A key has this value now; the app that it belongs to, None when it is about all."""
        return self._change(kv.key, kv, now)

    def drop(self, key: str, now: float) -> str | None:
        """A key is gone; the app that it belonged to."""
        return self._change(key, None, now)

    def doubt_losses(self, now: float, hosts: Collection[str] | None = None) -> None:
        """Lost hosts, these or all, may have had a record for a moment that was not taken."""
        self._liveness.doubt(now, hosts)

    def world(self, app: str, target: Target | None, *, now: float, limits: Limits) -> World:
        """The planner's world of one app; cancel, removal and timers are the caller's."""
        mine = self.apps.get(app, AppKeys())
        fleet = self._fleet(mine, now, limits.host_ttl)
        found = displaced(mine.placed, mine.moves, fleet)
        return World(
            app=app,
            now=now,
            target=target,
            placed=dict(mine.placed),
            runs=len(mine.runs),
            instances=dict(mine.instances),
            endpoints=dict(mine.endpoints),
            route=mine.route,
            awaited=self.awaited,
            routers=self.routers(now, limits.forget),
            hosts=self.loads(),
            lost=frozenset(fleet.lost),
            missing=self._liveness.missing(now, limits.pickup),
            flapping=self.flapping(now),
            displaced=found.now,
            waiting=found.waiting,
            reconsider=found.reconsider,
            moves=dict(mine.moves),
            senseless=found.senseless,
            held={
                host: seen.prefetch.image
                for host, seen in mine.prefetch.items()
                if seen.prefetch.held
            },
            engine=chosen(self.engine, has_swarm=limits.swarm),
            limits=limits,
        )

    def swarm_wishes(self) -> tuple[Wish, ...]:
        """The copies that Docker Swarm shall run, and what their hosts have ready, by name."""
        found = []
        for name in sorted(self._swarm):
            copy = parse_container(name)
            mine = self.apps.get(copy.app) if copy else None
            placed = mine.placed.get(name) if mine else None
            if mine is None or placed is None:
                continue
            seen = mine.instances.get(f"{placed.host}/{name}")
            wish = wish_of(placed, seen.instance.prepared if seen else None)
            if wish is not None:
                found.append(wish)
        return tuple(found)

    def concerned(self, key: str) -> frozenset[str]:
        """The apps that have copies on the host that a key is about; none for other keys."""
        for prefix in (keys.HOSTS, keys.HOSTCONF):
            if key.startswith(prefix):
                on = self._on.get(keys.tail(key, prefix), {})
                return frozenset(placed.copy.app for placed in on.values())
        return frozenset()

    def _fleet(self, mine: AppKeys, now: float, ttl: float) -> Fleet:
        """The hosts as far as moves of an app's copies depend on them."""
        lost = {}
        for placed in mine.placed.values():
            if placed.host not in self.hosts and placed.host not in lost:
                lost[placed.host] = self._lost(placed.host, now)
        confs = {name: self.hostconf[name] for name in self.hostconf.keys() & self.hosts.keys()}
        planned = mine.moves or any(conf.draining for conf in confs.values())
        under_way = self._moving(now) if planned else frozenset()
        return Fleet(
            now=now,
            alive=frozenset(self.hosts) if lost or planned else frozenset(),
            lost=lost,
            draining=frozenset(name for name, conf in confs.items() if conf.draining),
            closed=frozenset(name for name, c in confs.items() if c.cordoned or c.draining)
            | self.flapping(now),
            held_until=self._liveness.held_until(now, ttl),
            ttl=ttl,
            under_way=sum(name in mine.placed for name in under_way),
            free=len(self.hosts) - len(under_way),
        )

    def _moving(self, now: float) -> frozenset[str]:
        """The successors of copies that run on live hosts, but for those that come too late."""
        found = set()
        for name, since in list(self._successors.items()):
            copy = parse_container(name)
            mine = self.apps.get(copy.app) if copy else None
            item = mine.placed.get(name) if mine else None
            if copy is None or mine is None or item is None or not item.runs:
                del self._successors[name]
                continue
            old = mine.placed.get(replace(copy, generation=item.placement.succeeds).container)
            if old is None or old.placement.state is PlacementState.STOP:
                del self._successors[name]
            elif old.host in self.hosts and now - since < PATIENCE:
                found.add(name)
        return frozenset(found)

    def _lost(self, host: str, now: float) -> Lost:
        """Since when a host without a record is lost."""
        serves = any(
            placed.placement.state is not PlacementState.STOP
            for placed in self._on.get(host, {}).values()
        )
        found = self._liveness.lost(host, now, counts=serves)
        assert found is not None, "hosts and their liveness are changed together"
        return found

    def routers(self, now: float, forget: float) -> tuple[RouterSeen, ...]:
        """The routers that count; one that has been gone for `forget` seconds does no more."""
        for router in list(self._routers.values()):
            if router.gone is not None and now - router.gone >= forget:
                del self._routers[router.name]
        return tuple(self._routers.values())

    def loads(self) -> tuple[HostSeen, ...]:
        """The live hosts and what they carry."""
        for name in self.hosts.keys() - self._seen.keys():
            self._seen[name] = self._host_seen(name)
        return tuple(self._seen[name] for name in self.hosts)

    def listed(self) -> tuple[HostListed, ...]:
        """Every host that there is anything of, by name."""
        names = sorted({*self.hosts, *self.hostconf, *self._load})
        return tuple(
            HostListed(
                name=name,
                host=self.hosts.get(name),
                conf=self.hostconf.get(name, _NO_CONF),
                load=self._load.get(name, _NO_LOAD),
                tags=self._tags(name),
            )
            for name in names
        )

    @contextmanager
    def reserved(self, made: Sequence[tuple[str, Placement]]) -> Iterator[None]:
        """Hosts and copies that are on their way to the store count as if they were there.

        So apps that are looked at meanwhile do not all take the same place.
        """
        for host, placement in made:
            self._load_of(host, placement, 1)
        try:
            yield
        finally:
            for host, placement in made:
                self._load_of(host, placement, -1)

    def flapping(self, now: float) -> frozenset[str]:
        """The live hosts that were lost again and again and came back a short while ago."""
        return self._liveness.flapping(now)

    def _host_seen(self, name: str) -> HostSeen:
        host, conf = self.hosts[name], self.hostconf.get(name, _NO_CONF)
        load = self._load.get(name, _NO_LOAD)
        return HostSeen(
            name=name,
            memory=host.memory,
            cpus=host.cpus,
            tags=self._tags(name),
            copies=load.copies,
            reserved=load.reserved,
            cpu_reserved=load.shares / SHARES,
            arch=host.arch,
            cordoned=conf.cordoned or conf.draining,
            draining=conf.draining,
            roles=host.roles,
            node=nodes.state_of(self.nodes, name),
        )

    def _tags(self, name: str) -> Mapping[str, str]:
        """The operator's tags win over the host's own; an empty value removes one."""
        host, conf = self.hosts.get(name), self.hostconf.get(name, _NO_CONF)
        tags = {**(host.tags if host else {}), **conf.tags}
        return {key: value for key, value in tags.items() if value}

    def _change(self, key: str, kv: KeyValue | None, now: float) -> str | None:
        if key.startswith(keys.PLACEMENTS):
            return self._placement(key, kv, now)
        if key.startswith(keys.INSTANCES):
            return self._instance(key, kv)
        if key.startswith(keys.SERVICES):
            return self._endpoint(key, kv)
        if key.startswith(keys.ROUTES):
            return self._route(key, kv)
        if key.startswith(keys.MOVES):
            return self._move(key, kv)
        if key.startswith(keys.PREFETCH):
            return self._prefetch(key, kv)
        if key.startswith(keys.ROUTERS):
            self._router(keys.tail(key, keys.ROUTERS), kv, now)
        elif key.startswith(keys.HOSTS):
            self._host(keys.tail(key, keys.HOSTS), kv, now)
        elif key.startswith(keys.HOSTCONF):
            self._hostconf(keys.tail(key, keys.HOSTCONF), kv)
        else:
            self._control(key, kv)
        return None

    def _placement(self, key: str, kv: KeyValue | None, now: float) -> str | None:
        host, _, container = keys.tail(key, keys.PLACEMENTS).partition("/")
        copy = parse_container(container)
        if copy is None:
            return None
        mine = self._of(copy.app)
        same_kind = mine.runs if copy.type == RUN_TYPE else mine.placed
        before = self._on.get(host, {}).pop(container, None)
        if before is not None:
            self._load_of(host, before.placement, -1)
            if same_kind[container] is before:
                self._uncover(same_kind, container)
        record = _read(Placement, kv)
        if kv is not None and record is not None and record.copy == copy:
            placed = Placed(host, record, kv.mod_revision, kv.create_revision)
            same_kind[container] = placed
            self._load_of(host, record, 1)
            self._on.setdefault(host, {})[container] = placed
            if record.succeeds and placed.runs:
                self._successors.setdefault(container, now)
        if not self._on.get(host, True):
            del self._on[host]
        self._swarm.discard(container)
        if container in same_kind and same_kind[container].placement.engine == SWARM:
            self._swarm.add(container)
        return self._tidy(copy.app)

    def _uncover(self, same_kind: dict[str, Placed], container: str) -> None:
        """Forget a copy that is gone; show another one of its name, if there is any on a host.

        Names are given once. Should two hosts have one all the same, none may be forgotten.
        """
        del same_kind[container]
        for found in self._on.values():
            if other := found.get(container):
                same_kind[container] = other

    def _instance(self, key: str, kv: KeyValue | None) -> str | None:
        name = keys.tail(key, keys.INSTANCES)
        host, _, container = name.partition("/")
        copy = parse_container(container)
        if copy is None:
            return None
        record = _read(Instance, kv)
        mine = self._of(copy.app)
        if kv is None or record is None:
            mine.instances.pop(name, None)
        else:
            mine.instances[name] = Seen(host, record, kv.mod_revision)
        return self._tidy(copy.app)

    def _endpoint(self, key: str, kv: KeyValue | None) -> str | None:
        app, _, container = keys.tail(key, keys.SERVICES).partition("/")
        record = _read(Endpoint, kv)
        mine = self._of(app)
        if kv is None or record is None:
            mine.endpoints.pop(container, None)
        else:
            mine.endpoints[container] = Published(record, kv.mod_revision)
        return self._tidy(app)

    def _route(self, key: str, kv: KeyValue | None) -> str | None:
        app = keys.tail(key, keys.ROUTES)
        record = _read(Route, kv)
        self._of(app).route = (
            None if kv is None or record is None else Routed(record, kv.mod_revision)
        )
        return self._tidy(app)

    def _move(self, key: str, kv: KeyValue | None) -> str | None:
        app, _, container = keys.tail(key, keys.MOVES).partition("/")
        record = _read(Move, kv)
        mine = self._of(app)
        if kv is None or record is None:
            mine.moves.pop(container, None)
        else:
            mine.moves[container] = MoveSeen(record, kv.mod_revision)
        return self._tidy(app)

    def _prefetch(self, key: str, kv: KeyValue | None) -> str | None:
        host, _, app = keys.tail(key, keys.PREFETCH).partition("/")
        record = _read(Prefetch, kv)
        mine = self._of(app)
        if kv is None:
            mine.prefetch.pop(host, None)
        else:
            # One that cannot be read is there all the same, and is to be written anew.
            mine.prefetch[host] = PrefetchSeen(record or Prefetch(""), kv.mod_revision)
        return self._tidy(app)

    def _router(self, name: str, kv: KeyValue | None, now: float) -> None:
        before = self._routers.get(name)
        record = _read(Router, kv)
        if kv is None or record is None:
            if before is not None and before.gone is None:
                self._routers[name] = replace(before, gone=now)
            return
        # A revision that the store had not reached when the record was written is of another life.
        served = record.served if record.served <= kv.mod_revision else 0
        if served or before is not None:
            self._routers[name] = RouterSeen(name, served, frozenset(record.draining))

    def _host(self, name: str, kv: KeyValue | None, now: float) -> None:
        record = _read(Host, kv)
        if record is None:
            self.hosts.pop(name, None)
            self._liveness.went(name, now)
        else:
            self.hosts[name] = replace(record, name=name)
            self._liveness.came(name, now)
        self._seen.pop(name, None)

    def _hostconf(self, name: str, kv: KeyValue | None) -> None:
        record = _read(HostConf, kv)
        if record is None:
            self.hostconf.pop(name, None)
        else:
            self.hostconf[name] = record
        self._seen.pop(name, None)

    def _control(self, key: str, kv: KeyValue | None) -> None:
        if key == keys.AWAIT:
            self.awaited = kv.mod_revision if kv else 0
        elif key == keys.INCARNATION:
            self.incarnation = _read(Incarnation, kv)
        elif key == _ENGINE:
            self.engine = kv.value.decode(errors="replace").strip() if kv else ""
        elif key == keys.SWARM:
            noted = _read(SwarmNodes, kv)
            self.nodes = noted.nodes if noted else None
            self._seen.clear()
        elif key == keys.INTENT:
            record = _read(Intent, kv)
            self.intent = record or Intent(0)
        elif key == keys.LEADER:
            leader = _read(Leader, kv)
            self.epoch = max(self.epoch, leader.epoch if leader else 0)

    def _of(self, app: str) -> AppKeys:
        return self.apps.setdefault(app, AppKeys())

    def _tidy(self, app: str) -> str:
        if self.apps[app].empty:
            del self.apps[app]
        return app

    def _load_of(self, host: str, placement: Placement, sign: int) -> None:
        """Count a copy on the host, or count it no more."""
        before = self._load.get(host, _NO_LOAD)
        memory, shares = placement.memory or 0, placement.cpu or 0
        after = Load(
            before.copies + sign, before.reserved + sign * memory, before.shares + sign * shares
        )
        self._load[host] = after
        if not after.copies:
            del self._load[host]
        self._seen.pop(host, None)


def changed_keys(
    before: Mapping[str, KeyValue], after: Mapping[str, KeyValue]
) -> tuple[list[KeyValue], list[str]]:
    """What differs between two looks at a prefix: keys put and keys gone."""
    put = [kv for key, kv in after.items() if before.get(key) is not kv]
    return put, [key for key in before if key not in after]


def _read(kind: type[_R], kv: KeyValue | None) -> _R | None:
    if kv is None:
        return None
    try:
        return kind.from_bytes(kv.value)
    except RecordError:
        return None
