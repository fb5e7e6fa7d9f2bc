"""Lines on their way to the logger: none is lost and none comes twice, whatever breaks."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deis_control.logger.client import EventLog
from deis_node.cluster.frames import Frame, LogLine, encode
from deis_node.cluster.shipping import Shipper
from deis_node.runtime.tasks import Tasks
from tests.fixtures.logger import Proxy, RunningLogger
from tests.fixtures.waiting import eventually

NOW = "2026-11-23T02:16:00.000000Z"
ROOT = Path(__file__).parents[2]


class Sending:
    """A shipper at work, and what arrived of it."""

    def __init__(self, shipper: Shipper[int], receipts: list[int]) -> None:
        self.shipper = shipper
        self.receipts = receipts
        self._seq = 0

    def offer(self, count: int, text: str = "line") -> None:
        for _ in range(count):
            self._seq += 1
            line = LogLine("hello", "web.1", NOW, f"{text} {self._seq}")
            self.shipper.offer(encode(Frame(line, "node-1", "s", self._seq)), self._seq)

    async def arrived(self, count: int) -> None:
        await eventually(lambda: len(self.receipts) >= count, within=30.0)
        assert self.receipts == list(range(1, count + 1))


@asynccontextmanager
async def sending(*targets: str, **options: float) -> AsyncIterator[Sending]:
    receipts: list[int] = []
    shipper = Shipper(lambda: list(targets), receipts.append, **options)  # type: ignore[arg-type]
    async with Tasks() as tasks:
        tasks.start("shipper", shipper.run())
        yield Sending(shipper, receipts)


@pytest.fixture
async def proxy(logger: RunningLogger) -> AsyncIterator[tuple[Proxy, str]]:
    between = Proxy(lambda: logger.settings.tcp)
    address = await between.start()
    yield between, address
    await between.close()


def expected(count: int) -> list[str]:
    return [f"line {seq}" for seq in range(1, count + 1)]


async def test_lines_arrive_in_order_and_receipts_come_back(logger: RunningLogger) -> None:
    async with sending(logger.settings.tcp) as sender:
        sender.offer(5000)
        await sender.arrived(5000)

    assert await logger.lines() == expected(5000)


async def test_each_line_comes_once_over_connections_that_are_cut(
    logger: RunningLogger, proxy: tuple[Proxy, str]
) -> None:
    between, address = proxy
    async with sending(address) as sender:
        for part in range(1, 6):
            sender.offer(500)
            await eventually(lambda part=part: between.connections >= part)
            between.cut()
        await sender.arrived(2500)

    assert between.connections > 5
    assert await logger.lines() == expected(2500)


async def test_a_connection_that_does_not_acknowledge_is_left(
    logger: RunningLogger, proxy: tuple[Proxy, str]
) -> None:
    between, address = proxy
    between.deaf = True
    async with sending(address, patience=0.2) as sender:
        sender.offer(10)
        await eventually(lambda: between.connections > 1)
        between.deaf = False
        await sender.arrived(10)

    assert await logger.lines() == expected(10)


async def test_a_full_shipper_tells_so_and_has_room_again(logger: RunningLogger) -> None:
    async with sending(logger.settings.tcp, lines=100) as sender:
        sender.offer(100)
        assert sender.shipper.full
        async with asyncio.timeout(10):
            await sender.shipper.room()
        assert sender.shipper.pending <= 75


async def test_answers_that_are_none_end_the_connection() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        writer.write(b"ACK 7\n")
        await reader.read()
        writer.close()

    connections: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, sending(f"{host}:{port}") as sender:
        sender.offer(1)
        await eventually(lambda: len(connections) >= 2)
        assert sender.receipts == []


async def test_nothing_is_lost_or_doubled_when_the_logger_is_killed(logger: RunningLogger) -> None:
    await logger.stop()
    async with sending(logger.settings.tcp) as sender, Tasks() as tasks:
        for part in range(1, 4):
            process = await start_process(logger)
            feed = tasks.start("feed", _feed(sender, 1000))
            await eventually(lambda part=part: len(sender.receipts) > (part - 1) * 1000)
            process.kill()
            await process.wait()
            await feed
        await logger.start()
        await sender.arrived(3000)

    assert await logger.lines() == expected(3000)


async def test_events_stand_in_their_apps_logs(logger: RunningLogger) -> None:
    events = EventLog(lambda: [logger.settings.tcp], sender="control-1")
    async with Tasks() as tasks:
        tasks.start("events", events.run())
        events.send("hello", "bob created initial release")
        events.send("other", "aborting\ntwo lines\r\nthree \ud800")
        await eventually(lambda: not events.pending)

    assert (
        (logger.directory / "hello.log")
        .read_text()
        .endswith("UTC hello[deis-controller]: bob created initial release\n")
    )
    assert await logger.lines("other") == ["aborting", "two lines", "three ?"]


async def test_events_beyond_the_bound_are_counted_and_told(logger: RunningLogger) -> None:
    addresses: list[str] = []
    events = EventLog(lambda: addresses, limit=10)
    async with Tasks() as tasks:
        tasks.start("events", events.run())
        for number in range(15):
            events.send("hello", f"event {number}")
        addresses.append(logger.settings.tcp)
        await eventually(lambda: not events.pending)

    assert await logger.lines() == [*(f"event {n}" for n in range(10)), "5 lines dropped"]


async def _feed(sender: Sending, count: int) -> None:
    for _ in range(count // 20):
        sender.offer(20)
        await asyncio.sleep(0.002)


async def start_process(logger: RunningLogger) -> asyncio.subprocess.Process:
    settings = logger.settings
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fixtures.logger_process", str(settings.directory),
        settings.tcp, settings.udp, settings.http, cwd=ROOT, env={},
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def test_lines_go_to_another_logger_when_the_first_stays_away(
    logger: RunningLogger, tmp_path: Path
) -> None:
    second = RunningLogger(tmp_path / "second")
    await second.start()
    async with sending(logger.settings.tcp, second.settings.tcp) as sender:
        sender.offer(100)
        await sender.arrived(100)
        await logger.stop()
        sender.offer(100)
        await sender.arrived(200)
    await logger.start()

    assert await logger.lines() == expected(100)
    assert await second.lines() == expected(200)[100:]
    await second.stop()


async def test_a_logger_that_restarts_gets_its_own_lines_again_though_there_is_another(
    logger: RunningLogger, tmp_path: Path
) -> None:
    second = RunningLogger(tmp_path / "second")
    await second.start()
    async with sending(logger.settings.tcp, second.settings.tcp) as sender:
        sender.offer(100)
        await sender.arrived(100)
        await logger.stop()
        sender.offer(100)
        await logger.start()
        await sender.arrived(200)

    assert await second.lines() == []
    assert await logger.lines() == expected(200)
    await second.stop()


async def test_a_logger_that_was_never_there_holds_nothing_up(logger: RunningLogger) -> None:
    async with sending("127.0.0.1:9", logger.settings.tcp) as sender:
        sender.offer(10)
        await sender.arrived(10)

    assert await logger.lines() == expected(10)
