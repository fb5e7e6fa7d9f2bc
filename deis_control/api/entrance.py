"""Where the API is served: connections are accepted, many at a time, and led to the door.

uvloop accepts one connection in each turn of its loop, and turns are long when there is much to
do: under a flood everybody, those who ask for health included, would wait in the kernel's queue.
"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from deis_control.api.door import Door, Keeper, Refused
from deis_control.api.gate import holder_of
from deis_control.api.listening import Place, listen, resolve
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_BACKLOG = 2048
"""Connections that the kernel keeps until they are accepted; beyond, it drops them unanswered."""
_AT_A_TIME = 256
"""Connections accepted before anything else has its turn."""
_KEPT = 120.0
"""Seconds that a connection may wait for its next request, or for the rest of one's head."""
_FIRST = 1 << 16
"""Bytes read from a new connection at once, at most."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE = 0.5
"""Seconds without accepting after the machine had no file or memory left for a connection."""


_Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Entrance:
    """Listening sockets before aiohttp's handlers of connections."""

    def __init__(
        self,
        keeper: Keeper,
        handlers: Callable[[], asyncio.Protocol],
        tasks: Tasks,
        places: Sequence[Place],
    ) -> None:
        self._keeper = keeper
        self._handlers = handlers
        self._tasks = tasks
        self._numbers = count()
        self._joining: set[asyncio.Task[None]] = set()
        self._sockets = listen(places, _BACKLOG)
        for listening in self._sockets:
            listening.setblocking(False)
            # What it accepts inherits this.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def place(self) -> Place:
        """The first place that is listened on."""
        first = self._sockets[0]
        return Place(first.family, *first.getsockname()[:2])

    async def __aenter__(self) -> Self:
        for listening in self._sockets:
            self._open(listening)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more, and wait for nobody who has not said a word.

        Those who were accepted a moment ago come in: their requests are answered.
        """
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        if self._joining:
            await asyncio.wait(self._joining, timeout=1.0)
        for door in list(self._keeper.silent):
            door.close()

    def _open(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        """Take what waits in the kernel's queue."""
        for _ in range(_AT_A_TIME):
            try:
                connection, _peer = listening.accept()
            except BlockingIOError:
                return
            except OSError as err:
                if err.errno not in _EXHAUSTED:
                    continue  # It is about one connection that is gone again, see accept(2).
                log.error("connections cannot be accepted", error=str(err))
                loop = asyncio.get_running_loop()
                loop.remove_reader(listening)
                loop.call_later(_PAUSE, self._open, listening)
                return
            self._welcome(connection)

    def _welcome(self, connection: socket.socket) -> None:
        """Turn a connection away, or give it a transport."""
        connection.setblocking(False)
        try:
            data = connection.recv(_FIRST)
        except BlockingIOError:
            data = b""
        except OSError:
            connection.close()
            return
        verdict = self._keeper.judge(data)
        if isinstance(verdict, Refused):
            with suppress(OSError):
                connection.send(verdict.answer)
            connection.close()
            return
        door = Door(self._keeper, self._handlers, data, verdict)
        name = f"connection {next(self._numbers)}"
        task = self._tasks.start(name, self._connect(door, connection))
        self._joining.add(task)
        task.add_done_callback(lambda task: self._joined(task, door, connection))

    async def _connect(self, door: Door, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: door, connection)
        except OSError:
            door.release()
            connection.close()

    def _joined(self, task: "asyncio.Task[None]", door: Door, connection: socket.socket) -> None:
        self._joining.discard(task)
        if task.cancelled() and not door.begun:
            door.release()
            connection.close()


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[Place]:
    """The API at this address meanwhile, at each one of a host name; the first place where it is,
    whose port the kernel chooses when it is 0.

    OSError when the address cannot be had. `handler_cancellation` stays off (aiohttp's default):
    a client that goes away ends its connection, never what it asked for.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0, keepalive_timeout=_KEPT)
    await runner.setup()
    handlers = runner.server
    assert handlers is not None, "setup() made it"
    handlers.request_handler = _releasing(handlers.request_handler)
    try:
        async with (
            Tasks() as tasks,
            Entrance(Keeper(app), handlers, tasks, await resolve(f"{host}:{port}")) as entrance,
        ):
            yield entrance.place
    finally:
        await runner.cleanup()


def _releasing(handle: _Handle) -> _Handle:
    """The handler, after which no place is held: some requests never get to the middlewares."""

    async def handled(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handle(request)
        finally:
            holder_of(request).release()

    return handled
