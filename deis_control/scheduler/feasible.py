"""Which host takes a copy: filters that say why not, then the least loaded, spread first. PURE.

Each choice comes with a sentence that says what decided it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from deis_control.scheduler.world import HostSeen
from deis_node.cluster.names import CopyName

_NAMED = 3
"""Hosts that a sentence names with what speaks against them."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a copy asks of a host."""

    memory: int = 0
    """Bytes; 0 for no limit."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A host for each copy that has one and why, and for each other copy why no host takes it."""

    hosts: Mapping[CopyName, str]
    refused: Mapping[CopyName, str]
    why: Mapping[CopyName, str] = field(default_factory=dict)


class _Room:
    """One host while a choice is made: what was there and what the choice adds."""

    def __init__(self, host: HostSeen, mine: Iterable[str]) -> None:
        self.host = host
        self.types = Counter(mine)
        self.added = 0
        self.reserved = host.reserved

    def refuses(self, need: Need) -> str | None:
        """Why the host cannot take a copy, if so."""
        if self.host.cordoned:
            return f"{self.host.name} is {'being drained' if self.host.draining else 'cordoned'}"
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

    def praise(self, process_type: str) -> tuple[str, str, str, str]:
        """What each part of the load says for the host that is taken for it."""
        of_type, of_app, copies, _ = self.load(process_type)
        return (
            f"fewest copies of {process_type} ({of_type})",
            f"fewest copies of the app ({of_app})",
            f"least loaded ({copies:.2g} copies per processor)",
            "first by name",
        )

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
    why: dict[CopyName, str] = {}
    for copy in copies:
        need = needs.get(copy.type, Need())
        reasons = {room.host.name: room.refuses(need) for room in rooms}
        able = [room for room in rooms if reasons[room.host.name] is None]
        if not able:
            said = "; ".join(reason for reason in reasons.values() if reason)
            refused[copy] = said or "no host is alive"
            continue
        best = min(able, key=lambda room: room.load(copy.type))
        against = [reason for reason in reasons.values() if reason]
        why[copy] = "; ".join([_why(best, able, copy.type), *_shortened(against)])
        best.take(copy.type, need)
        chosen[copy] = best.host.name
    return Choice(chosen, refused, why)


def _why(best: _Room, able: Sequence[_Room], process_type: str) -> str:
    """What made the best host win: each part of the load that ruled another one out."""
    if len(able) == 1:
        return "the only host that fits"
    words: list[str] = []
    left = list(able)
    for part, praise in enumerate(best.praise(process_type)):
        least = best.load(process_type)[part]
        equal = [room for room in left if room.load(process_type)[part] == least]
        if len(equal) < len(left):
            words.append(praise)
        left = equal
    return f"{', then '.join(words)} among {len(able)} hosts that fit"


def _shortened(reasons: Sequence[str]) -> list[str]:
    """The first few of the reasons, and how many more there are."""
    more = len(reasons) - _NAMED
    return [*reasons[:_NAMED], *([f"{more} more hosts do not fit"] if more > 0 else [])]
