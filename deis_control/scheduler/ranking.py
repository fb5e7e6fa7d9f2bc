"""The order in which hosts are wanted for copies of one process type. PURE.

Hosts stand in groups, one for each zone, each a heap of the hosts that fit. A copy that is given
to a host changes that host's place alone, and its zone's; so a choice costs as much among five
thousand hosts as among five. Within one choice hosts only fill up: who refuses once does so for
good.
"""

from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from heapq import heappop, heappush

from deis_control.scheduler.rooms import Need, Refusal, Room

_Key = tuple[int, int, float, float, str]
"""A host's place within its zone: copies of the type, copies of the app, share of the memory that
is reserved, copies for each processor, name. The least is wanted most."""

_NAMED = 3
"""Hosts that do not fit and are named one by one; more are counted."""


class _Group:
    """The hosts of one zone that fit, either all of them kept for something else or none."""

    def __init__(self, zone: str, aside: bool) -> None:
        self.zone = zone
        self.aside = aside
        self.keys: dict[str, _Key] = {}
        self.heap: list[_Key] = []
        self.ties: tuple[Counter[tuple[object, ...]], ...] = tuple(Counter() for _ in range(4))
        """How many hosts have the same first part of their keys, first two, three, four."""

    def put(self, key: _Key) -> None:
        self.keys[key[-1]] = key
        heappush(self.heap, key)
        for length, tie in enumerate(self.ties, 1):
            tie[key[:length]] += 1

    def drop(self, name: str) -> None:
        key = self.keys.pop(name)
        for length, tie in enumerate(self.ties, 1):
            tie[key[:length]] -= 1
            if not tie[key[:length]]:
                del tie[key[:length]]

    def top(self) -> _Key:
        """The host that is wanted most; there must be one."""
        heap, keys = self.heap, self.keys
        while keys.get(heap[0][-1]) != heap[0]:
            heappop(heap)
        return heap[0]


class Ranking:
    """The hosts in their order for one type, kept while copies are given to them."""

    def __init__(
        self, kind: str, need: Need, rooms: Sequence[Room], separate: Collection[str] = ()
    ) -> None:
        """Hosts with a role of `separate` are taken only when no other fits."""
        self._kind = kind
        self._need = need
        self._separate = frozenset(separate)
        self._order = {room.host.name: place for place, room in enumerate(rooms)}
        self._rooms = {room.host.name: room for room in rooms}
        self._zones: Counter[str] = Counter()
        self._groups: dict[tuple[bool, str], _Group] = {}
        self._able = 0
        self._refused: dict[str, Refusal] = {}
        self._refused_order: list[tuple[int, str]] = []
        self._causes: Counter[str] = Counter()
        self._lasting = 0
        for room in rooms:
            self._zones[room.host.zone] += room.types[kind]
            self._enter(room)

    def best(self) -> Room | None:
        """The host that is wanted most; None when none fits."""
        groups = [group for group in self._groups.values() if group.keys]
        if not groups:
            return None
        zones = self._zones
        best = min(groups, key=lambda group: (group.aside, zones[group.zone], group.top()))
        return self._rooms[best.top()[-1]]

    def taken(self, room: Room, kind: str) -> None:
        """A copy of some type was given to the host."""
        name = room.host.name
        if kind == self._kind:
            self._zones[room.host.zone] += 1
        before = self._refused.get(name)
        if before is not None:
            self._causes[before.many] -= 1
            self._lasting -= before.lasting
            self._refuse(name, room.refusal(self._need) or before)
            return
        self._group_of(room).drop(name)
        self._able -= 1
        self._enter(room)

    @property
    def lasting(self) -> bool:
        """Whether every host refuses for a reason that no wait helps against."""
        return self._lasting == len(self._rooms) > 0

    def refusals(self) -> str:
        """Why the hosts that do not fit do not."""
        if len(self._refused) <= _NAMED:
            found = (name for _, name in self._refused_order)
            return "; ".join(f"{name} {self._refused[name].one}" for name in found)
        counts = sorted((-count, many) for many, count in self._causes.items() if count)
        return "; ".join(f"{-count} host{'s' * (count < -1)}: {many}" for count, many in counts)

    def why(self, room: Room) -> str:
        """What made the best host win: each part of its place that ruled another one out."""
        kept = ""
        if self._is_aside(room):
            kept = f", though it is kept for {self._kept_for()}"
        if self._able == 1:
            return f"the only host that fits{kept}"
        words: list[str] = []
        left = self._able
        for count, praise in zip(self._tied(room), self._praise(room), strict=True):
            if count < left:
                words.append(praise)
            left = count
        return f"{', then '.join(words)} among {self._able} hosts that fit{kept}"

    def _enter(self, room: Room) -> None:
        """Give the host its place, or take it out for good."""
        name = room.host.name
        refusal = room.refusal(self._need)
        if refusal is not None:
            insort(self._refused_order, (self._order[name], name))
            self._refuse(name, refusal)
            return
        self._able += 1
        self._group_of(room).put(
            (
                room.types[self._kind],
                room.mine,
                room.memory_share(self._need),
                room.per_processor,
                name,
            )
        )

    def _refuse(self, name: str, refusal: Refusal) -> None:
        self._refused[name] = refusal
        self._causes[refusal.many] += 1
        self._lasting += refusal.lasting

    def _group_of(self, room: Room) -> _Group:
        key = (self._is_aside(room), room.host.zone)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(room.host.zone, key[0])
        return group

    def _is_aside(self, room: Room) -> bool:
        return not self._separate.isdisjoint(room.host.roles)

    def _tied(self, room: Room) -> Iterator[int]:
        """How many hosts equal the best one in the first part of its place, in two, and so on."""
        mine = self._group_of(room)
        groups = [group for group in self._groups.values() if group.aside == mine.aside]
        yield sum(len(group.keys) for group in groups)
        count = self._zones[mine.zone]
        groups = [group for group in groups if self._zones[group.zone] == count]
        yield sum(len(group.keys) for group in groups)
        key = mine.keys[room.host.name]
        for length in range(1, 5):
            yield sum(group.ties[length - 1][key[:length]] for group in groups)
        yield 1

    def _praise(self, room: Room) -> Iterator[str]:
        """What each part of its place says for the best host."""
        yield f"not kept for {self._kept_for()}"
        yield f"fewest copies of {self._kind} in its zone ({self._zones[room.host.zone]})"
        yield f"fewest copies of {self._kind} ({room.types[self._kind]})"
        yield f"fewest copies of the app ({room.mine})"
        yield f"least memory reserved ({room.memory_share(self._need):.0%})"
        yield f"least loaded ({room.per_processor:.2g} copies per processor)"
        yield "first by name"

    def _kept_for(self) -> str:
        return " or ".join(sorted(self._separate))
