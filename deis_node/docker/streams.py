"""Cutting the engine's byte streams into lines and log entries. PURE.

Names and time stamps that go into a question are checked here as well, so that no text of a user
can turn one question into another.
"""

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime

from deis_node.docker.errors import DockerError, NotFound
from deis_node.docker.model import LogChunk

LINE_LIMIT = 4 * 1024 * 1024
"""Bytes that one line of a stream may have before it is refused."""

_HEADER = struct.Struct(">BxxxL")
_STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]*")


class LineSplitter:
    """Collects pieces and gives whole lines, without their ends."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self.rest = b""
        """What came after the last line end."""
        self._limit = limit

    def feed(self, piece: bytes) -> list[bytes]:
        """Take a piece in; the lines that it completes. DockerError when one grows too long."""
        *whole, self.rest = (self.rest + piece).split(b"\n")
        if len(self.rest) > self._limit:
            raise DockerError(f"the Docker Engine sent a line of more than {self._limit} bytes")
        return whole


class Demultiplexer:
    """Takes the engine's log stream apart: a header of stream and length before each entry."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, piece: bytes) -> Iterator[tuple[str, bytes]]:
        """Take a piece in; the (stream, payload) pairs that it completes."""
        data = self._buffer + piece
        position = 0
        while len(data) - position >= _HEADER.size:
            kind, length = _HEADER.unpack_from(data, position)
            end = position + _HEADER.size + length
            if len(data) < end:
                break
            yield _STREAMS.get(kind, "stdout"), data[position + _HEADER.size : end]
            position = end
        self._buffer = data[position:]


def log_chunk(stream: str, payload: bytes) -> LogChunk:
    """Read one entry of a log that was asked for with time stamps."""
    stamp, _, line = payload.partition(b" ")
    whole = line.endswith(b"\n")
    return LogChunk(
        stream=stream,
        timestamp=stamp.decode("ascii", "replace"),
        line=line[:-1] if whole else line,
        partial=not whole,
    )


def since_parameter(timestamp: str) -> str:
    """A log's time stamp as the engine takes it back: `<seconds>.<nanoseconds>`, exactly.

    An entry of that very time is told again: the engine leaves out only what is older.
    """
    whole, _, fraction = timestamp.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return f"{int(moment.timestamp())}.{fraction or '0':0<9}"


def container_path(name: str) -> str:
    """A container's id or name as part of a path; NotFound when it can be neither."""
    if _CONTAINER.fullmatch(name) is None:
        raise NotFound(f"{name!r} is no name of a container")
    return name


def image_path(reference: str) -> str:
    """An image's reference or id as part of a path; NotFound when it can be neither."""
    dotted = any(part in ("", ".", "..") for part in reference.split("/"))
    if dotted or _REFERENCE.fullmatch(reference) is None:
        raise NotFound(f"{reference!r} is no reference of an image")
    return reference


def split_reference(reference: str) -> tuple[str, str]:
    """`host:5000/app:v1` → (`host:5000/app`, `v1`); a digest counts as tag, none is `latest`."""
    if "@" in reference:
        name, _, digest = reference.partition("@")
        return name, digest
    name, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, "latest"
    return name, tag
