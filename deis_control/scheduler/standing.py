"""Where a target stands before the ladder of `plan`: who is wanted by which name, and where. PURE.

The wanted copies with their successors on other hosts in their places, a host for each that is
missing, and which of them cannot start before another has ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from deis_control.scheduler.engines.chosen import of_type
from deis_control.scheduler.feasible import Choice, need_of, rooms_of
from deis_control.scheduler.judge import Stage, stage_of
from deis_control.scheduler.rooms import Room
from deis_control.scheduler.singles import Gate, gates
from deis_control.scheduler.steady import choose_steady
from deis_control.scheduler.steps import DropMove, Place
from deis_control.scheduler.succession import Succession, succession
from deis_control.scheduler.world import Cause, Placed, Target, World
from deis_node.cluster.names import CopyName, in_order
from deis_node.cluster.records import NATIVE


@dataclass(frozen=True, slots=True)
class Standing:
    """One app's target as it is carried out now."""

    target: Target
    line: Succession
    choice: Choice
    """Of what is missing and may start."""
    gates: Mapping[CopyName, Gate] = field(default_factory=dict)
    stuck: Mapping[CopyName, str] = field(default_factory=dict)
    """Successors that no host takes, and why: those whom they succeed stay as they are."""
    drop_moves: tuple[DropMove, ...] = ()
    """Wishes for moves that are to be forgotten."""
    sentences: Mapping[CopyName, str] = field(default_factory=dict)
    """Why a successor is made."""
    engine: str = NATIVE
    """Which scheduling engine new copies get that may have any."""

    @property
    def closed(self) -> dict[CopyName, Gate]:
        """The single copies that wait for another to end."""
        return {copy: gate for copy, gate in self.gates.items() if gate.closed}

    @property
    def awaited(self) -> frozenset[CopyName]:
        """The copies whose end they wait for."""
        return frozenset(item.copy for gate in self.gates.values() for item in gate.closed)

    def within(self, part: Target) -> "Standing":
        """The same for a part of the target, of which fewer copies may be missing."""
        hosts = {copy: host for copy, host in self.choice.hosts.items() if copy in part.copies}
        refused = {copy: why for copy, why in self.choice.refused.items() if copy in part.copies}
        return replace(self, target=part, choice=replace(self.choice, hosts=hosts, refused=refused))

    def place(self, copy: CopyName, host: str, why: str) -> Place:
        """The step that makes a copy."""
        text = "; ".join(filter(None, (why, self.sentences.get(copy))))
        dead = self.gates.get(copy, Gate()).dead
        engine = of_type(self.engine, copy.type, self.target.single)
        return Place(copy, host, text, self.line.before.get(copy), dead, engine)

    def keeps(self, world: World, placed: Placed) -> bool:
        """Whether an unwanted copy stays because its heir does not serve yet."""
        heir = self.line.heirs.get(placed.copy)
        if heir is None or placed.copy in self.awaited:
            return False
        return stage_of(world, heir) is not Stage.SERVING

    def singles_behind(self, world: World) -> list[CopyName]:
        """The single copies that an operation makes and that do not serve yet."""
        fresh = (copy for copy in self.target.fresh if copy.type in self.target.single)
        return sorted(copy for copy in fresh if stage_of(world, copy) is not Stage.SERVING)


def standing(world: World, target: Target) -> Standing:
    """Where the target stands in this world."""
    line = succession(world, target.copies, at_rest=target.at_rest)
    line = _with_homes(world, line, target)
    target = line.applied(target)
    world = replace(world, target=target)
    there = world.placed
    missing = in_order(copy for copy in target.copies if copy.container not in there)
    found = gates(world, target, missing)
    may = [copy for copy in missing if not (copy in found and found[copy].closed)]
    choice = _hosts_for(world, target, may, line)
    stuck = {
        copy: f"no host takes {copy.process}: {reason}"
        for copy, reason in choice.refused.items()
        if copy in line.before and copy not in target.fresh
    }
    return Standing(
        target=target,
        line=line,
        choice=choice,
        gates=found,
        stuck=stuck,
        drop_moves=_drop_moves(world, line, stuck),
        sentences={
            copy: world.displaced[item.copy.container].sentence
            for copy, item in line.before.items()
        },
        engine=world.engine,
    )


def refusal(world: World, stand: Standing, copy: CopyName) -> str | None:
    """Why no host takes another copy like this one; None when one does."""
    rooms = _rooms(world, stand.target, stand.line)
    return _choose(world, stand.target, [copy], rooms).refused.get(copy)


def _with_homes(world: World, line: Succession, target: Target) -> Succession:
    """Let single copies that could stay leave only when another host takes them."""
    for copy, item in line.before.items():
        could_stay = item.runs and item.host not in world.lost and item.placement.single
        if could_stay and _hosts_for(world, target, [copy], line).refused:
            line = line.undone(item.copy)
    return line


def _drop_moves(
    world: World, line: Succession, stuck: Mapping[CopyName, str]
) -> tuple[DropMove, ...]:
    """Wishes that make no sense, and those for which no host was found."""
    names = set(world.senseless)
    for copy in stuck:
        name = line.before[copy].copy.container
        if world.displaced[name].cause is Cause.MOVE:
            names.add(name)
    return tuple(DropMove(name, world.moves[name].revision) for name in sorted(names))


def _hosts_for(world: World, target: Target, missing: list[CopyName], line: Succession) -> Choice:
    """A host for each missing copy: where it was asked for, and else any but a flapping one.

    They are chosen one after the other, each in what those before it left.
    """
    if not missing:
        return Choice({}, {})
    rooms = _rooms(world, target, line)
    moved = {copy: line.before[copy] for copy in missing if _is_move(world, line, copy)}
    found = _choose(world, target, [copy for copy in missing if copy not in moved], rooms)
    for copy, item in moved.items():
        to = world.displaced[item.copy.container].to
        where = [room for room in rooms if _may_move(world, item, room, to)]
        found = _joined(found, _choose(world, target, [copy], where))
    return found


def _rooms(world: World, target: Target, line: Succession) -> list[Room]:
    """The hosts with what they have of the target already: copies, and images of successors."""
    images = {item.placement.image for item in line.before.values()}
    holding = {host for host, image in world.held.items() if image in images}
    mine: dict[str, list[str]] = {}
    for placed in world.placed.values():
        if placed.copy in target.copies:
            mine.setdefault(placed.host, []).append(placed.copy.type)
    return rooms_of(world.hosts, mine, holding)


def _may_move(world: World, item: Placed, room: Room, to: str | None) -> bool:
    """Whether a move may go to the host; no planned one goes to where nothing stays for long."""
    return room.name in (to or room.name,) and room.name not in (item.host, *world.flapping)


def _is_move(world: World, line: Succession, copy: CopyName) -> bool:
    item = line.before.get(copy)
    return item is not None and world.displaced[item.copy.container].cause is Cause.MOVE


def _choose(world: World, target: Target, missing: list[CopyName], rooms: Sequence[Room]) -> Choice:
    if not missing:
        return Choice({}, {})
    needs = {copy.type: need_of(target, copy.type, world.engine) for copy in missing}
    return choose_steady(missing, needs, rooms, world.limits.separate, world.flapping)


def _joined(one: Choice, two: Choice) -> Choice:
    return Choice(
        {**one.hosts, **two.hosts},
        {**one.refused, **two.refused},
        {**one.why, **two.why},
        one.hopeless | two.hopeless,
    )
