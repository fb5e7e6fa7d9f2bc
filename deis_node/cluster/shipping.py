"""Messages on their way to a logger: one TCP connection, bounded, kept until acknowledged.

The logger answers `ACK <n>`: the first n messages of this connection are on disk. What was not
acknowledged when a connection ends is sent again on the next one; the logger drops what it has.
So it goes back to the same logger for a while, and only then to another, which cannot know what
the first one has. Nothing here is polled: without messages there is no work and, at first, no
connection.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

import structlog

from deis_node.cluster.framing import counted
from deis_node.cluster.suspects import Suspects
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_T = TypeVar("_T")

_CONNECT_TIMEOUT = 5.0
_WRITE_BYTES = 256 * 1024
_ACK = re.compile(rb"ACK ([0-9]{1,18})\n")
_ANSWER_LIMIT = 1024
_LOYALTY = 5.0
"""Seconds for which the logger of the last connection is tried before another one is."""


class Shipper(Generic[_T]):
    """Sends messages in order; `acknowledged` is called with the receipt of each that arrived.

    `targets` tells the loggers' `address:port`, the one that is wanted first; none while there is
    none. `lines` and `size` (bytes) bound what is kept; who offers looks at `full` before, and
    waits for `room`.
    `coalesce` is the least time in seconds between two writes, `patience` how long an
    acknowledgement may take before another connection is tried.
    """

    def __init__(
        self,
        targets: Callable[[], Sequence[str]],
        acknowledged: Callable[[_T], None],
        *,
        lines: int = 10_000,
        size: int = 8 << 20,
        coalesce: float = 0.005,
        patience: float = 15.0,
    ) -> None:
        self._targets = targets
        self._suspects = Suspects()
        self._last: str | None = None
        """The logger that acknowledged last."""
        self._acknowledged = acknowledged
        self._limits = lines, size
        self._coalesce = coalesce
        self._patience = patience
        self._queue: deque[tuple[bytes, _T]] = deque()
        self._sent: deque[tuple[bytes, _T]] = deque()
        self._size = 0
        self._count = 0  # messages of this connection that are acknowledged
        self._progress = 0.0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._told = ""

    @property
    def pending(self) -> int:
        """How many messages are not acknowledged."""
        return len(self._queue) + len(self._sent)

    @property
    def full(self) -> bool:
        """Whether no more should be offered."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Wait until more may be offered."""
        await self._room.wait()

    def offer(self, message: bytes, receipt: _T) -> None:
        """Take a message to be sent; it is never refused."""
        frame = counted(message)
        self._queue.append((frame, receipt))
        self._size += len(frame)
        self._wake.set()
        lines, size = self._limits
        if self._size >= size or self.pending >= lines:
            self._room.clear()

    async def run(self) -> None:
        """Send until cancelled."""
        backoff = Backoff(0.05, 2.0)
        while True:
            if not self.pending:
                self._wake.clear()
                await self._wake.wait()
            reason = await self._connection()
            if self._count:
                backoff.reset()
            if self.pending:
                self._tell(reason)
                await backoff.wait()

    async def _connection(self) -> str:
        """Send over one connection to its end; why it ended."""
        self._count = 0
        address = self._chosen()
        if address is None:
            return "no logger is known"
        host, _, port = address.rpartition(":")
        link = _Link(self)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await asyncio.get_running_loop().create_connection(
                    lambda: link, host.strip("[]"), int(port)
                )
        except (OSError, TimeoutError, ValueError) as err:
            self._suspects.failed(address, self._clock())
            return f"{address} cannot be reached: {err or 'it is silent'}"
        self._progress = self._clock()
        try:
            return await self._send(link, address)
        finally:
            link.abort()
            self._judge(address)
            self._queue.extendleft(reversed(self._sent))
            self._sent.clear()

    def _chosen(self) -> str | None:
        """The logger for the next connection."""
        known, now = self._targets(), self._clock()
        self._suspects.keep(known)
        last = self._last
        if last is not None and last in known:
            silent = self._suspects.silent_since(last)
            if silent is None or now < silent + _LOYALTY:
                return last
        return next(iter(self._suspects.in_order(known, now)), None)

    def _judge(self, address: str) -> None:
        """What a connection that is over says of its logger."""
        if self._count:
            self._suspects.answered(address)
            self._last = address
        else:
            self._suspects.failed(address, self._clock())

    async def _send(self, link: "_Link", address: str) -> str:
        while not link.ended:
            self._wake.clear()
            if self._queue and link.writable:
                if address not in self._targets():
                    return f"{address} is no logger any more"
                link.write(self._next())
                await asyncio.sleep(self._coalesce)
            elif not await self._woken():
                return f"{address} does not acknowledge"
        return f"{address} ended the connection{link.ended}"

    def _next(self) -> bytes:
        """The next messages, as many as one write should have."""
        if not self._sent:
            self._progress = self._clock()
        frames: list[bytes] = []
        size = 0
        while self._queue and size < _WRITE_BYTES:
            entry = self._queue.popleft()
            frames.append(entry[0])
            size += len(entry[0])
            self._sent.append(entry)
        return b"".join(frames)

    async def _woken(self) -> bool:
        """Wait for something to do; False when an acknowledgement is overdue."""
        deadline = self._progress + self._patience if self._sent else None
        try:
            async with asyncio.timeout_at(deadline):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def acknowledge(self, number: int) -> bool:
        """The logger has the connection's first `number` messages; False if that cannot be."""
        new = number - self._count
        if not 0 <= new <= len(self._sent):
            return False
        for _ in range(new):
            frame, receipt = self._sent.popleft()
            self._size -= len(frame)
            self._acknowledged(receipt)
        self._count = number
        self._progress = self._clock()
        self._tell("")
        lines, size = self._limits
        if self._size <= size * 3 // 4 and self.pending <= lines * 3 // 4:
            self._room.set()
        return True

    def wake(self) -> None:
        """The connection's state has changed."""
        self._wake.set()

    def _tell(self, reason: str) -> None:
        """Log each new state once."""
        if reason == self._told:
            return
        self._told = reason
        if reason:
            log.warning("log lines wait", reason=reason, lines=self.pending)
        else:
            log.info("log lines are acknowledged again")

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()


class _Link(asyncio.Protocol):
    """One connection to the logger."""

    def __init__(self, shipper: Shipper[_T]) -> None:
        self._acknowledge = shipper.acknowledge
        self._wake = shipper.wake
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.ended = ""
        self.writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read acknowledgements; anything else ends the connection."""
        self._buffer += data
        *answers, self._buffer = self._buffer.split(b"\n")
        for answer in answers:
            match = _ACK.fullmatch(answer + b"\n")
            if match is None or not self._acknowledge(int(match[1])):
                self.ended = ": it answered what is no acknowledgement"
        if len(self._buffer) > _ANSWER_LIMIT:
            self.ended = ": it answered what is no acknowledgement"
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.ended = self.ended or (f": {exc}" if exc else ": closed")
        self._wake()

    def pause_writing(self) -> None:
        """The peer does not read fast enough."""
        self.writable = False

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self.writable = True
        self._wake()

    def write(self, data: bytes) -> None:
        """Send."""
        assert self._transport is not None
        self._transport.write(data)

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()
