"""When hosts were lost and came back, and what follows for moving their copies. PURE.

A host is lost when its record is gone, which is when its lease has ended. What is remembered
here is one process's own observation on its own monotonic clock: a leader that has not seen a
host at all counts its loss from the first time that it asks.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from deis_control.scheduler.world import Lost

WINDOW = 3
"""Times the hosts' TTL: losses within it count as one event, and for so long singles wait."""

QUIET = 60.0
"""Seconds without a loss or a return after which a loss of many hosts is over."""

LONGEST = 300.0
"""Seconds for which a loss of many hosts may hold everything back."""

FLAPS = 3
"""Losses within `FLAPPING` seconds that make a host count as flapping."""

FLAPPING = 600.0
"""Seconds in which losses are counted, and for which a flapping host is avoided after that."""

_MEMORY = 2 * FLAPPING
"""Seconds after which what happened has no say any more."""


@dataclass(frozen=True, slots=True)
class Event:
    """A host was lost or came back."""

    at: float
    host: str
    lost: bool
    alive: int
    """How many hosts were alive after it."""


class Liveness:
    """What one process has seen of the hosts; all times on its monotonic clock."""

    def __init__(self) -> None:
        self._alive: set[str] = set()
        self._lost: dict[str, Lost] = {}
        self._events: deque[Event] = deque()
        self._folded: dict[float, float | None] = {}
        """Window → the end of the last loss of many, until something happens."""

    @property
    def alive(self) -> int:
        """How many hosts there are now."""
        return len(self._alive)

    def came(self, host: str, now: float) -> None:
        """The host's record is there."""
        if host in self._alive:
            return
        self._alive.add(host)
        if self._lost.pop(host, None) is not None:
            self._note(now, host, lost=False)

    def went(self, host: str, now: float) -> None:
        """The host's record is gone."""
        if host in self._alive:
            self._alive.remove(host)
            self._lost[host] = Lost(now)
            self._note(now, host, lost=True)

    def lost(self, host: str, now: float, *, counts: bool = True) -> Lost | None:
        """Since when a host with placements is lost; None while it is alive.

        A loss that nobody here has seen begins now, and counts as one if copies shall run there:
        a host that was given up long ago is no news.
        """
        if host in self._alive:
            return None
        if host not in self._lost:
            self._lost[host] = Lost(now, witnessed=False)
            if counts:
                self._note(now, host, lost=True)
        return self._lost[host]

    def doubt(self, now: float, hosts: Collection[str] | None = None) -> None:
        """Lost hosts, these or all, may have been back for a moment, and lost again."""
        for host in [*self._lost] if hosts is None else self._lost.keys() & hosts:
            self._lost[host] = replace(self._lost[host], surely=now)

    def missing(self, now: float, within: float) -> bool:
        """Whether a host was lost in the last so many seconds and is not back."""
        return any(now - lost.since < within for lost in self._lost.values())

    def held_until(self, now: float, ttl: float) -> float | None:
        """Until when nothing moves because many hosts vanished at once; None when it may."""
        window = WINDOW * ttl
        if window not in self._folded:
            self._folded[window] = hold_of(self._events, window)
        until = self._folded[window]
        return until if until is not None and now < until else None

    def flapping(self, now: float) -> frozenset[str]:
        """The live hosts that were lost again and again and came back a short while ago."""
        if len(self._events) < FLAPS:
            return frozenset()
        return flapping(self._events, now) & self._alive

    def _note(self, now: float, host: str, *, lost: bool) -> None:
        while self._events and now - self._events[0].at >= _MEMORY:
            self._events.popleft()
        self._events.append(Event(now, host, lost, len(self._alive)))
        self._folded.clear()


def hold_of(events: Iterable[Event], window: float) -> float | None:
    """The end of the last loss of many hosts, which holds everything back; None without one.

    It begins when more than one host and more than a third of them are lost within the window,
    and ends `QUIET` seconds after the last loss or return, at most `LONGEST` after its beginning.
    Losses from before the end of one do not count for the next.
    """
    began, until, floor = 0.0, None, float("-inf")
    lost: dict[str, float] = {}
    for event in events:
        if until is not None and event.at >= until:
            floor, until = until, None
        if event.lost:
            lost[event.host] = event.at
        else:
            lost.pop(event.host, None)
        if until is not None:
            until = min(event.at + QUIET, began + LONGEST)
        elif event.lost:
            recent = sum(at >= max(event.at - window, floor) for at in lost.values())
            if recent > 1 and 3 * recent > event.alive + recent:
                began, until = event.at, event.at + QUIET
    return until


def flapping(events: Collection[Event], now: float) -> frozenset[str]:
    """Hosts that were lost `FLAPS` times before their last return, which is not long ago."""
    back = {event.host: event.at for event in events if not event.lost}
    losses = Counter(
        event.host
        for event in events
        if event.lost and 0 <= back.get(event.host, event.at - 1) - event.at <= FLAPPING
    )
    return frozenset(
        host for host, at in back.items() if losses[host] >= FLAPS and now < at + FLAPPING
    )
