"""The store's keys, sorted by app: what the planner's worlds are made of. PURE.

The index takes one key at a time, so that a change costs what it changes, however many apps
there are. A value that is unreadable is left out, alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from deis_control.scheduler.world import (
    SHARES,
    HostListed,
    HostSeen,
    Limits,
    Load,
    Placed,
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
    Endpoint,
    Host,
    HostConf,
    Incarnation,
    Instance,
    Intent,
    Placement,
    Record,
    RecordError,
    Route,
    Router,
)

_R = TypeVar("_R", bound=Record)

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

    @property
    def empty(self) -> bool:
        """Whether nothing is left of the app."""
        return not any((self.placed, self.runs, self.instances, self.endpoints, self.route))


class Index:
    """The store as far as the leader needs it; fed by `take` and `drop`."""

    def __init__(self) -> None:
        self.apps: dict[str, AppKeys] = {}
        self.hosts: dict[str, Host] = {}
        self.hostconf: dict[str, HostConf] = {}
        self.awaited = 0
        self.incarnation: Incarnation | None = None
        self.intent = 0
        self._routers: dict[str, RouterSeen] = {}
        self._load: dict[str, Load] = {}
        self._seen: dict[str, HostSeen] = {}
        """Each live host as it was asked for last, until something of it changes."""

    def take(self, kv: KeyValue, now: float) -> str | None:
        """A key has this value now; the app that it belongs to, None when it is about all."""
        return self._change(kv.key, kv, now)

    def drop(self, key: str, now: float) -> str | None:
        """A key is gone; the app that it belonged to."""
        return self._change(key, None, now)

    def world(self, app: str, target: Target | None, *, now: float, limits: Limits) -> World:
        """The planner's world of one app; cancel, removal and timers are the caller's."""
        mine = self.apps.get(app, AppKeys())
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
            limits=limits,
        )

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
        )

    def _tags(self, name: str) -> Mapping[str, str]:
        """The operator's tags win over the host's own; an empty value removes one."""
        host, conf = self.hosts.get(name), self.hostconf.get(name, _NO_CONF)
        tags = {**(host.tags if host else {}), **conf.tags}
        return {key: value for key, value in tags.items() if value}

    def _change(self, key: str, kv: KeyValue | None, now: float) -> str | None:
        if key.startswith(keys.PLACEMENTS):
            return self._placement(key, kv)
        if key.startswith(keys.INSTANCES):
            return self._instance(key, kv)
        if key.startswith(keys.SERVICES):
            return self._endpoint(key, kv)
        if key.startswith(keys.ROUTES):
            return self._route(key, kv)
        if key.startswith(keys.ROUTERS):
            self._router(keys.tail(key, keys.ROUTERS), kv, now)
        elif key.startswith(keys.HOSTS):
            self._host(keys.tail(key, keys.HOSTS), kv)
        elif key.startswith(keys.HOSTCONF):
            self._hostconf(keys.tail(key, keys.HOSTCONF), kv)
        else:
            self._control(key, kv)
        return None

    def _placement(self, key: str, kv: KeyValue | None) -> str | None:
        host, _, container = keys.tail(key, keys.PLACEMENTS).partition("/")
        copy = parse_container(container)
        if copy is None:
            return None
        mine = self._of(copy.app)
        same_kind = mine.runs if copy.type == RUN_TYPE else mine.placed
        before = same_kind.get(container)
        if before is not None and before.host == host:
            del same_kind[container]
            self._count(before, -1)
        record = _read(Placement, kv)
        if kv is not None and record is not None and record.copy == copy:
            placed = Placed(host, record, kv.mod_revision, kv.create_revision)
            same_kind[container] = placed
            self._count(placed, 1)
        return self._tidy(copy.app)

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

    def _host(self, name: str, kv: KeyValue | None) -> None:
        record = _read(Host, kv)
        if record is None:
            self.hosts.pop(name, None)
        else:
            self.hosts[name] = replace(record, name=name)
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
        elif key == keys.INTENT:
            record = _read(Intent, kv)
            self.intent = record.seq if record else 0

    def _of(self, app: str) -> AppKeys:
        return self.apps.setdefault(app, AppKeys())

    def _tidy(self, app: str) -> str:
        if self.apps[app].empty:
            del self.apps[app]
        return app

    def _count(self, placed: Placed, sign: int) -> None:
        before = self._load.get(placed.host, _NO_LOAD)
        memory, shares = placed.placement.memory or 0, placed.placement.cpu or 0
        after = Load(
            before.copies + sign, before.reserved + sign * memory, before.shares + sign * shares
        )
        self._load[placed.host] = after
        if not after.copies:
            del self._load[placed.host]
        self._seen.pop(placed.host, None)


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
