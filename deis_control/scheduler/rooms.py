"""What a copy asks of a host, what a host has left, and why they do not fit. PURE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deis_control.scheduler.engines import nodes
from deis_control.scheduler.world import SHARES, HostSeen
from deis_node.cluster.records import NATIVE, SWARM


@dataclass(frozen=True, slots=True)
class Need:
    """What a copy asks of a host."""

    memory: int = 0
    """Bytes; 0 for no limit."""
    tags: Mapping[str, str] = field(default_factory=dict)
    cpu: int = 0
    """CPU shares, of which a processor has 1024; 0 for no limit."""
    arch: str = ""
    """What the image is built for; empty when that is not known."""
    engine: str = NATIVE
    """Which scheduling engine shall run it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a host cannot take a copy."""

    one: str
    """After the host's name."""
    many: str
    """After the number of hosts and a colon; the same for all hosts of which it is true."""
    lasting: bool = False
    """Whether no wait helps: it is in what the host is, not in what it carries."""


_DRAINING = Refusal("is being drained", "being drained")
_CORDONED = Refusal("is cordoned", "cordoned")
_NODES = {
    nodes.UNKNOWN: Refusal("may not be in the Docker Swarm", "perhaps not in the Docker Swarm"),
    nodes.ABSENT: Refusal("is not in the Docker Swarm", "not in the Docker Swarm", lasting=True),
    nodes.DOWN: Refusal("is down in the Docker Swarm", "down in the Docker Swarm"),
    nodes.CLOSED: Refusal("takes no tasks of the Docker Swarm", "closed in the Docker Swarm"),
    nodes.TWICE: Refusal(
        "is the name of several nodes of the Docker Swarm", "several nodes of the Docker Swarm"
    ),
}
"""By what a host is as a node, see `engines/nodes.py`."""


class Room:
    """One host while a choice is made: what was there and what the choice adds."""

    __slots__ = (
        "copies",
        "holds",
        "host",
        "mine",
        "name",
        "processors",
        "reserved",
        "shares",
        "types",
        "zone",
    )

    def __init__(self, host: HostSeen, mine: Sequence[str] = (), *, holds: bool = False) -> None:
        """`mine` are the process types of the app's copies that it has already; `holds` says that
        the image is there.
        """
        self.holds = holds
        self.host = host
        self.name = host.name
        self.zone = host.zone
        self.processors = host.cpus if host.cpus > 1 else 1
        self.types: dict[str, int] = {}
        for kind in mine:
            self.types[kind] = self.types.get(kind, 0) + 1
        self.mine = len(mine)
        self.copies = host.copies
        self.reserved = host.reserved
        self.shares = host.cpu_reserved * SHARES

    def refusal(self, need: Need) -> Refusal | None:
        """Why the host cannot take a copy, if so; what lasts goes before what may pass."""
        return self.excludes(need) or self._full(need)

    def excludes(self, need: Need) -> Refusal | None:
        """Why the host is not for such copies, however much of it is free."""
        host = self.host
        if need.tags:
            for key, value in sorted(need.tags.items()):
                if host.tags.get(key) != value:
                    tag = f"tagged {key}={value}"
                    return Refusal(f"is not {tag}", f"not {tag}", lasting=True)
        if need.arch and host.arch and need.arch != host.arch:
            image = f"the image is for {need.arch}"
            words = f"is an {host.arch} host, {image}", f"{host.arch}, {image}"
            return Refusal(*words, lasting=True)
        if too_small := self._too_small(need):
            return too_small
        if need.engine == SWARM and host.node != nodes.READY:
            return _NODES.get(host.node, _NODES[nodes.UNKNOWN])
        if host.draining:
            return _DRAINING
        return _CORDONED if host.cordoned else None

    def take(self, process_type: str, need: Need) -> None:
        """Count a copy that was given to this host."""
        self.types[process_type] = self.types.get(process_type, 0) + 1
        self.mine += 1
        self.copies += 1
        self.reserved += need.memory
        self.shares += need.cpu

    def give(self, process_type: str, need: Need) -> None:
        """Count a copy that was taken from this host."""
        self.types[process_type] = self.types.get(process_type, 0) - 1
        self.mine -= 1
        self.copies -= 1
        self.reserved -= need.memory
        self.shares -= need.cpu

    @property
    def per_processor(self) -> float:
        """Copies of all apps for each processor."""
        return self.copies / self.processors

    def per_processor_with(self, more: int) -> float:
        """The same with so many copies more."""
        return (self.copies + more) / self.processors

    def memory_share(self, need: Need) -> float:
        """Which part of the host's memory is reserved; 0 for a copy that reserves none."""
        if not need.memory or not self.host.memory:
            return 0.0
        return self.reserved / self.host.memory

    def _too_small(self, need: Need) -> Refusal | None:
        host = self.host
        if host.memory and need.memory > host.memory:
            total, wanted = host.memory >> 20, need.memory >> 20
            one = f"has {total} MiB in all of the {wanted} MiB it may use"
            return Refusal(one, f"less than {wanted} MiB in all", lasting=True)
        if host.cpus and need.cpu > host.cpus * SHARES:
            one = f"has {host.cpus * SHARES:g} CPU shares in all of the {need.cpu} it may use"
            return Refusal(one, f"less than {need.cpu} CPU shares in all", lasting=True)
        return None

    def _full(self, need: Need) -> Refusal | None:
        host = self.host
        if need.memory and host.memory and need.memory > host.memory - self.reserved:
            free, wanted = max(host.memory - self.reserved, 0) >> 20, need.memory >> 20
            return Refusal(
                f"has {free} MiB left of the {wanted} MiB it may use",
                f"less than {wanted} MiB left",
            )
        if need.cpu and host.cpus and need.cpu > host.cpus * SHARES - self.shares:
            left = max(host.cpus * SHARES - self.shares, 0)
            return Refusal(
                f"has {left:g} CPU shares left of the {need.cpu} it may use",
                f"less than {need.cpu} CPU shares left",
            )
        return None
