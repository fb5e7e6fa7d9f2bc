"""What the planner may want done: small frozen steps, carried out by `apply`. PURE."""

from dataclasses import dataclass, field

from deis_control.scheduler.world import Placed
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import NATIVE, Route


@dataclass(frozen=True, slots=True)
class Place:
    """Make a copy on a host."""

    copy: CopyName
    host: str
    why: str | None = field(default=None, compare=False)
    """Why this host, for people."""
    succeeds: Placed | None = None
    """The copy in whose place it is made: it gets the same image, command and limits."""
    instead: tuple[Placed, ...] = ()
    """Of a single copy: others on lost hosts that are told to end in the same write."""
    engine: str = NATIVE
    """Which scheduling engine shall run it."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Let a copy take no new requests; its endpoint goes in the same transaction."""

    placed: Placed
    serving: tuple[tuple[str, int], ...] = ()
    """Containers whose endpoints must still be as seen, at these revisions: its share of those
    that take over."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End a copy; an endpoint that it still has goes with it."""

    placed: Placed


@dataclass(frozen=True, slots=True)
class Forget:
    """Remove what is left of a copy that its host has stopped."""

    placed: Placed
    seen: int
    """The revision of the instance that says so."""


@dataclass(frozen=True, slots=True)
class PutRoute:
    """Write the app's route and raise the barrier: the switch of traffic, or a touch."""

    route: Route
    revision: int
    """Of the route as it was seen; 0 when there is none."""
    serving: tuple[tuple[str, int], ...] = ()
    """Containers whose endpoints must still be as seen, at these revisions."""


@dataclass(frozen=True, slots=True)
class DropRoute:
    """Remove the app's route and raise the barrier."""

    revision: int


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise the barrier alone, for an app that has no route."""


@dataclass(frozen=True, slots=True)
class DropMove:
    """Remove a wish for a move that was fulfilled or makes no sense any more."""

    container: str
    revision: int
    """Of the wish as it was seen."""


Step = Place | Withdraw | Stop | Forget | PutRoute | DropRoute | Raise | DropMove
