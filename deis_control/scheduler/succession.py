"""Who runs in a wanted copy's place: itself, or its successor on another host. PURE.

A copy that is displaced is made again under the next unused generation, with a mark in the
placement that names the generation it succeeds. So the line of a copy (it and its successors) is
found from the store alone, by whoever leads; and as long as two of a line are there, the one that
serves stays.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from deis_control.scheduler.formation import Names
from deis_control.scheduler.judge import Stage, stage_of
from deis_control.scheduler.world import Cause, Displacement, Placed, Target, World
from deis_node.cluster.names import CopyName

Slot = tuple[int, str, int]
"""Release, process type and number."""


@dataclass(frozen=True, slots=True)
class Succession:
    """Who holds the place of each wanted copy."""

    holders: Mapping[CopyName, CopyName] = field(default_factory=dict)
    """Wanted copy → who shall run."""
    before: Mapping[CopyName, Placed] = field(default_factory=dict)
    """A holder that is not placed yet → whom it succeeds."""
    heirs: Mapping[CopyName, CopyName] = field(default_factory=dict)
    """Others of the line that run → the holder, who must serve before they go."""

    def undone(self, copy: CopyName) -> "Succession":
        """The same with a copy, whose successor is not placed yet, in its own place."""
        heir = self.heirs[copy]
        holders = {
            wanted: copy if holder == heir else holder for wanted, holder in self.holders.items()
        }
        before = {holder: item for holder, item in self.before.items() if holder != heir}
        heirs = {item: holder for item, holder in self.heirs.items() if holder != heir}
        return Succession(holders, before, heirs)

    def applied(self, target: Target) -> Target:
        """The target with the holders in the places of its copies."""
        others = {copy: holder for copy, holder in self.holders.items() if holder is not copy}
        if not others:
            return target

        def held(copies: frozenset[CopyName]) -> frozenset[CopyName]:
            return (copies - others.keys()) | {others[copy] for copy in others if copy in copies}

        return replace(target, copies=held(target.copies), fresh=held(target.fresh))


def succession(world: World, copies: Iterable[CopyName], *, at_rest: bool) -> Succession:
    """Who holds the place of each of these copies.

    An operation begins no planned move: what it keeps moves when it is over.
    """
    leaving = active(world, at_rest=at_rest)
    holders = {copy: copy for copy in copies}
    before: dict[CopyName, Placed] = {}
    heirs: dict[CopyName, CopyName] = {}
    for copy, same in _doubtful(world, holders, leaving).items():
        line = _line(copy, same)
        holder = _holder(world, copy, line, leaving)
        if holder is None:
            before_it = line[-1]
            names = Names(item.copy for item in same)
            holder = names.unused(before_it.copy.next_generation())
            before[holder] = before_it
        holders[copy] = holder
        heirs |= {item.copy: holder for item in line if item.runs and item.copy != holder}
    return Succession(holders, before, heirs)


def _doubtful(
    world: World, copies: Collection[CopyName], leaving: Collection[str]
) -> dict[CopyName, list[Placed]]:
    """The copies that may not hold their own places, with all that differ by generation only.

    Of a large app these are few: those that are displaced, and those of which somebody was.
    """
    marked = {_slot(item.copy) for item in world.placed.values() if item.placement.succeeds}
    if not (marked or leaving):
        return {}
    found = [
        copy for copy in copies if copy.container in leaving or (marked and _slot(copy) in marked)
    ]
    slots: dict[Slot, list[Placed]] = {_slot(copy): [] for copy in found}
    for item in world.placed.values() if found else ():
        slots.get(_slot(item.copy), []).append(item)
    return {copy: slots[_slot(copy)] for copy in found}


def active(world: World, *, at_rest: bool) -> dict[str, Displacement]:
    """The displacements that count now: all losses, and planned moves that may go on."""
    if not world.displaced:
        return {}
    marks = {
        (_slot(item.copy), item.placement.succeeds)
        for item in world.placed.values()
        if item.placement.succeeds and item.runs
    }

    def counts(name: str, found: Displacement) -> bool:
        copy = world.placed[name].copy
        begun = (_slot(copy), copy.generation) in marks
        return found.cause is Cause.LOST or (world.may_remove and (at_rest or begun))

    return {name: found for name, found in world.displaced.items() if counts(name, found)}


def _line(copy: CopyName, same: Collection[Placed]) -> list[Placed]:
    """The copy, if it is placed, and its running successors, by generation.

    A successor of one that is gone counts, for nobody else can have asked for it; one of a copy
    that is there and was made for another reason does not.
    """
    line = [item for item in same if item.copy == copy]
    there = {item.copy.generation for item in same}
    members = {copy.generation}
    for item in sorted(same, key=lambda item: item.copy.generation):
        before = item.placement.succeeds
        if before >= copy.generation and (before in members or before not in there):
            members.add(item.copy.generation)
            if item.runs:
                line.append(item)
    return line


def _holder(
    world: World, copy: CopyName, line: list[Placed], leaving: Mapping[str, Displacement]
) -> CopyName | None:
    """Who of the line shall run; None when it must be made again elsewhere.

    The newest that serves; else the first on a live host; else the newest that is waited for. A
    copy that was told to end is waited for on a live host, for its name is taken as long.
    """
    if not line:
        return copy
    staying = [item for item in line if item.runs and item.copy.container not in leaving]
    serving = [item for item in staying if stage_of(world, item.copy) is Stage.SERVING]
    alive = [item for item in staying if item.host not in world.lost]
    for found in (serving[-1:], alive[:1], staying[-1:]):
        if found:
            return found[0].copy
    last = line[-1]
    return None if last.copy.container in leaving else last.copy


def _slot(copy: CopyName) -> Slot:
    """What a copy and its successors have in common."""
    return copy.release, copy.type, copy.num
