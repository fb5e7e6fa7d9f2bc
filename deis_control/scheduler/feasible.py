"""Which host takes a copy: filters that say why not, then spread first and balance next. PURE.

Each choice comes with a sentence that says what decided it. docs/operators.md tells the rules.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from deis_control.scheduler.engines.chosen import of_type
from deis_control.scheduler.ranking import Ranking
from deis_control.scheduler.rooms import Need, Room
from deis_control.scheduler.world import HostSeen, Target
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import NATIVE

__all__ = ["Choice", "Need", "choose_hosts", "choose_rooms", "need_of", "rooms_of"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A host for each copy that has one and why, and for each other copy why no host takes it."""

    hosts: Mapping[CopyName, str]
    refused: Mapping[CopyName, str]
    why: Mapping[CopyName, str] = field(default_factory=dict)
    hopeless: frozenset[CopyName] = frozenset()
    """The refused ones for which no wait helps: there are hosts, and none is of the right kind."""


def choose_hosts(
    copies: Sequence[CopyName],
    needs: Mapping[str, Need],
    hosts: Sequence[HostSeen],
    mine: Mapping[str, Sequence[str]],
    separate: Collection[str] = (),
    holding: Collection[str] = (),
) -> Choice:
    """A host for each copy, in their order.

    `needs` is by process type; `mine` says which process types of the app each host has already,
    `holding` where the image is. Hosts with a role of `separate` are taken only when no other fits.
    """
    return choose_rooms(copies, needs, rooms_of(hosts, mine, holding), separate)


def rooms_of(
    hosts: Sequence[HostSeen],
    mine: Mapping[str, Sequence[str]],
    holding: Collection[str] = (),
) -> list[Room]:
    """The hosts for one choice or several, each of which sees what those before it took."""
    return [Room(host, mine.get(host.name, ()), holds=host.name in holding) for host in hosts]


def choose_rooms(
    copies: Sequence[CopyName],
    needs: Mapping[str, Need],
    rooms: Sequence[Room],
    separate: Collection[str] = (),
) -> Choice:
    """As `choose_hosts`; the rooms are filled by what is chosen."""
    rankings: dict[str, Ranking] = {}
    chosen: dict[CopyName, str] = {}
    refused: dict[CopyName, str] = {}
    why: dict[CopyName, str] = {}
    hopeless: set[CopyName] = set()
    for copy in copies:
        need = needs.get(copy.type, _NOTHING)
        ranking = rankings.get(copy.type)
        if ranking is None:
            ranking = rankings[copy.type] = Ranking(copy.type, need, rooms, separate)
        best = ranking.best()
        if best is None:
            refused[copy] = ranking.refusals() or "no host is alive"
            if ranking.lasting:
                hopeless.add(copy)
            continue
        chosen[copy] = best.host.name
        why[copy] = "; ".join(filter(None, (ranking.why(best), ranking.refusals())))
        best.take(copy.type, need)
        for one in rankings.values():
            one.taken(best, copy.type)
    return Choice(chosen, refused, why, frozenset(hopeless))


def need_of(target: Target, kind: str, engine: str = NATIVE) -> Need:
    """What a copy of the type asks of a host, `engine` being what it gets if it may."""
    return Need(
        memory=target.memory.get(kind, 0),
        tags=target.tags,
        cpu=target.cpu.get(kind, 0),
        arch=target.arch,
        engine=of_type(engine, kind, target.single),
    )


_NOTHING = Need()
