"""The order in which hosts are wanted for copies of one process type. PURE.

Hosts stand in groups, one for each zone, each a heap of the hosts that fit. A copy that is given
to a host changes that host's place alone, and its zone's; so a choice costs as much among five
thousand hosts as among five. Within one choice hosts only fill up: who refuses once does so for
good.
"""

from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from heapq import heapify, heappop, heappush

from deis_control.scheduler.rooms import Need, Refusal, Room

_Key = tuple[int, int, bool, float, float, str]
"""A host's place within its zone: copies of the type, copies of the app, whether it lacks the
image, share of the memory that is reserved, copies for each processor, name. The least is wanted
most."""

_LENGTHS = range(1, 6)
"""Of the beginnings of a key in which hosts may be equal."""

_NAMED = 3
"""Hosts that do not fit and are named one by one; more are counted."""


class _Group:
    """The hosts of one zone that fit, either all of them kept for something else or none."""

    def __init__(self, zone: str, aside: bool, keys: Sequence[_Key]) -> None:
        self.zone = zone
        self.aside = aside
        self.keys = {key[-1]: key for key in keys}
        self.heap = list(keys)
        heapify(self.heap)
        self._ties: list[Counter[tuple[object, ...]]] = []

    def put(self, key: _Key) -> None:
        self.keys[key[-1]] = key
        heappush(self.heap, key)
        for length, tie in enumerate(self._ties, 1):
            tie[key[:length]] += 1

    def drop(self, name: str) -> None:
        key = self.keys.pop(name)
        for length, tie in enumerate(self._ties, 1):
            tie[key[:length]] -= 1

    def top(self) -> _Key:
        """The host that is wanted most; there must be one."""
        heap, keys = self.heap, self.keys
        while keys.get(heap[0][-1]) != heap[0]:
            heappop(heap)
        return heap[0]

    def tied(self, key: _Key, length: int) -> int:
        """How many of the hosts have this beginning of a key."""
        if not self._ties:
            every = self.keys.values()
            self._ties = [Counter([key[:most] for key in every]) for most in _LENGTHS]
        return self._ties[length - 1][key[:length]]


class Ranking:
    """The hosts in their order for one type, kept while copies are given to them."""

    def __init__(
        self, kind: str, need: Need, rooms: Sequence[Room], separate: Collection[str] = ()
    ) -> None:
        """Hosts with a role of `separate` are taken only when no other fits."""
        self._kind = kind
        self._need = need
        self._separate = frozenset(separate)
        self._rooms = {room.name: room for room in rooms}
        self._order = {name: place for place, name in enumerate(self._rooms)}
        self._zones: Counter[str] = Counter()
        self._able = 0
        self._refused: dict[str, Refusal] = {}
        self._refused_order: list[tuple[int, str]] = []
        self._causes: Counter[str] = Counter()
        self._lasting = 0
        found: dict[tuple[bool, str], list[_Key]] = {}
        for room in rooms:
            if room.types:
                self._zones[room.zone] += room.types.get(kind, 0)
            key = self._key_of(room)
            if key is not None:
                found.setdefault((self._is_aside(room), room.zone), []).append(key)
        self._groups = {
            (aside, zone): _Group(zone, aside, keys) for (aside, zone), keys in found.items()
        }

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
        name = room.name
        if kind == self._kind:
            self._zones[room.zone] += 1
        before = self._refused.get(name)
        if before is not None:
            self._causes[before.many] -= 1
            self._lasting -= before.lasting
            self._refuse(name, room.refusal(self._need) or before)
            return
        group = self._group_of(room)
        group.drop(name)
        self._able -= 1
        key = self._key_of(room)
        if key is not None:
            group.put(key)

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

    def _key_of(self, room: Room) -> _Key | None:
        """The host's place; None when it does not fit, and never will."""
        refusal = room.refusal(self._need)
        if refusal is not None:
            insort(self._refused_order, (self._order[room.name], room.name))
            self._refuse(room.name, refusal)
            return None
        self._able += 1
        of_type = room.types.get(self._kind, 0)
        share, copies = room.memory_share(self._need), room.per_processor
        return of_type, room.mine, not room.holds, share, copies, room.name

    def _refuse(self, name: str, refusal: Refusal) -> None:
        self._refused[name] = refusal
        self._causes[refusal.many] += 1
        self._lasting += refusal.lasting

    def _group_of(self, room: Room) -> _Group:
        return self._groups[self._is_aside(room), room.zone]

    def _is_aside(self, room: Room) -> bool:
        return bool(self._separate) and not self._separate.isdisjoint(room.host.roles)

    def _tied(self, room: Room) -> Iterator[int]:
        """How many hosts equal the best one in the first part of its place, in two, and so on."""
        mine = self._group_of(room)
        groups = [group for group in self._groups.values() if group.aside == mine.aside]
        yield sum(len(group.keys) for group in groups)
        count = self._zones[mine.zone]
        groups = [group for group in groups if self._zones[group.zone] == count]
        yield sum(len(group.keys) for group in groups)
        key = mine.keys[room.name]
        for length in _LENGTHS:
            yield sum(group.tied(key, length) for group in groups)
        yield 1

    def _praise(self, room: Room) -> Iterator[str]:
        """What each part of its place says for the best host."""
        yield f"not kept for {self._kept_for()}"
        yield f"fewest copies of {self._kind} in its zone ({self._zones[room.zone]})"
        yield f"fewest copies of {self._kind} ({room.types.get(self._kind, 0)})"
        yield f"fewest copies of the app ({room.mine})"
        yield "the image is there"
        yield f"least memory reserved ({room.memory_share(self._need):.0%})"
        yield f"least loaded ({room.per_processor:.2g} copies per processor)"
        yield "first by name"

    def _kept_for(self) -> str:
        return " or ".join(sorted(self._separate))
