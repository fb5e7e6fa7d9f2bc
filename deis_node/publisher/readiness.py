"""When a copy counts as ready, given the answers to its probes. PURE."""

from dataclasses import dataclass

from deis_node.cluster.records import HealthCheck
from deis_node.publisher.settings import PublisherSettings

LONGEST_DELAY = 3600.0
"""Seconds; what a user may ask for at most as initial delay."""
_GROWTH = 1.3
"""Of the pause between questions: a slow start is noticed less than a third of its time late."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one run of a copy is asked, and where."""

    run: str
    address: str | None
    """`ip:port`; None for a copy that nobody reaches: to run is all it must."""
    health: HealthCheck | None = None
    runs_for: float | None = None
    """Seconds that a copy without an address must run; None for the setting."""


@dataclass(frozen=True, slots=True)
class State:
    """How the probing of one run stands."""

    ready: bool
    failures: int = 0
    """In a row."""
    pause: float | None = 0.0
    """Seconds before the next question; None when no more need be asked."""
    error: str | None = None


def after_answer(
    state: State, error: str | None, *, checked: bool, settings: PublisherSettings
) -> State:
    """The state after an answer (`error` says why it was not the right one).

    A copy with a health check (`checked`) goes on being asked; one without is asked until its
    port is open, for its end will be told by the Docker Engine.
    """
    if error is None:
        return State(ready=True, pause=settings.recheck if checked else None)
    failures = state.failures + 1
    ready = state.ready and failures < settings.failures
    if ready:
        pause = settings.recheck if checked else settings.first
        return State(ready=True, failures=failures, pause=pause, error=None)
    grown = 0.0 if state.ready else (state.pause or 0.0) * _GROWTH
    pause = min(max(settings.first, grown), settings.longest)
    return State(ready=False, failures=failures, pause=pause, error=error)


def first_pause(target: Target, *, adopted: bool, settings: PublisherSettings) -> float:
    """Seconds before the first question; a copy that a former agent found ready is asked now."""
    if adopted:
        return 0.0
    if target.address is None:
        asked = target.runs_for
        return settings.settle if asked is None else min(max(asked, 0.0), LONGEST_DELAY)
    delay = 0.0 if target.health is None else target.health.initial_delay
    return min(max(delay, 0.0), LONGEST_DELAY)
