"""Deadlines without a clock: since when each condition holds, folded through decisions. PURE."""

from collections.abc import Mapping


class Timing:
    """The timers of one decision.

    A condition asked about keeps its start from the decision before, or starts now; one that is
    not asked about is forgotten, so that it starts anew when it comes back.
    """

    def __init__(self, now: float, before: Mapping[str, float]) -> None:
        self.now = now
        self._before = before
        self.timers: dict[str, float] = {}
        """The starts for the next decision."""
        self.wake: float | None = None
        """The earliest moment at which an answer of `past` changes by itself."""

    def past(self, condition: str, seconds: float) -> bool:
        """Whether the condition, which holds now, has held for so many seconds."""
        start = self._before.get(condition, self.now)
        self.timers[condition] = start
        return self.reached(start + seconds)

    def reached(self, moment: float) -> bool:
        """Whether the moment has come."""
        if self.now >= moment:
            return True
        self.wake = moment if self.wake is None else min(self.wake, moment)
        return False
