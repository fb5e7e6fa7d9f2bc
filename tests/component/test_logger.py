"""The logger over real sockets: received, acknowledged, kept, answered."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from deis_control.logger.client import LogClient, LoggerAway
from deis_control.logger.counts import Outcome
from deis_control.logger.server import LoggerError, LoggerServer
from deis_node.cluster.frames import Frame, LogLine, encode, rfc3339
from deis_node.cluster.framing import counted
from tests.fixtures.logger import RunningLogger, connected
from tests.fixtures.waiting import eventually


def message(seq: int, text: str = "", *, app: str = "hello", stream: str = "s") -> bytes:
    """A counted frame of ours."""
    line = LogLine(app, "web.1", rfc3339(datetime.now(UTC)), text or f"line {seq}")
    return counted(encode(Frame(line, "node-1", stream, seq)))


async def ask(logger: RunningLogger, method: str, path: str) -> tuple[int, str]:
    url = f"http://{logger.settings.http}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        return answer.status, await answer.text()


async def test_lines_are_acknowledged_when_they_are_on_disk(logger: RunningLogger) -> None:
    async with connected(logger.settings.tcp) as sender:
        sender.send(message(1), message(2), message(3))
        await sender.acknowledges(3)

    assert [line.split(": ")[1] for line in _file(logger)] == ["line 1", "line 2", "line 3"]


async def test_lines_sent_again_after_a_cut_are_stored_once(logger: RunningLogger) -> None:
    async with connected(logger.settings.tcp) as sender:
        sender.send(message(1), message(2))
        await sender.acknowledges(2)
        sender.cut()
    async with connected(logger.settings.tcp) as sender:
        sender.send(message(1), message(2), message(3))
        await sender.acknowledges(3)

    assert await logger.lines() == ["line 1", "line 2", "line 3"]


async def test_unreadable_messages_count_and_end_nothing(logger: RunningLogger) -> None:
    async with connected(logger.settings.tcp) as sender:
        sender.send(message(1), counted(b"junk"), b"999999 " + b"x" * 999_999, message(2))
        await sender.acknowledges(4)

    assert await logger.lines() == ["line 1", "line 2"]
    assert logger.server.counts[Outcome.UNREADABLE] == 2


async def test_foreign_senders_get_no_acknowledgement(logger: RunningLogger) -> None:
    async with connected(logger.settings.tcp) as sender:
        sender.send(b"<13>1 - h hello web.1 - - foreign\n", counted(b"hello[web.2]: v1"))
        await logger.has(2)
        sender.send(message(1))
        assert await sender.acknowledged() == 3

    assert await logger.lines() == ["foreign", "v1", "line 1"]


async def test_no_text_reaches_another_apps_log(logger: RunningLogger) -> None:
    hostile = "x other[web.1]: forged\n<134>1 - - other - - - forged"
    async with connected(logger.settings.tcp) as sender:
        sender.send(message(1, hostile))
        await sender.acknowledges(1)

    assert await logger.lines("other") == []
    assert len(await logger.lines("hello")) == 2


async def test_datagrams_of_v1_are_kept_and_junk_is_ignored(logger: RunningLogger) -> None:
    host, _, port = logger.settings.udp.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for data in (b"junk", b"", b"2015-10-12T14:07:01UTC hello[web.1]: a other[x]: b"):
            client.sendto(data, (host, int(port)))
        await logger.has(1)

    assert _file(logger) == ["2015-10-12T14:07:01UTC hello[web.1]: a other[x]: b"]


async def test_a_stopped_logger_has_acknowledged_what_it_keeps(logger: RunningLogger) -> None:
    async with connected(logger.settings.tcp) as sender:
        sender.send(*(message(seq) for seq in range(1, 2001)))
        told = await sender.acknowledged()
        await logger.stop()
        while answer := await sender.reader.readline():
            told = int(answer.split()[1])
    await logger.start()

    assert len(await logger.lines()) >= told > 0


async def test_a_line_is_answered_within_a_moment(logger: RunningLogger) -> None:
    clock = asyncio.get_running_loop().time
    async with connected(logger.settings.tcp) as sender:
        sender.send(message(1))
        began = clock()
        await logger.has(1)

    assert clock() - began < 2.0


async def test_queries_answer_as_the_contract_says(logger: RunningLogger) -> None:
    async with connected(logger.settings.tcp) as sender:
        sender.send(*(message(seq) for seq in range(1, 201)))
        await sender.acknowledges(200)

    status, text = await ask(logger, "GET", "/hello?log_lines=2")
    assert status == 200
    assert [line.split(": ")[1] for line in text.splitlines()] == ["line 199", "line 200"]
    assert len((await ask(logger, "GET", "/hello/"))[1].splitlines()) == 100
    assert (await ask(logger, "GET", "/unknown"))[0] == 204
    assert (await ask(logger, "GET", "/hello?log_lines=-1"))[0] == 404
    assert (await ask(logger, "POST", "/hello"))[0] == 400
    assert (await ask(logger, "HEAD", "/hello"))[0] == 400


async def test_deleting_an_app_deletes_its_lines(logger: RunningLogger) -> None:
    async with connected(logger.settings.tcp) as sender:
        sender.send(message(1))
        await sender.acknowledges(1)
        late = message(2)
        await logger.client.delete("hello")
        await logger.client.delete("unknown")
        sender.send(late)
        await sender.acknowledges(2)

    assert (await ask(logger, "GET", "/hello"))[0] == 204


async def test_the_client_tells_what_the_logger_says(logger: RunningLogger) -> None:
    assert not (await logger.client.tail("hello", 10)).found
    assert not (await logger.client.tail("hello", "abc")).found
    assert not (await logger.client.tail("../x", 10)).found
    with pytest.raises(LoggerAway):
        await LogClient(dict).tail("hello", 10)
    with pytest.raises(LoggerAway):
        await LogClient(lambda: {"control-1": "127.0.0.1:9"}).delete("hello")


async def test_many_lines_are_answered_whole(logger: RunningLogger) -> None:
    async with connected(logger.settings.tcp) as sender:
        sender.send(*(message(seq, f"{seq} " + "x" * 500) for seq in range(1, 5001)))
        await sender.acknowledges(5000)

    lines = await logger.lines()

    assert [int(line.split(" ")[0]) for line in lines] == list(range(1, 5001))


async def test_a_taken_address_is_told(logger: RunningLogger, tmp_path: Path) -> None:
    with pytest.raises(LoggerError, match="cannot listen"):
        await LoggerServer(logger.settings).run()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_a_full_disk_holds_acknowledgements_back_and_loses_nothing(
    logger: RunningLogger, small_disk: Path
) -> None:
    await logger.stop()
    logger.adjust(directory=small_disk)
    await logger.start()
    async with connected(logger.settings.tcp) as sender:
        sender.send(message(1))
        await sender.acknowledges(1)
        filler = small_disk / "filler"
        _fill(filler)
        sender.send(*(message(seq, f"line {seq} " + "x" * 4096) for seq in range(2, 20)))
        await eventually(lambda: logger.server.counts[Outcome.STORED] == 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await sender.reader.readline()
        filler.unlink()
        await sender.acknowledges(19)

    assert len(await logger.lines()) == 19
    await logger.stop()


def _file(logger: RunningLogger, app: str = "hello") -> list[str]:
    return (logger.directory / f"{app}.log").read_text().splitlines()


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while out.write(b"x" * 4096):
            pass
