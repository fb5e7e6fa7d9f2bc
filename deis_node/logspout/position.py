"""Where in a container's log we are, and how that place is found again. PURE.

The engine gives a log from a time on, entries in the order of its file. Times may repeat, and
may go back a little between stdout and stderr. So a place is the n-th entry in a row of one time,
checked by its content; and it is looked for from a little earlier on. Should two places look the
same, the earlier one is taken: then lines come twice, and none is lost.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from deis_node.docker.model import LogChunk

OVERLAP = 1.0
"""Seconds by which a log is read again before the place that is looked for."""


@dataclass(frozen=True, slots=True)
class Position:
    """The place behind an entry of a log: the `nth` in a row with its time, counted from 1."""

    time: str
    """RFC 3339 in UTC, as the engine tells it; empty: the beginning of the log."""
    nth: int
    seq: int
    """How many lines of the log were sent up to here."""
    digest: str = ""
    """Of the entry's text; empty while the text itself is here."""
    text: bytes = b""

    def advance(self, entry: LogChunk) -> "Position":
        """The place behind the next entry of the log."""
        nth = self.nth + 1 if entry.timestamp == self.time else 1
        seq = self.seq if entry.partial else self.seq + 1
        return Position(entry.timestamp, nth, seq, text=entry.line)

    def sealed(self) -> "Position":
        """With the digest in place of the text, as it is kept."""
        return self if self.digest else replace(self, digest=_digest(self.text), text=b"")


START = Position("", 0, 0)
"""The beginning of a log."""


class Seeker:
    """Finds a place in a log that is read again, and tells what comes behind it.

    Entries that are later than the place may stand before it in the file; they are held back
    until it is found. When it is not, the engine has thrown that part of its log away.
    """

    def __init__(self, place: Position) -> None:
        self._place = place.sealed()
        self._same = 0
        self._limit = shifted(place.time, OVERLAP)
        self.held: list[LogChunk] = []
        """Entries that are new if the place is not found."""
        self.found = not place.time
        self.lost = False
        """Whether the place is not there any more."""

    def feed(self, entry: LogChunk) -> list[LogChunk]:
        """Look at the next entry; what is known to be new by now."""
        if self.found or self.lost:
            return [entry]
        if entry.timestamp >= self._place.time:
            self.held.append(entry)
        self._same = self._same + 1 if entry.timestamp == self._place.time else 0
        if self._same == self._place.nth and _digest(entry.line) == self._place.digest:
            self.found = True
            self.held.clear()
        elif entry.timestamp > self._limit:
            return self.give_up()
        return []

    def give_up(self) -> list[LogChunk]:
        """The place does not come any more; everything held back is new."""
        if self.found or self.lost:
            return []
        self.lost = True
        held, self.held = self.held, []
        return held


def repeats(entry: LogChunk, latest: LogChunk) -> bool:
    """Whether an entry looks as if the engine told a part of the log again.

    It may also be new: when the clock was set back, or the same was written twice in one moment.
    """
    again = entry == latest and not latest.partial
    return again or entry.timestamp < latest.timestamp


def since(place: Position, earlier: str = "") -> str | None:
    """From which time on a log is read to find a place again; None: from its beginning.

    `earlier` is the time of an entry that stands behind the place although it is older.
    """
    return shifted(min(place.time, earlier or place.time), -OVERLAP) or None


def shifted(time: str, seconds: float) -> str:
    """A time moved by whole seconds, its fraction kept to the last digit; empty if it is none."""
    whole, dot, rest = time.partition(".")
    try:
        moment = datetime.fromisoformat(whole.removesuffix("Z")) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return ""
    return f"{moment.isoformat()}{dot}{rest}" if dot else f"{moment.isoformat()}Z"


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=8).hexdigest()
