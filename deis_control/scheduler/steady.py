"""Which host takes a copy, those that come and go last. PURE."""

from collections.abc import Collection, Mapping, Sequence

from deis_control.scheduler.feasible import Choice, Need, choose_rooms
from deis_control.scheduler.rooms import Room
from deis_node.cluster.names import CopyName


def choose_steady(
    copies: Sequence[CopyName],
    needs: Mapping[str, Need],
    rooms: Sequence[Room],
    separate: Collection[str],
    flapping: Collection[str],
) -> Choice:
    """As `choose_rooms`; a host that flaps takes only what no other one does."""
    steady = [room for room in rooms if room.name not in flapping]
    if not steady or len(steady) == len(rooms):
        return choose_rooms(copies, needs, rooms, separate)
    first = choose_rooms(copies, needs, steady, separate)
    if not first.refused:
        return first
    others = [room for room in rooms if room.name in flapping]
    second = choose_rooms(list(first.refused), needs, others, separate)
    return Choice(
        {**first.hosts, **second.hosts},
        {copy: f"{first.refused[copy]}; {why}" for copy, why in second.refused.items()},
        {**first.why, **second.why},
        first.hopeless & second.hopeless,
    )
