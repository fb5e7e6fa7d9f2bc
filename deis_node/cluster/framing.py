"""Messages on a byte stream: octet counting and lines (RFC 6587). PURE.

What we send is octet-counted (section 3.4.1). Foreign senders may also end each message with a
newline (section 3.4.2); which of the two it is, is told by each message's first bytes.
"""

import re

FRAME_LIMIT = 256 * 1024
"""Longest message that is read, in bytes; a longer one is skipped and counted."""

_COUNT = re.compile(rb"([1-9][0-9]{0,8}) ")
_DIGITS = re.compile(rb"[1-9][0-9]{0,8}")


def counted(message: bytes) -> bytes:
    """A message with its length in bytes before it."""
    return b"%d %b" % (len(message), message)


class FrameReader:
    """Takes a byte stream apart into messages.

    A message of senseless length is skipped, and delivered as an empty one so that it counts.
    """

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._skip = 0
        self._skip_line = False

    def feed(self, data: bytes) -> list[bytes]:
        """Add what was received; the messages that are now complete, in order."""
        self._buffer += data
        frames: list[bytes] = []
        position: int | None = 0
        done = 0
        while position is not None:
            done = self._skipped(position)
            position = self._next(done, frames)
        del self._buffer[:done]
        return frames

    def _skipped(self, position: int) -> int:
        """The position behind what is here of a message that is skipped."""
        if self._skip:
            size = min(self._skip, len(self._buffer) - position)
            self._skip -= size
            return position + size
        if self._skip_line:
            end = self._buffer.find(b"\n", position)
            self._skip_line = end < 0
            return len(self._buffer) if end < 0 else end + 1
        return position

    def _next(self, position: int, frames: list[bytes]) -> int | None:
        """Read one message; the position behind it, or None when more bytes are needed."""
        if position >= len(self._buffer):
            return None
        count = _COUNT.match(self._buffer, position)
        if count is None:
            digits_only = _DIGITS.fullmatch(self._buffer, position)
            return None if digits_only else self._line(position, frames)
        start, size = count.end(), int(count[1])
        if size > self._limit:
            frames.append(b"")
            self._skip = size
            return start
        if start + size > len(self._buffer):
            return None
        frames.append(bytes(self._buffer[start : start + size]))
        return start + size

    def _line(self, position: int, frames: list[bytes]) -> int | None:
        """Read a message that ends in a newline; empty ones are no messages."""
        end = self._buffer.find(b"\n", position)
        if end < 0 and len(self._buffer) - position <= self._limit:
            return None
        if end < 0:
            frames.append(b"")
            self._skip_line = True
            return len(self._buffer)
        line = bytes(self._buffer[position:end]).removesuffix(b"\r")
        if line:
            frames.append(line if len(line) <= self._limit else b"")
        return end + 1
