"""Requests at a rate that nothing slows down; what is due is sent, maybe on a new connection."""

import asyncio
from dataclasses import dataclass, field
from typing import cast


@dataclass
class Result:
    """One request: when it was due, how long its answer took from then, and its status."""

    due: float
    seconds: float
    status: int
    """0 when there was none."""


class _Connection(asyncio.Protocol):
    """One connection that asks one thing at a time."""

    def __init__(self, loop_: "OpenLoop") -> None:
        self._loop = loop_
        self._transport: asyncio.Transport | None = None
        self._due = 0.0
        self._data = b""
        self._first: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none of its classes
        if self._first is not None:
            self._transport.write(self._first)

    @property
    def alive(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, due: float, request: bytes) -> None:
        self._due, self._data = due, b""
        if self._transport is None:
            self._first = request
        else:
            self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, separator, body = self._data.partition(b"\r\n\r\n")
        if not separator:
            return
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        if len(body) >= length:
            due, self._due = self._due, 0.0
            self._loop.answered(self, due, int(head.split(b" ", 2)[1]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._loop.lost(self, self._due)


@dataclass
class OpenLoop:
    """A request, sent so many times a second to a port of this machine."""

    port: int
    request: bytes
    rate: float
    fresh: bool = False
    """Whether each request has a connection of its own."""
    results: list[Result] = field(default_factory=list)
    _idle: list[_Connection] = field(default_factory=list)
    _open: set[_Connection] = field(default_factory=set)
    connections: int = 0

    async def run(self, seconds: float) -> None:
        """Send for so many seconds, and wait a little for the last answers."""
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        total = int(seconds * self.rate)
        async with asyncio.TaskGroup() as group:
            while sent < total:
                due = began + sent / self.rate
                wait = due - loop.time()
                if wait > 0:
                    await asyncio.sleep(max(wait, 0.001))
                while sent < total and began + sent / self.rate <= loop.time():
                    self._send(group, began + sent / self.rate)
                    sent += 1
        deadline = loop.time() + 5
        while len(self.results) < total and loop.time() < deadline:
            await asyncio.sleep(0.02)
        missing = total - len(self.results)
        self.results += [Result(0.0, float("inf"), 0)] * missing

    def _send(self, group: asyncio.TaskGroup, due: float) -> None:
        while self._idle:
            connection = self._idle.pop()
            if connection.alive:
                connection.ask(due, self.request)
                return
        connection = _Connection(self)
        connection.ask(due, self.request)
        group.create_task(self._connect(connection, due))

    async def _connect(self, connection: _Connection, due: float) -> None:
        self.connections += 1
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(5):
                await loop.create_connection(lambda: connection, "127.0.0.1", self.port)
        except (OSError, TimeoutError):
            self.results.append(Result(due, float("inf"), 0))

    def answered(self, connection: _Connection, due: float, status: int) -> None:
        now = asyncio.get_running_loop().time()
        self.results.append(Result(due, now - due, status))
        if self.fresh:
            connection.close()
        else:
            self._idle.append(connection)

    def lost(self, connection: _Connection, due: float) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        if due:
            self.results.append(Result(due, float("inf"), 0))


def percentile(results: list[Result], share: float) -> float:
    """Seconds within which that share of the requests was answered."""
    ordered = sorted(result.seconds for result in results)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
