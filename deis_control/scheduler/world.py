"""What the planner looks at: one app's wanted and observed state, frozen. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deis_control.scheduler.engines import nodes
from deis_node.cluster.names import RUN_TYPE, CopyName
from deis_node.cluster.records import (
    NATIVE,
    Endpoint,
    Host,
    HostConf,
    Instance,
    Move,
    Placement,
    PlacementState,
    Prefetch,
    Route,
)

ZONE = "zone"
"""The tag that says which hosts fail together: a room, a rack, a provider's zone."""

SHARES = 1024
"""CPU shares of a whole processor."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A placement as it lies in the store."""

    host: str
    placement: Placement
    revision: int
    """Of its last change."""
    made: int
    """The revision at which its key was created."""
    copy: CopyName = field(init=False, compare=False, repr=False)
    """The copy's name."""
    runs: bool = field(init=False, compare=False, repr=False)
    """Whether the copy is wanted to serve."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "copy", self.placement.copy)
        object.__setattr__(self, "runs", self.placement.state is PlacementState.RUN)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host observes of a copy."""

    host: str
    instance: Instance
    revision: int


@dataclass(frozen=True, slots=True)
class Observed:
    """A placement and how its copy does, for people."""

    placed: Placed
    instance: Instance | None
    """As last known; None while the host has taken no notice of the copy."""
    state: str
    """As `CopyState.state`."""

    @property
    def copy(self) -> CopyName:
        """The copy's name."""
        return self.placed.copy

    @property
    def listed(self) -> bool:
        """Whether people are shown it: not once it was told to end, but for one-off runs."""
        stopping = self.placed.placement.state is PlacementState.STOP
        return not stopping or self.copy.type == RUN_TYPE


@dataclass(frozen=True, slots=True)
class Published:
    """An endpoint as it lies in the store."""

    endpoint: Endpoint
    revision: int


@dataclass(frozen=True, slots=True)
class Routed:
    """A route as it lies in the store; its revision is the barrier of its last change."""

    route: Route
    revision: int


@dataclass(frozen=True, slots=True)
class RouterSeen:
    """A router that counts (rule 4): it has acknowledged once and is not gone for too long."""

    name: str
    served: int
    """The highest awaited revision that it serves."""
    draining: frozenset[str] = frozenset()
    """Withdrawn addresses with requests in flight."""
    gone: float | None = None
    """Since when its record is missing, on the planner's clock; None while it is there."""


@dataclass(frozen=True, slots=True)
class Load:
    """What all apps together have on a host."""

    copies: int = 0
    """Placements on it."""
    reserved: int = 0
    """Bytes of memory that those placements are limited to, together."""
    shares: int = 0
    """Their CPU shares together; 1024 are one processor."""


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A live host and what all apps together have on it."""

    name: str
    memory: int = 0
    """Bytes; 0 when the host does not say."""
    cpus: float = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    """The operator's and the host's own."""
    copies: int = 0
    """Placements on it, of all apps."""
    reserved: int = 0
    """Bytes of memory that those placements are limited to, together."""
    cpu_reserved: float = 0
    """Processors that their CPU shares come to, together."""
    arch: str = ""
    """What its images must be built for; empty when the host does not say."""
    cordoned: bool = False
    """It takes no new copies."""
    draining: bool = False
    """Its copies are moved away, and it takes no new ones."""
    roles: tuple[str, ...] = ()
    """What else it is for: `router`, `control`."""
    node: str = nodes.READY
    """What it is as a node of the Docker Swarm, see `engines/nodes.py`."""

    @property
    def zone(self) -> str:
        """What fails together with it, by its tag `zone`; empty without one."""
        return self.tags.get(ZONE, "")


@dataclass(frozen=True, slots=True)
class Lost:
    """That a host has no record."""

    since: float
    """On the planner's clock."""
    witnessed: bool = True
    """False when it was so at the first look: then nobody knows for how long already."""
    surely: float | None = None
    """Since when nobody can have missed a record that came and went; None: since the beginning."""

    @property
    def surely_since(self) -> float:
        """Since when it has had no record without a break that anybody could have missed."""
        return self.since if self.surely is None else self.surely


class Cause(StrEnum):
    """Why a copy is made again on another host."""

    LOST = "lost"
    """Its host's lease has ended."""
    DRAIN = "drain"
    """Its host is being drained."""
    MOVE = "move"
    """An operator has asked for it."""


@dataclass(frozen=True, slots=True)
class Displacement:
    """That a copy is to be made again on another host, and why."""

    cause: Cause
    since: float
    """Since when, on the planner's clock; for a planned one the moment of this look."""
    to: str | None
    """The host that is wanted; None leaves the choice."""
    sentence: str
    """For people."""


@dataclass(frozen=True, slots=True)
class MoveSeen:
    """A wish for a move as it lies in the store."""

    move: Move
    revision: int


@dataclass(frozen=True, slots=True)
class PrefetchSeen:
    """That a host shall have an image, as it lies in the store."""

    prefetch: Prefetch
    revision: int


@dataclass(frozen=True, slots=True)
class HostListed:
    """A host that the store knows of, for people."""

    name: str
    host: Host | None
    """Its record; None while it is not alive."""
    conf: HostConf
    load: Load
    tags: Mapping[str, str]
    """The operator's and the host's own."""

    @property
    def alive(self) -> bool:
        """Whether its record is there."""
        return self.host is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the planner waits for what, all in seconds; and what it spares."""

    deploy: float = 60
    """From a copy's first start to readiness, and from readiness to its endpoint."""
    pickup: float = 60
    """Until a host has taken notice of a copy, and until there is a host for it."""
    pull: float = 1200
    """For a copy's image to arrive."""
    acknowledge: float = 10
    """For a live router to serve a barrier, before the rollout goes on without it."""
    forget: float = 30
    """From the loss of a router's record until the router counts no more."""
    drain: float = 30
    """For requests in flight, of an app whose route is gone."""
    stop: float = 60
    """For the hosts to end the copies of an app that is destroyed."""
    host_ttl: float = 10
    """Of the hosts' leases."""
    lost: float = 420
    """For a copy of an operation whose host is lost to be made again elsewhere."""
    separate: tuple[str, ...] = ()
    """Hosts with one of these roles take no copies while another host fits."""
    swarm: bool = False
    """Whether there is a Docker Swarm to place copies with."""


class Workers(StrEnum):
    """When copies that get no requests change, seen from those that do."""

    BEFORE = "before"
    WITH = "with"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Target:
    """What an app shall be: the copies, and the route once they serve."""

    copies: frozenset[CopyName]
    route: Route
    fresh: frozenset[CopyName] = frozenset()
    """The copies that the operation makes: the first to exit fails it. None in steady state."""
    old: frozenset[CopyName] = frozenset()
    """The copies of the same release that the operation replaces or removes."""
    new_release: bool = False
    """Whether the operation made the release: nothing of it was routed before."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What a host must be tagged with to take a copy."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """Process type → bytes that a copy of it may use."""
    batches: int = 1
    """Into how many parts the fresh copies are divided, see `batches.py`."""
    workers: Workers = Workers.WITH
    single: frozenset[str] = frozenset()
    """Process types of which there must never be two copies of one number."""
    cpu: Mapping[str, int] = field(default_factory=dict)
    """Process type → CPU shares of a copy of it."""
    arch: str = ""
    """What the image is built for; empty when that is not known."""

    @property
    def at_rest(self) -> bool:
        """Whether no operation asks for it."""
        return not (self.fresh or self.old or self.new_release)


@dataclass(frozen=True, slots=True)
class World:
    """One app as the planner sees it; `now` and all times are on one monotonic clock."""

    app: str
    now: float
    target: Target | None
    """None: the app is gone or going, nothing of it shall stay."""
    placed: Mapping[str, Placed] = field(default_factory=dict)
    """By container name."""
    runs: int = 0
    """How many one-off commands the store holds of it; they are not the planner's to end."""
    instances: Mapping[str, Seen] = field(default_factory=dict)
    """By `<host>/<container>`."""
    endpoints: Mapping[str, Published] = field(default_factory=dict)
    """By container name."""
    route: Routed | None = None
    awaited: int = 0
    """The revision of the key that routers acknowledge."""
    routers: tuple[RouterSeen, ...] = ()
    hosts: tuple[HostSeen, ...] = ()
    lost: frozenset[str] = frozenset()
    """The hosts without a record among those that copies of the app are placed on."""
    missing: bool = False
    """Whether some host, whatever was on it, has been lost for a moment only."""
    flapping: frozenset[str] = frozenset()
    """Hosts that take no new copies while others fit: they were lost again and again."""
    displaced: Mapping[str, Displacement] = field(default_factory=dict)
    """What is to be made again elsewhere, by container name."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Why a lost copy, or one that is to be moved, is not made again elsewhere yet, by container
    name."""
    reconsider: float | None = None
    """When `displaced` is to be looked at again, though nothing changes."""
    moves: Mapping[str, MoveSeen] = field(default_factory=dict)
    """Wishes for moves, by container name."""
    senseless: frozenset[str] = frozenset()
    """Those of them that make no sense any more."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Hosts that have an image of the app beforehand, and which."""
    engine: str = NATIVE
    """Which scheduling engine new copies get that may have any."""
    cancel: bool = False
    """Somebody asked for the operation's end."""
    may_remove: bool = True
    """False while the database is behind the store (rule 2)."""
    timers: Mapping[str, float] = field(default_factory=dict)
    """Since when each condition holds, from the decision before."""
    limits: Limits = Limits()

    def seen_of(self, placed: Placed) -> Seen | None:
        """What the copy's own host observes of it."""
        return self.instances.get(f"{placed.host}/{placed.copy.container}")

    def instance_of(self, placed: Placed) -> Instance | None:
        """The same without its revision."""
        seen = self.seen_of(placed)
        return None if seen is None else seen.instance

    def endpoint_of(self, copy: CopyName) -> Published | None:
        """The copy's endpoint, if it is published."""
        return self.endpoints.get(copy.container)

    def of(self, copy: CopyName) -> Placed | None:
        """The copy's placement."""
        return self.placed.get(copy.container)
