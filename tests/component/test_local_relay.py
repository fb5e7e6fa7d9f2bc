"""The relay in front of several hosts: who gets the next connection, and how it is carried."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.relay import Check, Door, Relay, Target, answers
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def http(status: int, body: str) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            words = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            writer.write(words.encode())
            await writer.drain()
        writer.close()

    return serve


@asynccontextmanager
async def server(serve: Serve, port: int = 0) -> AsyncIterator[str]:
    """A server on loopback; its `ip:port`."""
    made = await asyncio.start_server(serve, "127.0.0.1", port)
    async with made:
        yield f"127.0.0.1:{made.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def relay(*targets: Target) -> AsyncIterator[int]:
    """A relay with one door to these; its port."""
    port = free_port()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Relay([Door("door", port, targets)]).run(stop))
        await eventually(lambda: _listens(port), within=10)
        yield port
        stop.set()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def ask(port: int) -> str:
    """The body of one answer; empty when the connection was closed without any."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            return (await reader.read()).decode().rpartition("\r\n")[2]
    except ConnectionError:
        return ""
    finally:
        writer.close()


def plain(address: str) -> Target:
    return Target(address, Check(address, "/"))


async def test_the_hosts_are_taken_in_turn() -> None:
    async with (
        server(http(200, "a")) as one,
        server(http(200, "b")) as two,
        relay(plain(one), plain(two)) as port,
    ):
        said = [await ask(port) for _ in range(10)]
    assert sorted(said) == ["a"] * 5 + ["b"] * 5


async def test_a_host_that_refuses_is_passed_over_at_once() -> None:
    gone = f"127.0.0.1:{free_port()}"
    async with server(http(200, "a")) as one, relay(plain(gone), plain(one)) as port:
        assert [await ask(port) for _ in range(6)] == ["a"] * 6


async def test_a_host_whose_check_fails_gets_no_connection_until_it_does_not() -> None:
    health = [503]

    async def check(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await http(health[0], "")(reader, writer)

    async with (
        server(check) as checked,
        server(http(200, "ill")) as one,
        server(http(200, "well")) as two,
    ):
        ill = Target(one, Check(checked, "/"))
        async with relay(ill, plain(two)) as port:

            async def only(words: set[str]) -> bool:
                return {await ask(port) for _ in range(4)} == words

            await eventually(lambda: only({"well"}), within=30)
            health[0] = 200
            await eventually(lambda: only({"ill", "well"}), within=30)


async def test_those_that_are_ill_are_tried_when_nobody_is_well() -> None:
    async with server(http(500, "at least something")) as one, relay(plain(one)) as port:
        assert await ask(port) == "at least something"


async def test_nobody_there_closes_the_connection() -> None:
    async with relay(plain(f"127.0.0.1:{free_port()}")) as port:
        assert await ask(port) == ""


async def test_a_side_that_has_said_all_still_hears_the_other_one() -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(len(await reader.read())).encode())
        writer.close()

    async with server(count) as one, relay(plain(one)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 3_000_000)
        writer.write_eof()
        async with asyncio.timeout(10):
            assert await reader.read() == b"3000000"
        writer.close()


async def test_a_host_that_accepts_and_says_nothing_is_not_healthy() -> None:
    """As a frozen one is: its kernel goes on accepting."""
    with socket.socket() as frozen:
        frozen.bind(("127.0.0.1", 0))
        frozen.listen()
        address = f"127.0.0.1:{frozen.getsockname()[1]}"
        assert not await answers(Check(address, "/"))
        async with server(http(200, "a")) as one, relay(plain(address), plain(one)) as port:

            async def all_are_served() -> bool:
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        return [await ask(port) for _ in range(4)] == ["a"] * 4
                return False

            await eventually(all_are_served, within=30)


async def test_a_port_that_is_taken_is_named() -> None:
    async with server(http(200, "a")) as one:
        port = int(one.rpartition(":")[2])
        with pytest.raises(LocalError, match=f"Port {port} is taken"):
            await Relay([Door("door", port, (plain(one),))]).run(asyncio.Event())
