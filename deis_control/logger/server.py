"""The logger as one piece: store, pump, listeners, queries; started and stopped together."""

import asyncio
import dataclasses
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from deis_control.logger.counts import Counts, Outcome
from deis_control.logger.pump import Pump
from deis_control.logger.query import Queries
from deis_control.logger.receive import Connections, Datagrams
from deis_control.logger.settings import LoggerSettings
from deis_control.logger.store import Store
from deis_node.runtime.errors import DeisError
from deis_node.runtime.tasks import forever

log = structlog.get_logger()

_LAST_WORDS = 5.0


class LoggerError(DeisError):
    """The logger cannot start: its directory or one of its addresses cannot be used."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running logger answers, each as `address:port`."""

    tcp: str
    udp: str | None
    http: str


class LoggerServer:
    """Receives, keeps and answers for the lines of all apps while `run` runs."""

    def __init__(self, settings: LoggerSettings) -> None:
        self._settings = settings
        self._addresses: Addresses | None = None
        self._started = asyncio.Event()
        self._counts = Counts()
        self._store: Store | None = None
        self._pump: Pump | None = None

    @property
    def addresses(self) -> Addresses:
        """Where it answers; LoggerError before it is started."""
        if self._addresses is None:
            raise LoggerError("the logger is not started")
        return self._addresses

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """What became of the messages since the start."""
        return self._counts.snapshot()

    async def started(self) -> None:
        """Wait until it answers. When `run` fails instead, it never does."""
        await self._started.wait()

    async def forget(self, app: str) -> None:
        """Delete an app's lines; only while it is started."""
        assert self._pump is not None, "asked before it was started"
        await self._delete(self._pump, app)

    async def run(self) -> None:
        """Serve until cancelled; then store and acknowledge what has come in. LoggerError."""
        pump = Pump(await self._opened(), sync_interval=self._settings.sync_interval)
        self._pump = pump
        connections = Connections(pump, self._counts, self._settings.connections)
        async with AsyncExitStack() as stack:
            # Undone from the last to the first: nobody new, store, acknowledge, say farewell.
            stack.callback(connections.close)
            stack.push_async_callback(_finish, pump)
            try:
                self._addresses = await self._listen(stack, pump, connections)
            except (OSError, OverflowError) as err:
                raise LoggerError(f"the logger cannot listen: {err}") from err
            self._started.set()
            stack.callback(self._started.clear)
            log.info("logger started", **dataclasses.asdict(self._addresses))
            await forever("logger", pump.run)

    async def _opened(self) -> Store:
        settings = self._settings
        opened = partial(
            Store,
            settings.directory,
            segment_bytes=settings.segment_bytes,
            segments=settings.segments,
            open_files=settings.open_files,
            counts=self._counts,
        )
        try:
            self._store = await asyncio.to_thread(opened)
        except OSError as err:
            raise LoggerError(f"the logger cannot use its directory: {err}") from err
        return self._store

    async def _listen(
        self, stack: AsyncExitStack, pump: Pump, connections: Connections
    ) -> Addresses:
        http = await self._listen_http(stack, pump)
        udp = await self._listen_udp(stack, pump) if self._settings.udp else None
        return Addresses(await self._listen_tcp(stack, connections), udp, http)

    async def _listen_tcp(self, stack: AsyncExitStack, connections: Connections) -> str:
        host, port = endpoint(self._settings.tcp)
        server = await asyncio.get_running_loop().create_server(connections.protocol, host, port)
        stack.callback(server.close)
        return _name(server.sockets[0].getsockname())

    async def _listen_udp(self, stack: AsyncExitStack, pump: Pump) -> str:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Datagrams(pump, self._counts), endpoint(self._settings.udp)
        )
        stack.callback(transport.close)
        return _name(transport.get_extra_info("sockname"))

    async def _listen_http(self, stack: AsyncExitStack, pump: Pump) -> str:
        settings = self._settings
        queries = Queries(settings.directory, settings.segments, partial(self._delete, pump))
        runner = web.AppRunner(
            queries.application(), access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        host, port = endpoint(settings.http)
        await web.TCPSite(runner, host, port).start()
        return _name(runner.addresses[0])

    async def _delete(self, pump: Pump, app: str) -> None:
        store = self._store
        if store is not None:
            await pump.call(partial(store.delete, app))
            log.info("logs deleted", app=app)


async def _finish(pump: Pump) -> None:
    try:
        async with asyncio.timeout(_LAST_WORDS):
            await pump.finish()
    except TimeoutError:
        log.error("log lines left behind", reason="the disk is too slow")


def endpoint(address: str) -> tuple[str, int]:
    """`address:port` taken apart; LoggerError when it is none."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise LoggerError(f"{address!r} is no `address:port`")
    return host.strip("[]"), int(port)


def _name(address: Any) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
