"""What became of the messages: counted for one logger, and for the process' metrics page."""

from collections.abc import Mapping
from enum import StrEnum

from deis_node.runtime import metrics

_MESSAGES = metrics.counter(
    "deis_logger_messages_total", "Messages that the logger received, by outcome.", ["outcome"]
)


class Outcome(StrEnum):
    """What can become of a message."""

    STORED = "stored"
    REPEATED = "repeated"
    """It was sent again, and was here already."""
    LATE = "late"
    """It is older than its app's deletion."""
    LOST = "lost"
    """Its app's file could not be written."""
    UNREADABLE = "unreadable"
    DROPPED = "dropped"
    """It was a datagram, and there was no room."""


class Counts:
    """Counts outcomes."""

    def __init__(self) -> None:
        self._numbers = dict.fromkeys(Outcome, 0)

    def add(self, outcome: Outcome, number: int = 1) -> None:
        """Count so many messages."""
        self._numbers[outcome] += number
        _MESSAGES.labels(outcome).inc(number)

    def snapshot(self) -> Mapping[Outcome, int]:
        """The numbers since the start."""
        return dict(self._numbers)
