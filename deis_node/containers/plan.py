"""What to do next for one copy, decided from what is wanted and what is there. PURE.

Each copy is decided alone and again and again: one step is taken, and then everything is looked
at anew. So an agent that was killed between any two steps goes on where it stopped.

Placements are immutable but for their `state`; a container whose fingerprint differs from its
placement's is therefore something that no leader of ours asks for, and is replaced only when a
trusted store says that it shall run.
"""

from dataclasses import dataclass

from deis_node.cluster.records import NATIVE, Placement, PlacementState
from deis_node.cluster.tenure import ALWAYS, Tenure
from deis_node.containers import spec
from deis_node.docker.model import State


@dataclass(frozen=True, slots=True)
class Present:
    """The container that bears the copy's name, as the Docker Engine shows it."""

    id: str
    ours: bool
    """Whether it carries this platform's label; a foreign one is never touched."""
    state: State
    fingerprint: str = ""
    """What its placement asked for when it was made, see `marks.fingerprint`."""
    run: str = ""
    """Of a one-off command: the uuid of the placement that it was made for."""
    error: str = ""
    """Why the engine could not start it; empty otherwise."""
    hangs: bool = False
    """Whether its liveness check says that this run must end."""
    adopted: bool = False
    """Whether another scheduling engine has made it, which also starts it again and removes it."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the next step of one copy depends on."""

    wanted: Placement | None
    fingerprint: str
    """Of the wanted placement; empty without one."""
    present: Present | None
    trusted: bool
    """Whether the absence of a placement may be believed (rule 2)."""
    may_start: bool
    """Whether containers may be started now; not right after the host's boot without a store."""
    resume_at: float
    """When the copy may be made or started again after an exit or a failure."""
    now: float
    """Seconds, by the clock of `resume_at`."""
    default_grace: float = 30.0
    """Seconds between SIGTERM and SIGKILL without a placement that says so."""
    tenure: Tenure = ALWAYS
    """For how long what must be alone may run here."""
    prepared: bool = False
    """Whether image and port are ready for another engine to make the container."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do, at least until then (None: until something changes)."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """Make the container, with its image, config and port, and start it."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Have image and port ready, for another scheduling engine to make the container."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a container that exists."""

    id: str


@dataclass(frozen=True, slots=True)
class Stop:
    """SIGTERM, and after `grace` seconds SIGKILL."""

    id: str
    grace: float


@dataclass(frozen=True, slots=True)
class Restart:
    """End a run that hangs, so that it is started again like one that ended by itself."""

    id: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a container that does not run."""

    id: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The copy cannot be made, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """The placement's `stop` has been carried out: nothing is left of the copy."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing is wanted and nothing is there."""


Step = Rest | Create | Prepare | Start | Stop | Restart | Remove | Refuse | Confirm | Forget

_UP = frozenset({State.RUNNING, State.PAUSED, State.RESTARTING, State.UNKNOWN})
_LINGER = 5.0
"""Seconds after the host's return for which what its routers may still lead to is not ended: one
that was cut off together with it has yet to learn where the copies are now."""
_PAUSE = 1.0
"""Seconds between two looks at what will change without a word: a container that the engine is
about to remove, a host's tenure."""


def next_step(situation: Situation) -> Step:
    """The one thing to do now."""
    wanted = situation.wanted
    if wanted is None:
        return _without_placement(situation)
    if wanted.engine != NATIVE:
        return _adopting(situation, wanted)
    return _own(situation, wanted)


def _own(situation: Situation, wanted: Placement) -> Step:
    """For a copy whose container is the agent's own."""
    present = situation.present
    if wanted.state is PlacementState.STOP:
        until = _lingers(situation, wanted)
        return _ending(situation, wanted.grace, Confirm()) if until is None else Rest(until)
    if wanted.single and situation.now >= situation.tenure.ends:
        return _yielding(situation, wanted)
    if present is None:
        return _may_run(situation, Create())
    if not present.ours:
        return Refuse("its name is taken by a container that is not of this platform")
    if _outdated(situation, present):
        return _ending(situation, wanted.grace, Create())
    if present.state in _UP:
        if present.hangs and wanted.state is PlacementState.RUN:
            return Restart(present.id)
        return Rest(situation.tenure.ends if wanted.single else None)
    if present.state in (State.DEAD, State.REMOVING):
        return _clear(situation, present)
    return _may_run(situation, Start(present.id))


def _lingers(situation: Situation, wanted: Placement) -> float | None:
    """Until when a copy that shall end goes on, because its host has only just come back."""
    present, since = situation.present, situation.tenure.since
    serves = wanted.copy.routable and not wanted.single
    if not serves or present is None or present.state not in _UP or present.hangs:
        return None
    if since is None:
        return situation.now + _PAUSE
    return since + _LINGER if situation.now < since + _LINGER else None


def _without_placement(situation: Situation) -> Step:
    """Absence is an order only from a trusted store."""
    if situation.present is None or not situation.present.ours:
        return Forget()
    if situation.present.adopted or not situation.trusted:
        return Rest()
    return _ending(situation, situation.default_grace, Forget())


def _adopting(situation: Situation, wanted: Placement) -> Step:
    """Another engine makes, starts again and removes the container; here it is only awaited.

    A run that hangs is ended all the same: nobody else knows that it does.
    """
    present = situation.present
    if wanted.state is PlacementState.STOP:
        return Rest() if present is not None else Confirm()
    if present is None:
        return Rest() if situation.prepared else _may_run(situation, Prepare())
    if present.state is State.CREATED and present.error:
        return Refuse(spec.explain(present.error, wanted))
    if present.state in _UP and present.hangs and wanted.state is PlacementState.RUN:
        return Restart(present.id)
    return Rest()


def _yielding(situation: Situation, wanted: Placement) -> Step:
    """A copy that must be alone ends when the host may have been given up."""
    present = situation.present
    if present is None or not present.ours or present.state not in _UP:
        return Rest(situation.now + _PAUSE)
    return Stop(present.id, situation.tenure.grace(wanted.grace, situation.now))


def _ending(situation: Situation, grace: float, end: Step) -> Step:
    """Stop, remove, and then `end`."""
    present = situation.present
    if present is None or not present.ours:
        return end
    if present.state in _UP:
        return Stop(present.id, grace)
    return _clear(situation, present)


def _clear(situation: Situation, present: Present) -> Step:
    if present.state is State.REMOVING:
        return Rest(situation.now + _PAUSE)
    return Remove(present.id)


def _outdated(situation: Situation, present: Present) -> bool:
    wanted = situation.wanted
    runs = wanted is not None and wanted.state is PlacementState.RUN
    return runs and situation.trusted and present.fingerprint != situation.fingerprint


def _may_run(situation: Situation, step: Step) -> Step:
    """The step, unless it must wait; a withdrawn copy is not brought back."""
    wanted = situation.wanted
    if wanted is None or wanted.state is not PlacementState.RUN or not situation.may_start:
        return Rest()
    if wanted.single and not situation.tenure.may_start(situation.now):
        return Rest(situation.now + _PAUSE)
    if situation.now < situation.resume_at:
        return Rest(situation.resume_at)
    return step
