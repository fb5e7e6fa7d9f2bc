"""The values of the keys in etcd: frozen dataclasses, tolerant when read, strict when written.

Every record is a JSON object. A field that is unknown is ignored and one that is absent takes
its default, so that agents and control planes of neighbouring versions understand each other;
a record that lacks what it cannot do without raises `RecordError` and is dropped by its reader
alone, never taking its neighbours along.
"""

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from deis_node.cluster.names import CopyName
from deis_node.runtime.errors import DeisError


class RecordError(DeisError):
    """A stored value is not a record of the wanted kind."""


class Record:
    """Base of all records: to and from canonical JSON bytes."""

    __slots__ = ()

    def to_bytes(self) -> bytes:
        """Canonical JSON: sorted keys, no blanks, fields that are None left out."""
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Read a record; RecordError when it is not JSON, no object, or lacks a field."""
        try:
            data = json.loads(value)
        except ValueError as err:
            raise RecordError(f"{cls.__name__}: not JSON: {err}") from err
        return cls.from_plain(data)

    @classmethod
    def from_plain(cls, data: object) -> Self:
        """Read a record from decoded JSON; the same errors as `from_bytes`."""
        try:
            return _build(cls, data)
        except (TypeError, ValueError, AttributeError) as err:
            raise RecordError(f"{cls.__name__}: {err}") from err


class PlacementState(StrEnum):
    """What the leader wants of a copy: serve, take no new requests, or end.

    Of a one-off command `withdraw` wants that it ends now and that its result is handed over.
    """

    RUN = "run"
    WITHDRAW = "withdraw"
    STOP = "stop"


NATIVE = "native"
"""The scheduling engine of our own agents: they make and start the copies."""
SWARM = "swarm"
"""The scheduling engine of a Docker Swarm: it does so, and agents tell what they see."""


class Phase(StrEnum):
    """What a host observes of a copy.

    `pulling`, `starting` and `running` are the way up; `backoff` is between two restarts,
    `crashed` is given up until the pause ends, `failed` could not be made at all (no image,
    no shell, no port), `ended` is a one-off command whose result lies in the store, `stopping`
    got its SIGTERM, `stopped` is gone and the host keeps nothing of it.
    """

    PULLING = "pulling"
    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    CRASHED = "crashed"
    FAILED = "failed"
    ENDED = "ended"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Host(Record):
    """A live host, at `/deis/hosts/<host>` under the host's lease."""

    name: str
    address: str
    """The private address that the host's container ports are bound to."""
    cpus: float = 0
    memory: int = 0
    """Bytes."""
    tags: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    agent_version: str = ""
    agent_instance: str = ""
    """A new one for each start of the agent."""
    boot_id: str = ""
    arch: str = ""
    """What its images must be built for, such as `amd64`; empty when it does not say."""


@dataclass(frozen=True, slots=True)
class HostConf(Record):
    """The operator's word on a host, at `/deis/hostconf/<host>`."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """They win over the host's own, key by key; an empty value removes a tag."""
    cordoned: bool = False
    """The host takes no new copies."""
    draining: bool = False
    """Its copies are moved away; it takes no new ones either."""


@dataclass(frozen=True, slots=True)
class Move(Record):
    """That a copy shall be made again elsewhere, at `/deis/moves/<app>/<container>`.

    Written by an operator's rebalance; deleted by the leader with the placement that it names, or
    when it makes no sense any more.
    """

    created: str
    """`YYYY-MM-DDTHH:MM:SSUTC`."""
    to: str | None = None
    """The host that is wanted; None leaves the choice."""


@dataclass(frozen=True, slots=True)
class HealthCheck(Record):
    """How readiness is asked for: an HTTP path that must answer 200 (semantics.md section 7)."""

    path: str
    initial_delay: float = 0
    """Seconds before the first question."""
    timeout: float = 1
    """Seconds that one answer may take."""


@dataclass(frozen=True, slots=True)
class Placement(Record):
    """A copy wanted on a host, at `/deis/placements/<host>/<container>`."""

    app: str
    release: int
    type: str
    num: int
    generation: int
    uuid: str
    created: str
    """`YYYY-MM-DDTHH:MM:SSUTC`."""
    image: str
    """`127.0.0.1:<port>/<app>@<digest>`, the port being the agent's relay to the registry."""
    command: tuple[str, ...] | None = None
    """Arguments for the image; None leaves the image's own CMD."""
    env: str | None = None
    """`<app>/<release>`: where below `/deis/envs/` the config is; None means no config."""
    memory: int | None = None
    """Bytes."""
    cpu: int | None = None
    """CPU shares, 0 to 1024."""
    health: HealthCheck | None = None
    grace: float = 30
    """Seconds between SIGTERM and SIGKILL."""
    entrypoint: tuple[str, ...] | None = None
    """In the place of the image's own."""
    sealed: str | None = None
    """A one-off command's arguments, as `seal_command` makes them, in the place of `command`."""
    state: PlacementState = PlacementState.RUN
    single: bool = False
    """Whether there must never be two of it (`DEIS_SINGLE`)."""
    succeeds: int = 0
    """The generation of the copy that this one was made in the place of, on another host."""
    why: str | None = None
    """Why this host, as a sentence for people; no part of what the host is asked for."""
    liveness: HealthCheck | None = None
    """What a copy that was ready must go on answering, or it is made to start again."""
    runs_for: float | None = None
    """Seconds that a copy which nobody reaches must run to be ready; None: the agent's setting."""
    engine: str = NATIVE
    """Which scheduling engine makes and starts its container."""
    pids: int | None = None
    """Processes and threads that it may have; None: as many as the host bears."""
    tags: Mapping[str, str] | None = None
    """What a host must be tagged with to take it; None where an older leader did not say. With
    `arch` it is for a leader that has no PostgreSQL: the host that it names asks nothing more."""
    arch: str = ""
    """What its image is built for; empty when that is not known."""

    @property
    def copy(self) -> CopyName:
        """The copy's name."""
        return CopyName(self.app, self.release, self.type, self.num, self.generation)


@dataclass(frozen=True, slots=True)
class Prefetch(Record):
    """That a host shall have an image before a copy comes, at `/deis/prefetch/<host>/<app>`.

    Written by the leader; the host's agent says in it that the image is there.
    """

    image: str
    """As in placements."""
    held: bool = False
    """Whether the host has it."""


@dataclass(frozen=True, slots=True)
class LastExit(Record):
    """How a container ended."""

    code: int
    signal: int | None = None
    oom: bool = False
    finished: str = ""
    lines: tuple[str, ...] = ()
    """Its last log lines, oldest first, bounded to 4 KiB together."""
    why: str | None = None
    """Why the platform ended it, as a sentence without its subject; None when it ended itself."""


@dataclass(frozen=True, slots=True)
class Prepared(Record):
    """What a host has ready for a copy whose container another scheduling engine makes.

    Its image is there, and the host port is taken.
    """

    uuid: str
    """Of its placement."""
    port: int | None = None
    """On the host; None for a copy that opens no port."""
    inside: int | None = None
    """The container's own port that is published there."""


@dataclass(frozen=True, slots=True)
class Instance(Record):
    """What a host observes of a copy, at `/deis/instances/<host>/<container>`."""

    phase: Phase
    ready: bool = False
    address: str | None = None
    """`ip:port` that traffic may reach; None for a copy that opens no port."""
    container_id: str | None = None
    restarts: int = 0
    last_exit: LastExit | None = None
    error: str | None = None
    """Why the copy is not ready, as a sentence for people."""
    prepared: Prepared | None = None
    """Only of a copy that has no container yet and whose engine is not the agent itself."""


@dataclass(frozen=True, slots=True)
class RunEnd(Record):
    """How a one-off command ended, at `/deis/runs/<app>/<container>/end`."""

    uuid: str
    """Of its placement."""
    code: int | None = None
    """Its exit code; None when it never ran to an end."""
    error: str | None = None
    """Why there is no result, as a sentence."""
    oom: bool = False
    pieces: int = 0
    """In how many its output lies beside this key."""
    truncated: bool = False
    """Whether the output's beginning was cut off."""
    started: str | None = None
    """RFC 3339, by the host's clock."""
    finished: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint(Record):
    """Where a copy answers, at `/deis/services/<app>/<container>`."""

    address: str
    """`ip:port`."""
    host: str
    release: int
    generation: int = 1


@dataclass(frozen=True, slots=True)
class Route(Record):
    """An app's route, at `/deis/routes/<app>`: names, guards, and the releases that serve."""

    app: str
    releases: Mapping[str, int] = field(default_factory=dict)
    """Release number (as text, JSON has no other keys) → weight; a release that is not named
    receives nothing, however many endpoints it has."""
    domains: tuple[str, ...] = ()
    """Custom domains, lower case; the app's own first label is always routed."""
    whitelist: tuple[str, ...] | None = None
    """Client addresses or CIDR blocks; None lets everybody in."""
    drain: float = 30
    """Seconds that requests in flight may take before a withdrawn copy is stopped."""


@dataclass(frozen=True, slots=True)
class Router(Record):
    """What a host's router serves, at `/deis/routers/<host>` under the host's lease."""

    incarnation: str
    """A new one each time nginx starts with an empty table."""
    served: int = 0
    """The highest awaited revision that nginx serves; it counts from the first one on."""
    draining: tuple[str, ...] = ()
    """Withdrawn addresses that still have requests in flight."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """App → why its route could not be served as written."""


@dataclass(frozen=True, slots=True)
class Await(Record):
    """What routers shall acknowledge, at `/deis/control/await`; its mod_revision is the barrier.

    It is written in the same transaction as the route it is about.
    """

    app: str


@dataclass(frozen=True, slots=True)
class Leader(Record):
    """Who leads, at `/deis/control/leader` under the leader's lease."""

    name: str
    epoch: int


READY_NODE = "ready"
"""What a host is as a node of the Docker Swarm when it takes copies."""


@dataclass(frozen=True, slots=True)
class SwarmNodes(Record):
    """What the hosts are as nodes of the Docker Swarm, at `/deis/control/swarm`.

    Written by the leader when it changes, for everybody who places or explains.
    """

    nodes: Mapping[str, str] = field(default_factory=dict)
    """Host name → `READY_NODE`, `down`, `closed` or `twice`; who is missing is in no Swarm."""


@dataclass(frozen=True, slots=True)
class Incarnation(Record):
    """Which life of the store this is, at `/deis/control/incarnation` (rule 2).

    An agent trusts a store whose id it has saved, or that names the saved one as an ancestor.
    """

    id: str
    ancestors: tuple[str, ...] = ()
    """Newest first, at most 16."""

    def follows(self, saved: str) -> bool:
        """Whether this is the saved incarnation or descends from it."""
        return saved == self.id or saved in self.ancestors


@dataclass(frozen=True, slots=True)
class Intent(Record):
    """How many changes PostgreSQL has accepted, at `/deis/control/intent` (rule 2)."""

    seq: int
    mark: str = ""
    """The last one's own, by which a database that was put back and went on is told apart."""


@dataclass(frozen=True, slots=True)
class Address(Record):
    """Where a component answers.

    At `/deis/{controller,logs}/hosts/<name>` and `/deis/registry/address`.
    """

    address: str
    """`ip:port`."""
    query: str | None = None
    """Of a logger: the `ip:port` that is asked for lines over HTTP."""


def _plain(value: object) -> Any:
    if isinstance(value, Record):
        fields = dataclasses.fields(value)  # type: ignore[arg-type]
        pairs = ((f.name, getattr(value, f.name)) for f in fields)
        return {name: _plain(item) for name, item in pairs if item is not None}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


_T = TypeVar("_T")
_Convert = Callable[[Any], Any]
"""Fits one decoded JSON value to a field's type; ValueError when it does not fit."""
_FIELDS: dict[type, dict[str, _Convert]] = {}
"""What each kind of record is made with, found out once: large clusters read many of them."""


def _build(cls: type[_T], data: object) -> _T:
    """Make a record of decoded JSON, by its declared field types."""
    if not isinstance(data, Mapping):
        raise ValueError("not a JSON object")
    known = _FIELDS.get(cls) or _FIELDS.setdefault(cls, _fields_of(cls))
    return cls(**{name: known[name](item) for name, item in data.items() if name in known})


def _fields_of(cls: type) -> dict[str, _Convert]:
    hints = get_type_hints(cls)
    return {field.name: _converter(hints[field.name]) for field in dataclasses.fields(cls)}


def _converter(kind: Any) -> _Convert:
    """What fits a value to this type."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (arg for arg in get_args(kind) if arg is not types.NoneType)
        return _or_none(_converter(inner))
    if origin is tuple:
        return _each(_converter(get_args(kind)[0]))
    if origin is Mapping:
        return _values(_converter(get_args(kind)[1]))
    if isinstance(kind, type) and issubclass(kind, Record):
        return partial(_build, kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    if kind is float:
        return lambda value: float(_checked((int, float), value))
    return partial(_checked, kind)


def _or_none(inner: _Convert) -> _Convert:
    return lambda value: None if value is None else inner(value)


def _each(inner: _Convert) -> _Convert:
    return lambda value: tuple(inner(item) for item in _checked(list, value))


def _values(inner: _Convert) -> _Convert:
    return lambda value: {key: inner(item) for key, item in _checked(dict, value).items()}


def _checked(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{value!r} is not of type {kind}")
    return value
