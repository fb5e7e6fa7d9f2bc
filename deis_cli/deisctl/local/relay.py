"""What a load balancer in front of several hosts does, on this machine's loopback address.

A door is a port with the hosts that serve behind it. Who knocks is carried to one that is healthy,
in turn; when none is, or a connection is refused or not accepted within a second, to the next.
A host is healthy while its check answers 200: a frozen host accepts connections and serves nobody.
"""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.sites import LOOPBACK, sites
from deis_node.runtime.tasks import Tasks, forever, spawn

log = structlog.get_logger()

CONNECT_TIMEOUT = 1.0
"""Seconds that a host may take to accept."""
CHECK_TIMEOUT = 1.0
CHECK_PAUSE = 0.5
"""Seconds between two checks of a host."""
CHUNK = 256 * 1024
BACKLOG = 1024

_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 11_000),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
"""A host that vanished in the middle of a connection is noticed after 11 s."""


@dataclass(frozen=True, slots=True)
class Check:
    """How a host is asked whether it serves."""

    address: str
    """`ip:port` of an HTTP server."""
    path: str


@dataclass(frozen=True, slots=True)
class Target:
    """One of those behind a door."""

    address: str
    check: Check


@dataclass(frozen=True, slots=True)
class Door:
    """A port of this machine and who serves there."""

    name: str
    port: int
    targets: tuple[Target, ...]


def doors(home: Home, choices: Choices) -> tuple[Door, ...]:
    """The doors of a home: the routers, the controllers, the builders."""
    every = sites(home, choices)
    routers = [
        Target(address, Check(address, "/health-check"))
        for address in (f"{site.address}:{choices.http_port}" for site in every if site.router)
    ]
    controllers, builders = [], []
    for site in every:
        if site.controller:
            address = f"{site.address}:{choices.controller_port}"
            check = Check(address, "/healthz")  # The builder is a part of the same process.
            controllers.append(Target(address, check))
            builders.append(Target(f"{site.address}:{choices.builder_port}", check))
    return (
        Door("router", choices.http_port, tuple(routers)),
        Door("controller", choices.controller_port, tuple(controllers)),
        Door("builder", choices.builder_port, tuple(builders)),
    )


class Relay:
    """Keeps the doors open and the checks up to date."""

    def __init__(self, doors: Sequence[Door]) -> None:
        self._doors = doors
        self._ill: set[Check] = set()
        self._turns = dict.fromkeys((door.name for door in doors), 0)
        self._carried = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; LocalError when a port cannot be had."""
        checks = {target.check for door in self._doors for target in door.targets}
        async with Tasks(patience=1) as connections, contextlib.AsyncExitStack() as stack:
            for door in self._doors:
                await stack.enter_async_context(await self._open(door, connections))
            async with asyncio.TaskGroup() as group:
                watchers = [
                    spawn(group, f"check {check.address}", forever("check", watch))
                    for check, watch in ((check, partial(self._watch, check)) for check in checks)
                ]
                await stop.wait()
                for watcher in watchers:
                    watcher.cancel()

    def order(self, door: Door) -> list[Target]:
        """Whom to try for the next connection: the healthy ones in turn, then the others."""
        turn = self._turns[door.name] % len(door.targets)
        self._turns[door.name] = turn + 1
        rotated = door.targets[turn:] + door.targets[:turn]
        return sorted(rotated, key=lambda target: target.check in self._ill)

    async def _open(self, door: Door, connections: Tasks) -> asyncio.Server:
        def knock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._carried += 1
            name = f"{door.name} {self._carried}"
            connections.start(name, self._carry(door, reader, writer))

        try:
            return await asyncio.start_server(knock, LOOPBACK, door.port, backlog=BACKLOG)
        except OSError as err:
            raise LocalError(f"Port {door.port} is taken by another program: {err}.") from err

    async def _carry(
        self, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Connect to one of the door's hosts and carry bytes both ways until both have ended."""
        far = await self._connect(door)
        if far is None:
            log.warning("nobody serves", door=door.name)
            writer.transport.abort()
            return
        far_reader, far_writer = far
        try:
            async with asyncio.TaskGroup() as group:
                spawn(group, "there", _pump(reader, far_writer))
                spawn(group, "back", _pump(far_reader, writer))
        finally:
            for end in (writer, far_writer):
                end.close()

    async def _connect(
        self, door: Door
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for target in self.order(door):
            host, _, port = target.address.rpartition(":")
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    reader, writer = await asyncio.open_connection(host, int(port))
            except (OSError, TimeoutError):
                continue
            for option in _KEEPALIVE:
                writer.get_extra_info("socket").setsockopt(*option)
            return reader, writer
        return None

    async def _watch(self, check: Check) -> None:
        while True:
            well = await answers(check)
            if well == (check in self._ill):
                log.info("host serves" if well else "host does not serve", address=check.address)
            (self._ill.discard if well else self._ill.add)(check)
            await asyncio.sleep(CHECK_PAUSE)


async def answers(check: Check) -> bool:
    """Whether a check is answered with 200 in time."""
    host, _, port = check.address.rpartition(":")
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            reader, writer = await asyncio.open_connection(host, int(port))
            words = (
                f"GET {check.path} HTTP/1.1\r\nHost: {check.address}\r\nConnection: close\r\n\r\n"
            )
            writer.write(words.encode())
            status = await reader.readline()
    except (OSError, TimeoutError, ValueError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
    return status.split(b" ")[1:2] == [b"200"]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the reader's end; then tell the other side, abruptly if it ended abruptly."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if not writer.is_closing():
            writer.write_eof()
    except OSError:
        writer.transport.abort()
