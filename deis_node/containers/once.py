"""What to do next for a one-off command: it is started at most once, whatever is killed. PURE.

Everything that could start it a second time is decided against: a container that is gone, one
whose start was interrupted, a store that cannot be trusted right now. Then the command is over,
and the reason is handed over in the place of a result. How it leaves the host when its placement
says `stop`, or is gone, is as for every copy (`plan`).
"""

from dataclasses import dataclass

from deis_node.cluster.records import PlacementState
from deis_node.containers import plan
from deis_node.containers.plan import Present, Rest, Stop
from deis_node.docker.model import State

SETTLE = 10.0
"""Seconds for an interrupted start to show whether it took place."""

LOST = "its container is gone from the host"
INTERRUPTED = "its start was interrupted; whether it ran is not known"
NOT_STARTED = "it was not started"
NO_CODE = "the Docker Engine was interrupted; how it ended is not known"
TAKEN = "its name is taken by a container that is not of this platform"

_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class OneOff:
    """All that the next step of a command with a placement depends on."""

    state: PlacementState
    """`run` or `withdraw`."""
    uuid: str
    """Of the placement."""
    grace: float
    present: Present | None
    trusted: bool
    """Whether the store is trusted now."""
    begun: bool
    """Whether its container may have been started, as noted before each start."""
    over: str | None
    """Why there will be no result, once that is known."""
    unclear: float
    """For how many seconds its container has been there, begun and not started."""
    resume_at: float
    now: float


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the container, and do not start it."""


@dataclass(frozen=True, slots=True)
class StartOnce:
    """Note that the command begins, and start its container."""

    id: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """The command is over: hand its result to the leader, and keep the container until then."""

    id: str | None
    """The container that has the result; None when there is none."""
    error: str | None = None
    """Why there is none."""


Step = plan.Step | Prepare | StartOnce | HandOver

_UP = frozenset({State.RUNNING, State.PAUSED, State.RESTARTING, State.UNKNOWN})


def next_step(run: OneOff) -> Step:
    """The one thing to do now."""
    present = run.present
    if run.over is not None:
        return HandOver(None, run.over)
    if present is None:
        return HandOver(None, LOST) if run.begun else _may_begin(run, Prepare())
    if not present.ours:
        return HandOver(None, TAKEN)
    if present.run != run.uuid:
        return _clear(run, present)
    if present.state in _UP:
        ending = run.state is not PlacementState.RUN
        return Stop(present.id, run.grace) if ending else Rest()
    if present.state is State.REMOVING:
        return Rest(run.now + _PAUSE)
    if present.state is not State.CREATED:
        return HandOver(present.id)
    if run.begun:
        unclear = run.unclear < SETTLE
        return Rest(run.now + _PAUSE) if unclear else HandOver(None, INTERRUPTED)
    return _may_begin(run, StartOnce(present.id))


def _may_begin(run: OneOff, step: Step) -> Step:
    """The step, if the leader certainly still wants it."""
    if run.state is not PlacementState.RUN:
        return HandOver(None, NOT_STARTED)
    if not run.trusted:
        return Rest()
    return Rest(run.resume_at) if run.now < run.resume_at else step


def _clear(run: OneOff, present: Present) -> Step:
    """Remove the container of an earlier command that had the same name."""
    if present.state in _UP:
        return Stop(present.id, run.grace)
    if present.state is State.REMOVING:
        return Rest(run.now + _PAUSE)
    return plan.Remove(present.id)
