"""When an ended container is started again, and a failed one made again. PURE.

An exit is followed by a restart after a pause that doubles; a copy that ran steadily has its
earlier exits forgiven; one that ends too often within a window is crashed and is tried only now
and then, until it runs steadily again.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Policy:
    """The figures of restarts, all times in seconds; see `settings.RunnerSettings`."""

    first: float = 0.1
    longest: float = 30.0
    steady: float = 60.0
    crashes: int = 5
    window: float = 60.0
    pause: float = 60.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """What is remembered of a copy's exits."""

    count: int = 0
    """Exits so far."""
    exits: tuple[float, ...] = ()
    """When it ended within the window, oldest first."""
    pause: float = 0.0
    """Seconds of the last pause; 0 before the first exit and after a steady run."""
    crashed: bool = False
    resume_at: float = 0.0
    """When it may be started again."""


def after_exit(state: Restarts, policy: Policy, *, ran: float, now: float) -> Restarts:
    """What is remembered after an exit at `now` that followed a run of `ran` seconds."""
    if ran >= policy.steady:
        state = Restarts(count=state.count)
    recent = tuple(at for at in state.exits if now - at < policy.window)
    exits = (*recent, now)[-policy.crashes :]
    crashed = state.crashed or len(exits) >= policy.crashes
    doubled = min(max(policy.first, state.pause * 2), policy.longest)
    pause = policy.pause if crashed else doubled
    return Restarts(
        count=state.count + 1, exits=exits, pause=pause, crashed=crashed, resume_at=now + pause
    )


@dataclass(frozen=True, slots=True)
class Failures:
    """What is remembered of attempts to make a container."""

    since: float | None = None
    """When the first of the attempts since the last success failed."""
    pause: float = 0.0
    resume_at: float = 0.0


def after_failure(state: Failures, *, first: float, longest: float, now: float) -> Failures:
    """What is remembered after an attempt that failed at `now`; pauses in seconds."""
    pause = min(max(first, state.pause * 2), longest)
    since = now if state.since is None else state.since
    return replace(state, since=since, pause=pause, resume_at=now + pause)
