"""The engine's stream of events as records. PURE.

Only what changes a container's life is told. An event is a hint, never the truth: who reads
them looks at the container itself, and looks at all of them when `Subscribed` comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The stream is open: what happens from here on will be told. Always the first event."""


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """What all events of containers say."""

    id: str
    name: str
    labels: Mapping[str, str]
    time: float
    """Seconds since 1970, by the engine's clock."""


@dataclass(frozen=True, slots=True)
class ContainerStarted(ContainerEvent):
    """Its first process runs."""


@dataclass(frozen=True, slots=True)
class ContainerDied(ContainerEvent):
    """Its first process ended."""

    exit_code: int


@dataclass(frozen=True, slots=True)
class ContainerOOM(ContainerEvent):
    """A process in it was killed for want of memory; the container may live on."""


@dataclass(frozen=True, slots=True)
class ContainerHealth(ContainerEvent):
    """Its image's health check has another result."""


@dataclass(frozen=True, slots=True)
class ContainerRemoved(ContainerEvent):
    """It is gone."""


def action(event: "Event") -> str:
    """The engine's word for an event; `subscribed` for the stream's beginning."""
    return _WORDS[type(event)]


Event = (
    Subscribed
    | ContainerStarted
    | ContainerDied
    | ContainerOOM
    | ContainerHealth
    | ContainerRemoved
)

ACTIONS = ("start", "die", "oom", "health_status", "destroy")
"""The engine's words for the events above, as the stream is asked for."""


def parse(data: Mapping[str, Any]) -> Event | None:
    """Read one event; None for every one that is not told here (`exec_die`, `attach`, …)."""
    actor = data.get("Actor")
    if data.get("Type") != "container" or not isinstance(actor, Mapping):
        return None
    attributes = actor.get("Attributes") or {}
    identity = (
        str(actor.get("ID", "")),
        str(attributes.get("name", "")),
        {key: value for key, value in attributes.items() if key not in _NO_LABELS},
        int(data.get("timeNano", 0)) / 1e9,
    )
    match str(data.get("Action")).partition(":")[0]:
        case "start":
            return ContainerStarted(*identity)
        case "die":
            return ContainerDied(*identity, exit_code=int(attributes.get("exitCode", 0)))
        case "oom":
            return ContainerOOM(*identity)
        case "health_status":
            return ContainerHealth(*identity)
        case "destroy":
            return ContainerRemoved(*identity)
    return None


_WORDS = {
    Subscribed: "subscribed",
    ContainerStarted: "start",
    ContainerDied: "die",
    ContainerOOM: "oom",
    ContainerHealth: "health_status",
    ContainerRemoved: "destroy",
}

_NO_LABELS = frozenset({"name", "image", "exitCode"})
"""What the engine mixes into the labels of an event."""
