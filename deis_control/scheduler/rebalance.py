"""Which copies an operator's rebalance moves where: as few as bring the cluster into balance. PURE.

Three rounds: off hosts that are not for them, then each process type evenly over zones and hosts,
then copies of all types evenly over processors, where that costs no type its spread.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deis_control.scheduler.rooms import Need, Room
from deis_control.scheduler.world import HostSeen
from deis_node.cluster.names import CopyName

MOST = 100
"""Moves that one rebalance asks for."""

_TRIED = 20
"""Of the fullest and of the emptiest hosts, how many are tried for one move of the last round."""


@dataclass(frozen=True, slots=True)
class Running:
    """A copy that runs, and where."""

    copy: CopyName
    host: str
    need: Need = Need()
    fixed: bool = False
    """It counts and does not move: there must never be two of it, or it is on its way already."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A copy that shall move, and why."""

    copy: CopyName
    source: str
    to: str
    why: str


@dataclass(frozen=True, slots=True)
class Rebalance:
    """What a rebalance comes to."""

    shifts: tuple[Shift, ...]
    more: bool = False
    """Whether there were more moves than one rebalance asks for."""


def plan_rebalance(
    hosts: Iterable[HostSeen],
    running: Sequence[Running],
    separate: Collection[str] = (),
    most: int = MOST,
    flapping: Collection[str] = (),
) -> Rebalance:
    """The moves; hosts that take no copies, and what runs there, are left alone.

    So are those that are `flapping`. Hosts with a role of `separate` are kept free of copies that
    another host takes.
    """
    steady = (replace(host, cordoned=True) if host.name in flapping else host for host in hosts)
    board = _Board(steady, running, separate)
    found: dict[CopyName, Shift] = {}
    for shift in board.shifts():
        before = found.pop(shift.copy, shift)
        if before.source != shift.to:
            found[shift.copy] = Shift(shift.copy, before.source, shift.to, before.why)
        if len(found) > most:
            return Rebalance(tuple(found.values())[:most], more=True)
    return Rebalance(tuple(found.values()))


class _Group:
    """The copies of one process type of one app, while they are moved."""

    def __init__(self, running: Sequence[Running], rooms: Mapping[str, Room]) -> None:
        self.kind = running[0].copy.type
        self.need = running[0].need
        self.rooms = rooms
        """The hosts that are for it."""
        self.running = list(running)
        self.zones: dict[str, int] = dict.fromkeys((room.zone for room in rooms.values()), 0)
        self.counts: dict[str, int] = {}
        for item in running:
            self._count(item.host, 1)

    def count(self, room: Room) -> int:
        return self.counts.get(room.name, 0)

    def movable(self, host: str) -> Running | None:
        """One of its copies on a host that may move, the youngest by its number."""
        mine = [item for item in self.running if item.host == host and not item.fixed]
        return max(mine, key=lambda item: item.copy, default=None)

    def moved(self, item: Running, to: str) -> None:
        """Have the copy elsewhere."""
        self.running.remove(item)
        self.running.append(Running(item.copy, to, item.need))
        self._count(item.host, -1)
        self._count(to, 1)

    def in_zone(self, zone: str) -> list[Room]:
        return [room for room in self.rooms.values() if room.zone == zone]

    def uneven(self, zone: str) -> int:
        """How many more copies the fullest of a zone's hosts has than the emptiest."""
        counts = [self.count(room) for room in self.in_zone(zone)]
        return max(counts) - min(counts)

    def _count(self, host: str, by: int) -> None:
        if host in self.rooms:
            self.counts[host] = self.counts.get(host, 0) + by
            self.zones[self.rooms[host].zone] += by


class _Board:
    """All hosts and copies, while copies are moved."""

    def __init__(
        self, hosts: Iterable[HostSeen], running: Sequence[Running], separate: Collection[str]
    ) -> None:
        self._separate = frozenset(separate)
        self._rooms = {host.name: Room(host) for host in hosts}
        self._kinds: dict[tuple[object, ...], dict[str, Room]] = {}
        by_type: dict[tuple[str, str], list[Running]] = {}
        for item in sorted(running, key=lambda item: item.copy):
            if item.host in self._rooms:
                by_type.setdefault((item.copy.app, item.copy.type), []).append(item)
        self._groups = [_Group(items, self._for(items[0].need)) for items in by_type.values()]

    def shifts(self) -> Iterator[Shift]:
        for group in self._groups:
            yield from self._off(group)
        for group in self._groups:
            yield from self._over_zones(group)
            for zone in sorted(group.zones):
                yield from self._over_hosts(group, zone)
        yield from self._over_processors()

    def _for(self, need: Need) -> dict[str, Room]:
        """The hosts that a copy of this need is for, whether or not they have room now."""
        kind = need.arch, need.engine, need.memory, need.cpu, *sorted(need.tags.items())
        if kind not in self._kinds:
            fit = [room for room in self._rooms.values() if room.excludes(need) is None]
            spare = [room for room in fit if self._separate.isdisjoint(room.host.roles)]
            self._kinds[kind] = {room.name: room for room in spare or fit}
        return self._kinds[kind]

    def _off(self, group: _Group) -> Iterator[Shift]:
        """Off hosts that are not for the type; a closed host is left to those who closed it."""
        for item in list(group.running):
            room = self._rooms[item.host]
            if item.fixed or item.host in group.rooms or room.host.cordoned:
                continue
            found = self._emptiest(group, group.rooms.values())
            if found is not None:
                refusal = room.excludes(item.need)
                kept = f"is kept for {' or '.join(sorted(self._separate))}"
                reason = refusal.one if refusal else kept
                yield self._move(group, item, found, f"{item.host} {reason}")

    def _over_zones(self, group: _Group) -> Iterator[Shift]:
        """Until no zone has two copies more than another."""
        while True:
            shift = next(self._zone_shifts(group), None)
            if shift is None:
                return
            yield shift

    def _zone_shifts(self, group: _Group) -> Iterator[Shift]:
        if max(group.zones.values(), default=0) - min(group.zones.values(), default=0) < 2:
            return
        uneven = {zone: group.uneven(zone) for zone in group.zones}
        # Of equal zones, one whose hosts are uneven, so that one move mends both.
        lows = sorted(uneven, key=lambda zone: (group.zones[zone], -uneven[zone], zone))
        highs = sorted(uneven, key=lambda zone: (-group.zones[zone], -uneven[zone], zone))
        for low in lows:
            found = None
            for high in highs:
                more, less = group.zones[high], group.zones[low]
                if more - less < 2:
                    break
                found = found or self._emptiest(group, group.in_zone(low))
                item = self._from_fullest(group, group.in_zone(high))
                if found is not None and item is not None:
                    names = f"{more} copies in zone {_named(high)} and {less} in {_named(low)}"
                    yield self._move(group, item, found, f"{group.kind} has {names}")

    def _over_hosts(self, group: _Group, zone: str) -> Iterator[Shift]:
        """Until no host of the zone has two copies more than another that fits."""
        if max(group.counts.values(), default=0) < 2:
            return
        rooms = group.in_zone(zone)
        while True:
            found = self._emptiest(group, rooms)
            item = self._from_fullest(group, rooms)
            if found is None or item is None:
                return
            more, less = group.counts[item.host], group.count(found)
            if more - less < 2:
                return
            words = f"{group.kind} has {more} copies on {item.host} and {less} on {found.name}"
            yield self._move(group, item, found, words)

    def _over_processors(self) -> Iterator[Shift]:
        """Until no host has one copy a processor more than another, as far as types allow it."""
        open_rooms = [
            room
            for room in self._rooms.values()
            if not room.host.cordoned and self._separate.isdisjoint(room.host.roles)
        ]
        while True:
            rooms = sorted(open_rooms, key=lambda room: (room.per_processor, room.name))
            shift = self._one_over_processors(rooms[-_TRIED:][::-1], rooms[:_TRIED])
            if shift is None:
                return
            yield shift

    def _one_over_processors(self, full: Sequence[Room], empty: Sequence[Room]) -> Shift | None:
        for source in full:
            groups = [group for group in self._groups if group.counts.get(source.name)]
            for to in empty:
                difference = source.per_processor - to.per_processor
                if difference <= 1 or to.per_processor_with(1) >= source.per_processor:
                    break
                for group in groups:
                    item = group.movable(source.name)
                    if item is not None and _keeps_spread(group, source, to):
                        words = (
                            f"{source.name} has {source.per_processor:.2g} copies per processor,"
                            f" {to.name} {to.per_processor:.2g}"
                        )
                        return self._move(group, item, to, words)
        return None

    def _emptiest(self, group: _Group, rooms: Iterable[Room]) -> Room | None:
        """Where a copy of the type goes: fewest in the zone, on the host, then the least loaded."""
        fit = (room for room in rooms if room.refusal(group.need) is None)
        return min(
            fit,
            key=lambda room: (
                group.zones[room.zone],
                group.count(room),
                room.per_processor,
                room.name,
            ),
            default=None,
        )

    def _from_fullest(self, group: _Group, rooms: Iterable[Room]) -> Running | None:
        """A copy of the type from the host that has most of them, then the most loaded."""
        found = {room.name: group.movable(room.name) for room in rooms if group.count(room)}
        able = [room for room in rooms if found.get(room.name) is not None]
        if not able:
            return None
        best = max(able, key=lambda room: (group.count(room), room.per_processor, room.name))
        return found[best.name]

    def _move(self, group: _Group, item: Running, to: Room, why: str) -> Shift:
        self._rooms[item.host].give(item.copy.type, item.need)
        to.take(item.copy.type, item.need)
        group.moved(item, to.name)
        return Shift(item.copy, item.host, to.name, why)


def _keeps_spread(group: _Group, source: Room, to: Room) -> bool:
    """Whether a copy of the type may go from one host to the other and is as well spread there."""
    if to.name not in group.rooms or to.refusal(group.need) is not None:
        return False
    if group.zones[to.zone] >= group.zones[source.zone] and to.zone != source.zone:
        return False
    if group.count(to) >= group.count(source):
        return False
    fewest = min(group.count(room) for room in group.in_zone(to.zone))
    most = max(group.count(room) for room in group.in_zone(source.zone))
    return group.count(to) == fewest and group.count(source) == most


def _named(zone: str) -> str:
    return zone or "(none)"
