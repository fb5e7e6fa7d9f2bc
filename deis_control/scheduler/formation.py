"""Which copies a change wants: numbers, generations, and who goes first. PURE."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from deis_control.scheduler.world import Placed
from deis_node.cluster.names import CopyName, in_order, parse_container


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operation wants, fixed when it is placed and stored with it."""

    release: int
    structure: Mapping[str, int]
    """Process type → count, the app's formation once the operation is done."""
    copies: frozenset[CopyName]
    fresh: frozenset[CopyName] = frozenset()
    """Those of the copies that the operation makes."""
    old: frozenset[CopyName] = frozenset()
    """Copies of the same release that it replaces or removes."""
    new_release: bool = False
    stopped: tuple[str, ...] = ()
    """Types of the formation that have no copies all the same."""

    def to_plain(self) -> dict[str, object]:
        """JSON for the operation's row; copies by their container names."""
        return {
            "release": self.release,
            "structure": dict(self.structure),
            "copies": _names(self.copies),
            "fresh": _names(self.fresh),
            "old": _names(self.old),
            "new_release": self.new_release,
            "stopped": list(self.stopped),
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, object]) -> "Plan":
        """Read what `to_plain` wrote."""
        structure, stopped = data["structure"], data.get("stopped", [])
        assert isinstance(structure, dict)
        assert isinstance(stopped, list)
        return cls(
            release=int(str(data["release"])),
            structure={str(kind): int(count) for kind, count in structure.items()},
            copies=_copies(data["copies"]),
            fresh=_copies(data["fresh"]),
            old=_copies(data["old"]),
            new_release=bool(data["new_release"]),
            stopped=tuple(str(kind) for kind in stopped),
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """What a plan does to an app at rest, each in the copies' order."""

    start: tuple[CopyName, ...]
    stop: tuple[CopyName, ...]
    keep: tuple[CopyName, ...]


def difference(
    plan: Plan,
    app: str,
    release: int,
    structure: Mapping[str, int],
    placed: Collection[Placed],
) -> Difference:
    """Which copies a plan starts, stops and keeps of an app whose formation this is."""
    running = {item.copy for item in _at_rest(app, release, structure, placed)}
    return Difference(
        start=tuple(in_order(plan.copies - running)),
        stop=tuple(in_order(running - plan.copies)),
        keep=tuple(in_order(plan.copies & running)),
    )


def for_release(
    app: str, release: int, structure: Mapping[str, int], taken: Collection[CopyName]
) -> Plan:
    """Every copy of a new release."""
    names = Names(copy for copy in taken if copy.release == release)
    copies = frozenset(
        names.unused(CopyName(app, release, kind, num))
        for kind, count in structure.items()
        for num in range(1, count + 1)
    )
    return Plan(release, structure, copies, fresh=copies, new_release=True)


def for_scale(
    app: str,
    release: int,
    structure: Mapping[str, int],
    *,
    before: Mapping[str, int],
    placed: Collection[Placed],
) -> Plan:
    """The live release's copies at other counts (semantics.md section 6).

    New numbers lie above the highest one; the most recently created go first.
    """
    names = Names(item.copy for item in placed)
    types = _by_type(_at_rest(app, release, before, placed))
    keep: set[CopyName] = set()
    fresh: set[CopyName] = set()
    old: set[CopyName] = set()
    for kind in types.keys() | structure.keys():
        have = types.get(kind, [])
        count = structure.get(kind, 0)
        keep.update(have[:count])
        old.update(have[count:])
        highest = max((copy.num for copy in have), default=0)
        more = range(highest + 1, highest + 1 + count - len(have))
        fresh.update(names.unused(CopyName(app, release, kind, num)) for num in more)
    return Plan(release, structure, frozenset(keep | fresh), frozenset(fresh), frozenset(old))


def for_restart(
    app: str,
    release: int,
    structure: Mapping[str, int],
    *,
    placed: Collection[Placed],
    process_type: str | None = None,
    num: int | None = None,
) -> Plan:
    """The chosen copies made again under a new generation, the others as they are."""
    names = Names(item.copy for item in placed)
    have = {item.copy for item in _at_rest(app, release, structure, placed)}
    old = {copy for copy in have if process_type in (None, copy.type) and num in (None, copy.num)}
    fresh = {names.unused(copy.next_generation()) for copy in old}
    copies = (have - old) | fresh
    return Plan(release, structure, frozenset(copies), frozenset(fresh), frozenset(old))


def settled_copies(
    app: str, release: int, structure: Mapping[str, int], placed: Collection[Placed]
) -> frozenset[CopyName]:
    """The copies of an app at rest: those it has, the oldest first, and new ones for the rest.

    Of copies that differ by generation only, the oldest stands for all: who of them shall run is
    another question (`succession`).
    """
    types: dict[str, list[Placed]] = {}
    for item in _oldest(item for item in placed if item.runs and item.copy.release == release):
        types.setdefault(item.copy.type, []).append(item)
    wanted: set[CopyName] = set()
    for kind, count in structure.items():
        found = types.get(kind, [])
        if len(found) > count:
            found = sorted(found, key=_age)[:count]
        have = [item.copy for item in found]
        wanted.update(have)
        used = {copy.num for copy in have}
        free = (num for num in range(1, count + len(have) + 1) if num not in used)
        missing = [num for num, _ in zip(free, range(count - len(have)), strict=False)]
        names = Names(item.copy for item in placed if missing)
        wanted.update(names.unused(CopyName(app, release, kind, num)) for num in missing)
    return frozenset(wanted)


def _at_rest(
    app: str, release: int, structure: Mapping[str, int], placed: Collection[Placed]
) -> list[Placed]:
    """The placements that make up an app's formation; what a failed change left is none of it."""
    settled = settled_copies(app, release, structure, placed)
    return [item for item in placed if item.copy in settled]


def _oldest(placed: Iterable[Placed]) -> list[Placed]:
    """Of the placements of each process type and number the oldest."""
    found: dict[tuple[str, int], Placed] = {}
    for item in placed:
        name = (item.copy.type, item.copy.num)
        before = found.get(name)
        if before is None or _age(item) < _age(before):
            found[name] = item
    return list(found.values())


def _by_type(placed: Iterable[Placed]) -> dict[str, list[CopyName]]:
    """Process type → its copies, in the order of their making."""
    types: dict[str, list[CopyName]] = {}
    for item in sorted(placed, key=_age):
        types.setdefault(item.copy.type, []).append(item.copy)
    return types


def _age(item: Placed) -> tuple[str, int, int, int]:
    return item.placement.created, item.made, item.copy.generation, item.copy.num


class Names:
    """The names that the store has of one app's copies."""

    def __init__(self, taken: Iterable[CopyName]) -> None:
        self._highest: dict[tuple[int, str, int], int] = {}
        for copy in taken:
            slot = (copy.release, copy.type, copy.num)
            self._highest[slot] = max(copy.generation, self._highest.get(slot, 0))

    def unused(self, copy: CopyName) -> CopyName:
        """The copy under the lowest generation that nothing in the store has, nor any below it."""
        highest = self._highest.get((copy.release, copy.type, copy.num), 0)
        return replace(copy, generation=max(copy.generation, highest + 1))


def _names(copies: Iterable[CopyName]) -> list[str]:
    return [copy.container for copy in in_order(copies)]


def _copies(names: object) -> frozenset[CopyName]:
    assert isinstance(names, list)
    found = (parse_container(str(name)) for name in names)
    return frozenset(copy for copy in found if copy is not None)
