"""The readiness probes against real servers of the loopback address."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from deis_node.cluster.records import HealthCheck
from deis_node.publisher.probe import failed_connection, failed_health, request_path
from tests.fixtures.ports import free_port

Answer = Callable[[bytes], bytes]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """A server that answers every request head with bytes; its address."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever only connects, to see whether the port is open, asks for nothing.
        with suppress(OSError, asyncio.IncompleteReadError):
            writer.write(answer(await reader.readuntil(b"\r\n\r\n")))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def check(path: str = "/healthz", timeout: float = 1) -> HealthCheck:
    return HealthCheck(path, timeout=timeout)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.0 200\r\n\r\n", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "health check /healthz answered 204, not 200"),
        (b"HTTP/1.1 503 No\r\n\r\n", "health check /healthz answered 503, not 200"),
        (b"SSH-2.0-x\r\n", "health check /healthz: the answer is not HTTP"),
        (b"\xff" * 70000, "health check /healthz: the answer is not HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "health check /healthz: the answer is not HTTP"),
    ],
)
async def test_only_200_is_healthy(answer: bytes, reason: str | None) -> None:
    async with serving(lambda head: answer) as address:
        assert await failed_health(address, check()) == reason


async def test_a_closed_connection_is_nobody() -> None:
    async with serving(lambda head: b"") as address:
        port = address.rpartition(":")[2]
        reason = f"health check /healthz: nobody answers on port {port}"
        assert await failed_health(address, check()) == reason


async def test_silence_is_told_by_its_deadline() -> None:
    async with silent() as address:
        reason = "health check /healthz does not answer within 0.05 s"
        assert await failed_health(address, check(timeout=0.05)) == reason


async def test_a_redirect_is_followed_on_the_container_itself() -> None:
    def answer(head: bytes) -> bytes:
        if b"GET /login?x=1 " in head:
            return b"HTTP/1.1 200 OK\r\n\r\n"
        return b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere.example/login?x=1\r\n\r\n"

    async with serving(answer) as address:
        assert await failed_health(address, check()) is None


async def test_endless_redirects_end() -> None:
    loop = b"HTTP/1.1 301 x\r\nLocation: /\r\n\r\n"
    async with serving(lambda head: loop) as address:
        assert await failed_health(address, check()) == (
            "health check /healthz answered 301, not 200"
        )


@pytest.mark.parametrize(
    "path",
    ["/a\r\nX-Evil: 1\r\n\r\nGET /b", "/ HTTP/1.1\r\nHost: x", "é\x00\u202e", "", "{{x}}#`$(id)"],
)
async def test_no_path_leaves_its_place_in_the_request(path: str) -> None:
    heads: list[bytes] = []

    def answer(head: bytes) -> bytes:
        heads.append(head)
        return b"HTTP/1.1 200 OK\r\n\r\n"

    async with serving(answer) as address:
        assert await failed_health(address, check(path)) is None
    (head,) = heads
    line, *fields = head.decode("ascii").splitlines()
    assert line.split(" ") == ["GET", request_path(path), "HTTP/1.1"]
    assert [field.partition(":")[0] for field in fields] == [
        "Host",
        "User-Agent",
        "Accept",
        "Connection",
        "",
    ]


async def test_an_open_port_is_enough_without_a_check() -> None:
    async with serving(lambda head: b"") as address:
        assert await failed_connection(address, 1) is None
    port = free_port()
    assert await failed_connection(f"127.0.0.1:{port}", 1) == f"nobody listens on port {port}"


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """A server that accepts and never answers."""
    done = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        done.set()
