"""How lines come in: RFC 5424 over TCP, acknowledged, and datagrams, which are not.

On a connection every message counts, the unreadable ones too, so that `ACK <n>` always means the
first n messages of this connection. It is sent only to senders that number their lines, as soon
as those are on disk.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import structlog

from deis_control.logger.counts import Counts, Outcome
from deis_control.logger.pump import Batch, Pump
from deis_node.cluster.frames import Frame, decode, rfc3339
from deis_node.cluster.framing import FrameReader

log = structlog.get_logger()

_UNREAD_ACKS = 65536


class Connections:
    """The open connections of one listener."""

    def __init__(self, pump: Pump, counts: Counts, limit: int) -> None:
        self.pump = pump
        self.counts = counts
        self._limit = limit
        self._open: set[Connection] = set()

    def protocol(self) -> "Connection":
        """What the listener makes for each new connection."""
        return Connection(self)

    def add(self, connection: "Connection") -> bool:
        """Count a connection in; False when there are too many."""
        if len(self._open) >= self._limit:
            log.warning("log connection refused", open=len(self._open))
            return False
        self._open.add(connection)
        return True

    def discard(self, connection: "Connection") -> None:
        """Count a connection out."""
        self._open.discard(connection)

    def close(self) -> None:
        """Close all, after what is to be sent to them."""
        for connection in list(self._open):
            connection.close()


class Connection(asyncio.Protocol):
    """One sender over TCP."""

    def __init__(self, all_: Connections) -> None:
        self._all = all_
        self._reader = FrameReader()
        self._number = 0
        self._numbered = False
        self._told = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A sender has connected."""
        self._transport = cast("asyncio.Transport", transport)
        if not self._all.add(self):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The sender is gone."""
        self._transport = None
        self._all.discard(self)
        self._all.pump.forget(self)

    def data_received(self, data: bytes) -> None:
        """Take what the sender sent apart, and hand it on."""
        messages = self._reader.feed(data)
        if not messages:
            return
        self._number += len(messages)
        frames = read_all(messages, self._all.counts)
        self._numbered = self._numbered or any(frame.numbered for frame in frames)
        if len(frames) < len(messages) and not self._told:
            self._told = True
            log.warning("unreadable log messages", sender=self._peer())
        source = self if self._numbered else None
        if not self._all.pump.put(Batch(source, self._number, frames, len(data))):
            self._pause()

    def acknowledge(self, number: int) -> None:
        """Tell the sender how many of its messages are on disk."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > _UNREAD_ACKS:
            self._transport.abort()
            return
        self._transport.write(b"ACK %d\n" % number)

    def resume(self) -> None:
        """Go on reading."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Close after what is to be sent."""
        if self._transport is not None:
            self._transport.close()

    def _pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _peer(self) -> str:
        peer = self._transport and self._transport.get_extra_info("peername")
        return f"{peer[0]}:{peer[1]}" if peer else "unknown"


class Datagrams(asyncio.DatagramProtocol):
    """Foreign senders over UDP."""

    def __init__(self, pump: Pump, counts: Counts) -> None:
        self._pump = pump
        self._counts = counts

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand one line on, if there is room; nobody would wait for it."""
        if self._pump.full:
            self._counts.add(Outcome.DROPPED)
            return
        frames = read_all([data], self._counts)
        if frames:
            self._pump.put(Batch(None, 0, frames, len(data)))


def read_all(
    messages: list[bytes], counts: Counts, now: Callable[[], datetime] | None = None
) -> tuple[Frame, ...]:
    """The readable ones of these messages; the others are counted."""
    arrived = rfc3339(now() if now else datetime.now(UTC))
    frames = [frame for message in messages if (frame := decode(message, arrived)) is not None]
    if unreadable := len(messages) - len(frames):
        counts.add(Outcome.UNREADABLE, unreadable)
    return tuple(frames)
