"""What to do next about one one-off command. PURE.

Its host starts it at most once; here is decided that it is placed at most once, that somebody
ends it in time, and that it ends with its result or with the reason why there is none.
"""

from dataclasses import dataclass

from deis_control.db.runs import OpenRun
from deis_control.model import RunState
from deis_control.scheduler.world import Placed
from deis_node.cluster.records import Instance, Phase, PlacementState


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How long what may take; all in seconds."""

    run: float = 1200
    """To wait for a host, and then to run."""
    pickup: float = 60
    """Until there is a host, until it has taken notice, and for its record to be missing."""
    pull: float = 1200
    """For the image to arrive."""
    stop: float = 90
    """From the word that it shall end to the host's answer."""


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One command as the leader sees it."""

    run: OpenRun
    placed: Placed | None
    instance: Instance | None
    same_life: bool
    """Whether the store is in the life in which the command was placed, so that nothing of it
    can be lost."""
    silent: float
    """For how many seconds its host's record has been missing; 0 while it is there."""
    ending: float
    """For how many seconds it has been told to end; 0 while it is not."""


@dataclass(frozen=True, slots=True)
class Take:
    """Choose a host, and fix it."""


@dataclass(frozen=True, slots=True)
class Put:
    """Place it on the host that was fixed."""


@dataclass(frozen=True, slots=True)
class NoteStart:
    """Note that it runs."""


@dataclass(frozen=True, slots=True)
class End:
    """Have its host end it and hand over what there is."""

    reason: str


@dataclass(frozen=True, slots=True)
class Collect:
    """Fetch the result that its host has handed over."""


@dataclass(frozen=True, slots=True)
class Fail:
    """It has failed, and there is no result to come."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """It has failed, if the store itself confirms that it does not hold it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do, at least for so many seconds unless something changes."""

    seconds: float


Step = Take | Put | NoteStart | End | Collect | Fail | Lost | Wait

DESTROYED = "the app was destroyed"
_UNKNOWN = "whether the command ran is not known"


def plan_run(seen: RunSeen, limits: RunLimits) -> Step:
    """The one thing to do now."""
    run = seen.run
    if run.state is RunState.QUEUED:
        return _queued(run, limits)
    if seen.placed is None:
        return _not_placed(seen, limits)
    if seen.instance is not None and seen.instance.phase is Phase.ENDED:
        return Collect()
    if run.reason:
        return _ending(seen, seen.placed, limits)
    if run.destroying:
        return End(DESTROYED)
    if seen.silent >= limits.pickup:
        return Fail(f"{run.process}: {run.host} does not answer any more; {_UNKNOWN}")
    return _under_way(seen, limits)


def _queued(run: OpenRun, limits: RunLimits) -> Step:
    if run.destroying:
        return Fail(DESTROYED)
    if run.waited >= limits.run:
        return Fail(f"{run.process} was not taken up within {limits.run:g} s")
    return Take()


def _not_placed(seen: RunSeen, limits: RunLimits) -> Step:
    """Fixed, but not in the store: not yet, or not any more."""
    run = seen.run
    if run.ran is None and not run.reason and seen.same_life:
        if run.destroying:
            return Fail(DESTROYED)
        if (run.placed or 0.0) < limits.pickup:
            return Put()
    return Lost(f"{run.process}: the cluster's store lost it; {_UNKNOWN}")


def _ending(seen: RunSeen, placed: Placed, limits: RunLimits) -> Step:
    """Told to end, or about to be."""
    reason = seen.run.reason
    if placed.placement.state is PlacementState.RUN:
        return End(reason)
    left = limits.stop - seen.ending
    if left <= 0:
        return Fail(f"{reason}; {placed.host} does not answer")
    return Wait(left)


def _under_way(seen: RunSeen, limits: RunLimits) -> Step:
    """On its host, and wanted there: the deadline that it may miss."""
    run, instance = seen.run, seen.instance
    if run.ran is not None:
        spent, allowed, words = run.ran, limits.run, "was stopped after"
    elif instance is not None and instance.phase is Phase.RUNNING:
        return NoteStart()
    elif instance is None:
        spent, allowed = run.placed or 0.0, limits.pickup
        words = f"was not taken up by {run.host} within"
    else:
        spent, allowed = run.placed or 0.0, limits.pull + limits.pickup
        words = f"was not started by {run.host} within"
    if spent >= allowed:
        return End(f"{run.process} {words} {allowed:g} s")
    silence = limits.pickup - seen.silent if seen.silent else allowed
    return Wait(min(allowed - spent, silence))
