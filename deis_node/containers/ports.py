"""Which host port a copy is published on. PURE.

A copy keeps its port for its whole life, restarts of the agent and of the host included. A freed
port goes to the end of the queue and is not given to another app before the quarantine has
passed: a router that is behind must never show one app's users another app.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from deis_node.cluster.records import Record
from deis_node.runtime.errors import DeisError


class NoPort(DeisError):
    """Every port of the range is in use or in quarantine."""


@dataclass(frozen=True, slots=True)
class Held(Record):
    """A port in use."""

    port: int
    app: str


@dataclass(frozen=True, slots=True)
class Freed(Record):
    """A port that was in use."""

    port: int
    app: str
    """Whose it was; empty for a port that somebody outside the platform holds."""
    at: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Ports(Record):
    """Who holds which port, and which are free: fresh ones from `fresh` on, then the freed."""

    low: int
    high: int
    fresh: int
    """The lowest port that has never been given away."""
    held: Mapping[str, Held] = field(default_factory=dict)
    """By container name."""
    freed: tuple[Freed, ...] = ()
    """Oldest first."""


def empty(low: int, high: int) -> Ports:
    """All ports of the range are fresh."""
    return Ports(low=low, high=high, fresh=low)


def take(
    ports: Ports, container: str, app: str, *, now: float, quarantine: float
) -> tuple[Ports, int]:
    """The container's port: the one it holds, else the best free one; NoPort without any.

    `now` is in seconds since 1970, `quarantine` in seconds.
    """
    if container in ports.held:
        return ports, ports.held[container].port
    port = _fresh(ports)
    if port is not None:
        return replace(_give(ports, container, app, port), fresh=port + 1), port
    freed = [entry for entry in ports.freed if ports.low <= entry.port <= ports.high]
    rested = (entry.port for entry in freed if now - entry.at >= quarantine)
    own = (entry.port for entry in freed if entry.app == app)
    for port in (*rested, *own):
        return _give(ports, container, app, port), port
    raise NoPort(
        f"no host port is free: {len(ports.held)} of {ports.low} to {ports.high} are in use and "
        f"{len(freed)} were freed less than {quarantine:g} s ago"
    )


def adopt(ports: Ports, container: str, app: str, port: int) -> Ports:
    """The container holds this port, whatever was thought before."""
    if ports.held.get(container) == Held(port, app):
        return ports
    return _give(ports, container, app, port)


def release(ports: Ports, container: str, *, now: float) -> Ports:
    """The container is gone: its port goes to the end of the queue."""
    held = ports.held.get(container)
    return ports if held is None else _free(ports, container, Freed(held.port, held.app, now))


def keep(ports: Ports, containers: Collection[str], *, now: float) -> Ports:
    """There are these containers and no others: whoever else holds a port is gone."""
    for container in ports.held.keys() - set(containers):
        ports = release(ports, container, now=now)
    return ports


def refuse(ports: Ports, container: str, *, now: float) -> Ports:
    """Somebody outside the platform holds the container's port: out of the way with it."""
    held = ports.held.get(container)
    return ports if held is None else _free(ports, container, Freed(held.port, "", now))


def within(ports: Ports, low: int, high: int) -> Ports:
    """The same for a range that was changed in the settings.

    What is held stays held, and what was freed stays known: the range may be changed back.
    """
    if (ports.low, ports.high) == (low, high):
        return ports
    return replace(ports, low=low, high=high, fresh=low)


def _fresh(ports: Ports) -> int | None:
    """The lowest port from `fresh` on that nobody has."""
    known = {held.port for held in ports.held.values()} | {entry.port for entry in ports.freed}
    return next((port for port in range(ports.fresh, ports.high + 1) if port not in known), None)


def _give(ports: Ports, container: str, app: str, port: int) -> Ports:
    freed = tuple(entry for entry in ports.freed if entry.port != port)
    return replace(ports, held={**ports.held, container: Held(port, app)}, freed=freed)


def _free(ports: Ports, container: str, entry: Freed) -> Ports:
    held = {name: item for name, item in ports.held.items() if name != container}
    return replace(ports, held=held, freed=(*ports.freed, entry))
