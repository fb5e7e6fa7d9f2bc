"""What a copy asks of a host, what a host has left, and why they do not fit. PURE."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deis_control.scheduler.world import SHARES, HostSeen


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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a host cannot take a copy."""

    one: str
    """After the host's name."""
    many: str
    """After the number of hosts and a colon; the same for all hosts of which it is true."""
    lasting: bool = False
    """Whether no wait helps: it is in what the host is, not in what it carries."""


class Room:
    """One host while a choice is made: what was there and what the choice adds."""

    __slots__ = ("copies", "host", "mine", "name", "reserved", "shares", "types", "zone")

    def __init__(self, host: HostSeen, mine: Sequence[str] = ()) -> None:
        """`mine` are the process types of the app's copies that it has already."""
        self.host = host
        self.name = host.name
        self.zone = host.zone
        self.types: dict[str, int] = dict(Counter(mine)) if mine else {}
        self.mine = len(mine)
        self.copies = host.copies
        self.reserved = host.reserved
        self.shares = host.cpu_reserved * SHARES

    def refusal(self, need: Need) -> Refusal | None:
        """Why the host cannot take a copy, if so; what lasts goes before what may pass."""
        return self._unfit(need) or self._closed() or self._full(need)

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

    def excludes(self, need: Need) -> Refusal | None:
        """Why the host is not for such copies, however much of it is free."""
        return self._unfit(need) or self._closed()

    @property
    def per_processor(self) -> float:
        """Copies of all apps for each processor."""
        return self.per_processor_with(0)

    def per_processor_with(self, more: int) -> float:
        """The same with so many copies more."""
        return (self.copies + more) / max(self.host.cpus, 1)

    def memory_share(self, need: Need) -> float:
        """Which part of the host's memory is reserved; 0 for a copy that reserves none."""
        if not need.memory or not self.host.memory:
            return 0.0
        return self.reserved / self.host.memory

    def _unfit(self, need: Need) -> Refusal | None:
        if need.tags:
            for key, value in sorted(need.tags.items()):
                if self.host.tags.get(key) != value:
                    tag = f"tagged {key}={value}"
                    return Refusal(f"is not {tag}", f"not {tag}", lasting=True)
        arch = self.host.arch
        if need.arch and arch and need.arch != arch:
            image = f"the image is for {need.arch}"
            return Refusal(f"is an {arch} host, {image}", f"{arch}, {image}", lasting=True)
        return None

    def _closed(self) -> Refusal | None:
        if self.host.draining:
            return Refusal("is being drained", "being drained")
        if self.host.cordoned:
            return Refusal("is cordoned", "cordoned")
        return None

    def _full(self, need: Need) -> Refusal | None:
        free = self.host.memory - self.reserved
        if self.host.memory and need.memory and need.memory > free:
            wanted = need.memory >> 20
            return Refusal(
                f"has {max(free, 0) >> 20} MiB left of the {wanted} MiB it may use",
                f"less than {wanted} MiB left",
            )
        left = self.host.cpus * SHARES - self.shares
        if self.host.cpus and need.cpu and need.cpu > left:
            return Refusal(
                f"has {max(left, 0):g} CPU shares left of the {need.cpu} it may use",
                f"less than {need.cpu} CPU shares left",
            )
        return None
