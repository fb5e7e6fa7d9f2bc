"""What to do about one app: from its world to steps, a phase and a sentence. PURE.

A ladder: the first rung that finds something to do or to wait for decides. Nothing is remembered
between two decisions but the starts of deadlines, so a new leader goes on where the last one
stopped, and a step that was lost or refused is decided anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from deis_control.model import CANCELLED, OpPhase
from deis_control.scheduler.batches import batches, way_back
from deis_control.scheduler.judge import Stage, asked_delay, failure_of, progress_of, stage_of
from deis_control.scheduler.retire import Retirement, retire, serving_endpoints
from deis_control.scheduler.routers import Barrier, barrier
from deis_control.scheduler.standing import Standing, standing
from deis_control.scheduler.steps import DropMove, DropRoute, PutRoute, Step
from deis_control.scheduler.timing import Timing
from deis_control.scheduler.world import Placed, Routed, Target, World
from deis_node.cluster.names import CopyName, in_order

BEHIND = (
    "what ran before runs on, without requests: the database is older than the cluster's store, "
    "which an administrator must look at (deisctl database status)"
)
"""What people are told of a change while nothing may be removed."""


class End(StrEnum):
    """How an operation came to its end."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided for one look at one app."""

    steps: tuple[Step, ...]
    phase: OpPhase
    sentence: str
    """Why, for people."""
    end: End | None = None
    """Set when the app is as its operation wants it, or never will be."""
    notes: tuple[str, ...] = ()
    """What people must be told beside the phase, each once."""
    timers: Mapping[str, float] = field(default_factory=dict)
    """For the next decision."""
    wake: float | None = None
    """When to look again, if nothing changes before."""


def plan_app(world: World) -> Decision:
    """The decision for an app."""
    timing = Timing(world.now, world.timers)
    if world.target is None:
        decision = _removal(world, timing)
    else:
        stand = standing(world, world.target)
        target = stand.target
        decision = _rollout(replace(world, target=target), target, stand, timing)
    if world.reconsider is not None:
        timing.reached(world.reconsider)
    return replace(decision, timers=timing.timers, wake=timing.wake)


def _rollout(world: World, target: Target, stand: Standing, timing: Timing) -> Decision:
    """Up before down, and traffic moves between the two."""
    if not world.may_remove and target.at_rest and _routes_another(world, target):
        held = f"{world.app} stays as it is while the database is behind the store"
        return Decision((), OpPhase.DONE, held, End.DONE)
    forward = _committed(world, target)
    if not forward:
        reason = _failure(world, target, timing)
        if reason is not None:
            return _failed(world, target, reason)
    decision = _in_batches(world, stand, timing, forward=forward)
    decision = _with_leaving(world, stand, timing, decision)
    return _with_moves(world, stand, timing, decision)


def _in_batches(world: World, stand: Standing, timing: Timing, *, forward: bool) -> Decision:
    """What the first batch that is not through needs, or the last one's end."""
    notes: tuple[str, ...] = ()
    for batch in batches(world, stand.target, stand.closed, forward=forward):
        decision = _bring_up(world, stand.within(batch.target), timing, forward=forward)
        if decision is None and batch.moves:
            decision = _switch(world, batch.target, timing)
        if decision is None:
            continue
        notes = (*notes, *decision.notes)
        if batch.is_last or decision.end is not End.DONE:
            told = decision.sentence if decision.end else batch.told(decision.sentence)
            return replace(decision, sentence=told, notes=notes)
    raise AssertionError("the last batch moves traffic")


def _failed(world: World, target: Target, reason: str) -> Decision:
    """The end of an operation that failed, once all traffic is back where it was."""
    back = way_back(world, target)
    if back is None:
        return Decision((), OpPhase.FAILED, reason, End.FAILED)
    names = _names(back.route.releases)
    told = f"traffic goes back to {names}: {reason.partition(chr(10))[0]}"
    return Decision((back,), OpPhase.PUBLISHED, told)


def _routes_another(world: World, target: Target) -> bool:
    """Whether the store serves another release than the database wants."""
    named = world.route.route.releases if world.route else {}
    return bool(named) and named != target.route.releases


def _committed(world: World, target: Target) -> bool:
    """Whether traffic has begun to move, so that the way out is forward."""
    if target.new_release:
        return world.route is not None and world.route.route.releases == target.route.releases
    found = (world.of(copy) for copy in target.old)
    return any(placed is None or not placed.runs for placed in found)


def _failure(world: World, target: Target, timing: Timing) -> str | None:
    """Why the operation has failed, if it has."""
    if world.cancel:
        return CANCELLED
    reasons = [failure_of(world, copy, timing) for copy in in_order(target.fresh)]
    return next((reason for reason in reasons if reason is not None), None)


def _bring_up(world: World, stand: Standing, timing: Timing, *, forward: bool) -> Decision | None:
    """Place what is missing and wait until it serves; None when traffic may move."""
    choice = stand.choice
    refused = {copy: why for copy, why in choice.refused.items() if copy not in stand.stuck}
    away = world.missing or world.lost  # One that is only lost for the moment may fit.
    hopeless = next((c for c in refused if c in choice.hopeless and not away), None)
    if hopeless is not None and stand.target.fresh:
        sentence = f"no host takes {hopeless.process}: {refused[hopeless]}"
        return _no_host(world, timing, sentence, hopeless=True)
    if choice.hosts:
        steps = tuple(
            stand.place(copy, host, choice.why[copy]) for copy, host in choice.hosts.items()
        )
        placing = ", ".join(f"{step.copy.process} on {step.host}" for step in steps[:5])
        return Decision(steps, OpPhase.PLACING, f"placing {placing}")
    for copy, reason in refused.items():
        sentence = f"no host takes {copy.process}: {reason}"
        return _no_host(world, timing, sentence, hopeless=copy == hopeless)
    if forward:
        return None
    return _awaited(world, stand, timing)


def _no_host(world: World, timing: Timing, sentence: str, *, hopeless: bool) -> Decision:
    """Wait for a host; an operation does so for a while only, and not when none can come free."""
    whole = world.target
    assert whole is not None, "copies are placed for a target"
    overdue = timing.past("no-host", world.limits.pickup) or hopeless
    if whole.fresh and overdue and not _committed(world, whole):
        return _failed(world, whole, sentence)
    return Decision((), OpPhase.PLACING, sentence)


def _awaited(world: World, stand: Standing, timing: Timing) -> Decision | None:
    """Wait for the copies that must serve before traffic moves.

    Single ones cannot serve before those have ended that they replace.
    """
    target = stand.target
    moves = world.route is None or world.route.route.releases != target.route.releases
    asked = target.copies if moves else target.fresh
    stages = {copy: stage_of(world, copy) for copy in asked}
    whole = moves and not _comes_back(world, target, stages)
    must = (target.copies if whole else target.fresh) - stand.closed.keys()
    behind = in_order(copy for copy in must if stages[copy] < Stage.SERVING)
    if not target.fresh and behind and timing.past("unready", world.limits.deploy):
        behind = [] if _some_serve(target, stages) else behind
    if behind:
        unready = any(stages[copy] < Stage.READY for copy in behind)
        phase = OpPhase.STARTING if unready else OpPhase.HEALTHY
        return Decision((), phase, progress_of(world, behind))
    return None


def _comes_back(world: World, target: Target, stages: Mapping[CopyName, Stage]) -> bool:
    """Whether a part of the traffic is still elsewhere, and some copies can take it all.

    So it is when a leader ended in the middle of an operation that failed.
    """
    named = world.route.route.releases if world.route else {}
    mine = any(release in named for release in target.route.releases)
    return not target.new_release and mine and _some_serve(target, stages)


def _some_serve(target: Target, stages: Mapping[CopyName, Stage]) -> bool:
    """Whether at least one wanted copy takes requests, if any could."""
    routable = [copy for copy in target.copies if copy.routable]
    return not routable or any(stages[copy] is Stage.SERVING for copy in routable)


def _switch(world: World, target: Target, timing: Timing) -> Decision:
    """Write the route if it is not as wanted, and wait until the routers serve it."""
    newest = max(
        (
            world.endpoints[c.container].revision
            for c in target.fresh
            if c.container in world.endpoints
        ),
        default=0,
    )
    route = world.route
    if route is None or route.route != target.route or route.revision < newest:
        step = PutRoute(target.route, route.revision if route else 0, serving_endpoints(world))
        return Decision((step,), OpPhase.PUBLISHED, _switch_text(target))
    if target.at_rest:
        return Decision((), OpPhase.DONE, f"{world.app} is as it should be", End.DONE)
    return _routed(world, target, route, timing)


def _switch_text(target: Target) -> str:
    names = _names(target.route.releases)
    return f"the routers shall serve {names}" if names else "the routers shall know the app"


def _names(releases: Mapping[str, int]) -> str:
    """`v1 and v2`, or with their shares `v1 (2 of 5) and v2 (3 of 5)`."""
    served = sorted((int(release), weight) for release, weight in releases.items() if weight)
    if len(served) < 2:
        return "".join(f"v{release}" for release, _ in served)
    whole = sum(weight for _, weight in served)
    return " and ".join(f"v{release} ({weight} of {whole})" for release, weight in served)


def _routed(world: World, target: Target, route: Routed, timing: Timing) -> Decision:
    if world.awaited < route.revision:
        step = PutRoute(route.route, route.revision, ())
        return Decision((step,), OpPhase.PUBLISHED, _switch_text(target))
    passed = barrier(world, route.revision, timing)
    if not passed.settled:
        waiting = f"waiting for {', '.join(passed.waiting)} to serve it"
        return Decision((), OpPhase.ROUTED, waiting)
    return Decision((), OpPhase.DONE, "done", End.DONE, _late(passed))


def _late(passed: Barrier | None) -> tuple[str, ...]:
    late = passed.late if passed else ()
    return tuple(f"{name} has not confirmed the change, going on without it" for name in late)


def _with_leaving(world: World, stand: Standing, timing: Timing, decision: Decision) -> Decision:
    """Let those leave that are not wanted: all of them once the wanted ones serve."""
    target = stand.target
    # Wanted copies that were told to end all the same go too, and are placed again.
    leaving = [p for p in world.placed.values() if not p.runs or p.copy not in target.copies]
    leaving = [placed for placed in leaving if not stand.keeps(world, placed)]
    if not leaving or decision.end is End.FAILED:
        return decision
    if not world.may_remove:
        again = [placed for placed in leaving if _made_again(target, placed)]
        if again != leaving:
            kept = "nothing is removed while the database is behind the store"
            notes = (*decision.notes, BEHIND)
            decision = replace(decision, sentence=f"{decision.sentence}; {kept}", notes=notes)
        leaving = again
        if not leaving:
            return decision
    done = decision.end is End.DONE
    sure = done and not _unsure(world, target, leaving)
    settled = sure and _others_serve(world, target)
    awaited = _going_at_once(world, stand, leaving) if sure else stand.awaited if done else ()
    leave = retire(world, leaving, timing, settled=settled, awaited=awaited)
    if done:
        retiring = _retiring(decision, leave)
        return retiring if settled else _held(world, retiring, decision, leave, timing)
    if _writes_route(decision.steps) and _writes_route(leave.steps):
        return decision
    if decision.phase is OpPhase.ROUTED and leave.barrier is not None:
        return _retiring(decision, leave)
    return replace(decision, steps=(*leave.steps, *decision.steps))


def _made_again(target: Target, placed: Placed) -> bool:
    """Whether the change makes the very copy anew, as a restart does: it is no removal."""
    old = placed.copy
    heirs = (copy for copy in target.fresh if copy.generation > old.generation)
    return old in target.old and any(
        replace(heir, generation=old.generation) == old for heir in heirs
    )


def _unsure(world: World, target: Target, leaving: list[Placed]) -> bool:
    """Whether routers may still know a route with some of the copies that leave.

    At rest nobody has waited for them since the traffic of a failed operation was given back.
    """
    named = world.route.route.releases if world.route else {}
    others = (placed for placed in leaving if str(placed.copy.release) not in named)
    return target.at_rest and any(placed.runs for placed in others)


def _with_moves(world: World, stand: Standing, timing: Timing, decision: Decision) -> Decision:
    """What moves of copies to other hosts add: wishes to forget, and things to come back to."""
    if decision.end is not End.DONE:
        return replace(decision, steps=(*decision.steps, *stand.drop_moves))
    behind = {copy: failure_of(world, copy, timing) for copy in stand.singles_behind(world)}
    hopeful = [copy for copy, reason in behind.items() if reason is None]
    there = (world.of(copy) for copy in hopeful)
    delays = (asked_delay(placed.placement) for placed in there if placed is not None)
    patience = 2 * world.limits.deploy + max(delays, default=0)
    if hopeful and not timing.past("single", patience):
        sentence = f"waiting for {progress_of(world, hopeful)}"
        return Decision(decision.steps, OpPhase.RETIRING, sentence, notes=decision.notes)
    failed = (reason or f"{copy.process} is not up yet" for copy, reason in behind.items())
    notes = (*decision.notes, *failed)
    decision = replace(decision, steps=(*decision.steps, *stand.drop_moves), notes=notes)
    pending = [*stand.stuck.values(), *world.waiting.values()]
    if stand.target.at_rest and (stand.stuck or world.reconsider is not None):
        sentence = pending[0] if pending else f"copies of {world.app} wait to be moved"
        return replace(decision, end=None, sentence=sentence)
    return decision


def _writes_route(steps: tuple[Step, ...]) -> bool:
    """Whether the steps hold the one write of the route that a transaction may have."""
    return any(isinstance(step, PutRoute) for step in steps)


def _others_serve(world: World, target: Target) -> bool:
    """Whether somebody is left to serve when those go that are not wanted."""
    stages = {copy: stage_of(world, copy) for copy in target.copies}
    return target.new_release or _some_serve(target, stages)


def _going_at_once(world: World, stand: Standing, leaving: list[Placed]) -> set[CopyName]:
    """Those of the leaving that nobody need take over from: they surely take no requests."""
    return {*stand.awaited, *(placed.copy for placed in leaving if _is_silent(world, placed))}


def _is_silent(world: World, placed: Placed) -> bool:
    if not placed.copy.routable:
        return True
    instance = world.instance_of(placed)
    return instance is not None and not instance.ready and world.endpoint_of(placed.copy) is None


def _held(
    world: World, retiring: Decision, done: Decision, leave: Retirement, timing: Timing
) -> Decision:
    """An operation that asks for less waits only a while for a wanted copy that serves.

    Then it ends, and what serves in its place stays: the app at rest removes it, once another
    copy takes requests.
    """
    at_rest = world.target is None or world.target.at_rest
    if retiring.end or at_rest or not timing.past("unserved", world.limits.deploy):
        return retiring
    names = ", ".join(sorted(placed.copy.process for placed in leave.serving)[:5])
    note = f"{names} still there: no other copy takes requests"
    return replace(done, steps=leave.steps, notes=(*retiring.notes, note))


def _retiring(decision: Decision, leave: Retirement) -> Decision:
    """What the rollout says while old copies leave; it is done when none of them serves."""
    notes = (*decision.notes, *_late(leave.barrier))
    if not leave.serving:
        return replace(decision, steps=leave.steps, notes=notes)
    names = ", ".join(sorted(placed.copy.process for placed in leave.serving)[:5])
    sentence = f"retiring {names}"
    return Decision(leave.steps, OpPhase.RETIRING, sentence, notes=notes)


def _removal(world: World, timing: Timing) -> Decision:
    """Nothing of the app shall stay: first its route, then its copies.

    One-off commands are ended beside this, and waited for.
    """
    leaving = list(world.placed.values())
    if not world.may_remove:
        kept = f"{world.app} stays while the database is behind the store"
        return Decision((), OpPhase.RETIRING, kept)
    leave = retire(world, leaving, timing, settled=True)
    wishes = (DropMove(name, seen.revision) for name, seen in sorted(world.moves.items()))
    steps = (*leave.steps, *wishes)
    if world.route is not None and not any(isinstance(step, DropRoute) for step in steps):
        steps = (*steps, DropRoute(world.route.revision))
    notes = _late(leave.barrier)
    if not leaving and not world.runs and not steps:
        return Decision((), OpPhase.DONE, f"nothing is left of {world.app}", End.DONE)
    only_stopping = not leave.serving and not steps
    if only_stopping and timing.past("stopping", world.limits.stop):
        return Decision((), OpPhase.DONE, "the hosts have not confirmed yet", End.DONE, notes)
    return Decision(steps, OpPhase.RETIRING, f"removing {world.app}", notes=notes)
