"""Which host takes a copy: filters that say why not, then the least loaded, spread first. PURE."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from deis_control.scheduler.world import HostSeen
from deis_node.cluster.names import CopyName


@dataclass(frozen=True, slots=True)
class Need:
    """What a copy asks of a host."""

    memory: int = 0
    """Bytes; 0 for no limit."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A host for each copy that has one, and for each other copy why no host takes it."""

    hosts: Mapping[CopyName, str]
    refused: Mapping[CopyName, str]


class _Room:
    """One host while a choice is made: what was there and what the choice adds."""

    def __init__(self, host: HostSeen, mine: Iterable[str]) -> None:
        self.host = host
        self.types = Counter(mine)
        self.added = 0
        self.reserved = host.reserved

    def refuses(self, need: Need) -> str | None:
        """Why the host cannot take a copy, if so."""
        for key, value in sorted(need.tags.items()):
            if self.host.tags.get(key) != value:
                return f"{self.host.name} is not tagged {key}={value}"
        free = self.host.memory - self.reserved
        if self.host.memory and need.memory and need.memory > free:
            wanted = f"of the {need.memory >> 20} MiB it may use"
            return f"{self.host.name} has {max(free, 0) >> 20} MiB left {wanted}"
        return None

    def load(self, process_type: str) -> tuple[int, int, float, str]:
        """How little the host is wanted: the app's own copies count most."""
        copies = (self.host.copies + self.added) / max(self.host.cpus, 1)
        return self.types[process_type], self.types.total(), copies, self.host.name

    def take(self, process_type: str, need: Need) -> None:
        """Count a copy that was given to this host."""
        self.types[process_type] += 1
        self.added += 1
        self.reserved += need.memory


def choose_hosts(
    copies: Sequence[CopyName],
    needs: Mapping[str, Need],
    hosts: Sequence[HostSeen],
    mine: Mapping[str, Sequence[str]],
) -> Choice:
    """A host for each copy, in their order.

    `needs` is by process type; `mine` says which process types of the app each host has already.
    """
    rooms = [_Room(host, mine.get(host.name, ())) for host in hosts]
    chosen: dict[CopyName, str] = {}
    refused: dict[CopyName, str] = {}
    for copy in copies:
        need = needs.get(copy.type, Need())
        reasons = {room.host.name: room.refuses(need) for room in rooms}
        able = [room for room in rooms if reasons[room.host.name] is None]
        if not able:
            said = "; ".join(reason for reason in reasons.values() if reason)
            refused[copy] = said or "no host is alive"
            continue
        best = min(able, key=lambda room: room.load(copy.type))
        best.take(copy.type, need)
        chosen[copy] = best.host.name
    return Choice(chosen, refused)
