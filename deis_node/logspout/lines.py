"""From the entries of the engine's log to lines that can be sent and resumed from. PURE.

The engine cuts long lines into entries of 16 KiB, and those of stdout and stderr may alternate.
Reading on from a line's `resume` gives all later lines with the same numbers as the first time,
which is what lets the logger recognise those it has.
"""

from dataclasses import dataclass, field, replace

from deis_node.cluster.frames import TEXT_LIMIT
from deis_node.docker.model import LogChunk
from deis_node.logspout.position import Position


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line of a container's log."""

    time: str
    text: bytes
    seq: int
    resume: Position
    """From where to read on when this line and all before it have arrived."""


@dataclass(slots=True)
class _Part:
    """The beginning of a line."""

    before: Position
    time: str
    text: bytearray = field(default_factory=bytearray)

    def add(self, piece: bytes) -> None:
        """Append what is worth keeping of it: longer lines are cut when they are sent."""
        self.text += piece[: max(0, TEXT_LIMIT + 1 - len(self.text))]


class LineJoiner:
    """Joins entries to lines and knows the place behind the last one."""

    def __init__(self, place: Position) -> None:
        self.place = place
        self._parts: dict[str, _Part] = {}

    def feed(self, entry: LogChunk) -> Line | None:
        """Take the next entry of the log; the line that it ends."""
        before, self.place = self.place, self.place.advance(entry)
        part = self._parts.get(entry.stream)
        if part is None and not entry.partial:
            return self._line(entry.timestamp, entry.line)
        if part is None:
            part = self._parts[entry.stream] = _Part(before, entry.timestamp)
        part.add(entry.line)
        if entry.partial:
            return None
        del self._parts[entry.stream]
        return self._line(part.time, bytes(part.text))

    def end(self) -> list[Line]:
        """The log has ended; the lines that were begun."""
        lines = []
        for stream in list(self._parts):
            part = self._parts.pop(stream)
            self.place = replace(self.place, seq=self.place.seq + 1)
            lines.append(self._line(part.time, bytes(part.text)))
        return lines

    def restart(self) -> None:
        """The log goes on elsewhere: number its lines from 1. To be called after `end`."""
        self.place = replace(self.place, seq=0)

    def _line(self, time: str, text: bytes) -> Line:
        oldest = next(iter(self._parts.values()), None)
        return Line(time, text, self.place.seq, oldest.before if oldest else self.place)
