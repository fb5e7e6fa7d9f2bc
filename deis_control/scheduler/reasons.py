"""Why a copy is not yet where it shall be, or still where it shall not, for people. PURE.

The same questions as the planner's, asked of one copy each: what it waits for now. Who asks is any
controller, not only the leader, so nothing here depends on deadlines that only the leader knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deis_control.scheduler.displaced import succeeds
from deis_control.scheduler.judge import Stage, progress_text, stage_of
from deis_control.scheduler.routers import barrier
from deis_control.scheduler.standing import Standing, refusal, standing
from deis_control.scheduler.timing import Timing
from deis_control.scheduler.world import Cause, Displacement, Placed, World
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import PlacementState

OLD_DATABASE = "PostgreSQL is older than the cluster's store, so nothing is removed"
GONE = "its app is gone, and it goes too"


@dataclass(frozen=True, slots=True)
class Reasons:
    """What an app's copies wait for."""

    waits: Mapping[str, str] = field(default_factory=dict)
    """Container name → why; none of a copy that is as it shall be."""
    missing: Mapping[CopyName, str] = field(default_factory=dict)
    """Wanted copies that are on no host, and why."""


def reasons(world: World, *, busy: bool) -> Reasons:
    """What the copies of one app wait for.

    `busy` says that an operation is under way: what is wanted then only the leader knows.
    """
    stand = standing(world, world.target) if world.target is not None and not busy else None
    texts = {name: _of(world, stand, item, busy=busy) for name, item in world.placed.items()}
    waits = {name: text for name, text in texts.items() if text is not None}
    return Reasons(waits, _missing(stand) if stand is not None else {})


def _of(world: World, stand: Standing | None, item: Placed, *, busy: bool) -> str | None:
    name = item.copy.container
    if item.placement.state is PlacementState.STOP:
        return _ending(world, item)
    if item.placement.state is PlacementState.WITHDRAW:
        return _withdrawn(world, item)
    if world.target is None and not busy:
        return GONE if world.may_remove else OLD_DATABASE
    if name in world.waiting:
        return world.waiting[name]
    if name in world.displaced:
        return _displaced(world, stand, item, busy=busy)
    if stand is None:
        return None
    if item.copy not in stand.target.copies:
        return _unwanted(world, stand, item)
    return _coming(world, item)


def _ending(world: World, item: Placed) -> str:
    if item.host in world.lost:
        return f"{item.host} is lost and cannot confirm its end"
    return f"{item.host} ends it"


def _withdrawn(world: World, item: Placed) -> str:
    """The routers' word, or the requests that it still carries."""
    revision = world.route.revision if world.route is not None else item.revision
    waiting = barrier(world, max(revision, item.revision), Timing(world.now, {})).waiting
    if waiting:
        return f"waiting for {', '.join(waiting)} to confirm that it gets no more requests"
    instance = world.instance_of(item)
    if instance is None or any(instance.address in router.draining for router in world.routers):
        return "requests may be in flight on it"
    return "it is about to be told to end"


def _displaced(world: World, stand: Standing | None, item: Placed, *, busy: bool) -> str:
    """Why it is not made again elsewhere, or does not go yet."""
    found = world.displaced[item.copy.container]
    heirs = [other for other in world.placed.values() if other.runs and succeeds(other, item)]
    if heirs:
        return f"{found.sentence}; {progress_text(world, heirs[0].copy)}"
    return f"{found.sentence}; {_held(world, stand, item, found, busy=busy)}"


def _held(
    world: World, stand: Standing | None, item: Placed, found: Displacement, *, busy: bool
) -> str:
    planned = found.cause is not Cause.LOST
    if planned and not world.may_remove:
        return OLD_DATABASE
    if planned and busy:
        return "it moves when the change of its app that is under way is over"
    if stand is None:
        return "it is made again elsewhere"
    for copy, text in stand.stuck.items():
        if stand.line.before[copy].copy == item.copy:
            return text
    why = refusal(world, stand, item.copy) if item.copy in stand.target.copies else None
    if why is not None:
        return f"no host takes {item.copy.process}: {why}"
    return "it is about to be made again elsewhere"


def _unwanted(world: World, stand: Standing, item: Placed) -> str:
    if not world.may_remove:
        return OLD_DATABASE
    heir = stand.line.heirs.get(item.copy)
    if heir is not None and stage_of(world, heir) is not Stage.SERVING:
        return f"it ends when its successor serves; {progress_text(world, heir)}"
    return "it is not wanted any more, and ends when the wanted copies serve"


def _coming(world: World, item: Placed) -> str | None:
    """What lies between a wanted copy and its first request, but for what its phase says."""
    match stage_of(world, item.copy):
        case Stage.PLACED:
            return f"{item.host} has not taken it up yet"
        case Stage.READY:
            return "it is healthy; its address is about to be published"
    return None


def _missing(stand: Standing) -> dict[CopyName, str]:
    """The wanted copies without a placement."""
    found = dict.fromkeys(stand.choice.hosts, "it is about to be placed")
    found |= {copy: f"no host takes it: {why}" for copy, why in stand.choice.refused.items()}
    for copy, gate in stand.closed.items():
        rivals = ", ".join(f"{item.copy.process} on {item.host}" for item in gate.closed)
        found[copy] = f"there must never be two: {rivals} must have ended first"
    return {copy: text for copy, text in found.items() if copy not in stand.line.before}
