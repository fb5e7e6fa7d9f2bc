"""The registry, at an address that never changes: `127.0.0.1:<port>` beside the Docker Engine.

Image references carry this address, so they outlive any move of the registry: the relay opens
a connection to wherever the registry is now. Where the engine lives in a network namespace of
its own, the listening socket is made in that namespace; a socket keeps the namespace that it
was made in.
"""

import asyncio
import contextlib
import ctypes
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from deis_node.runtime.errors import DeisError

log = structlog.get_logger()

CONNECT_TIMEOUT = 5.0
CHUNK = 256 * 1024
BACKLOG = 128
CLONE_NEWNET = 0x40000000


class RelayError(DeisError):
    """The relay cannot listen."""


class Relay:
    """Listens beside the engine and carries every connection to the registry."""

    def __init__(
        self, port: int, *, target: Callable[[], str | None], namespace: Path | None = None
    ) -> None:
        self._port = port
        self._target = target
        self._namespace = namespace

    async def run(self) -> None:
        """Serve until cancelled; RelayError when the port cannot be had."""
        listener = await asyncio.to_thread(listen, self._port, self._namespace)
        server = await asyncio.start_server(self._carry, sock=listener)
        async with server:
            await server.serve_forever()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = self._target()
        if target is None:
            writer.close()
            return
        host, _, port = target.rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError) as err:
            log.warning("registry not reached", registry=target, reason=str(err))
            writer.close()
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, far_writer), name="relay to registry")
            group.create_task(_pump(far_reader, writer), name="relay from registry")
        for end in (writer, far_writer):
            end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the reader's end, then close the other direction's sending side."""
    with contextlib.suppress(ConnectionError, OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(ConnectionError, OSError, NotImplementedError):
        writer.write_eof()


def listen(port: int, namespace: Path | None) -> socket.socket:
    """A listening socket on loopback, in this network namespace or in the named one."""
    if namespace is None:
        return _listen(port)
    # A thread of its own enters the namespace and is thrown away, so no other work runs there.
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(_listen_in, port, namespace).result(timeout=10)


def _listen_in(port: int, namespace: Path) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        handle = os.open(namespace, os.O_RDONLY)
    except OSError as err:
        raise RelayError(f"the network namespace {namespace} is not there: {err}") from err
    try:
        if libc.setns(handle, CLONE_NEWNET) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise RelayError(f"the network namespace {namespace} cannot be entered: {reason}")
    finally:
        os.close(handle)
    return _listen(port)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as err:
        listener.close()
        raise RelayError(f"port {port} of the relay is taken: {err}") from err
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener
