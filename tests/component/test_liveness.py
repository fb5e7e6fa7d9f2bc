"""Liveness checks against a real server that answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from deis_node.cluster.records import HealthCheck
from deis_node.publisher.liveness import Life
from deis_node.publisher.settings import PublisherSettings
from deis_node.runtime.tasks import Tasks
from tests.builders import make_placement, make_view
from tests.fixtures.waiting import eventually

SETTINGS = replace(PublisherSettings(), liveness=0.02, liveness_again=0.01)
CHECKED = make_placement(liveness=HealthCheck("/live"))


class Server:
    """Answers with a status each, the last one for ever; the paths that it was asked for."""

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.asked: list[str] = []
        self.address = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            status = self.statuses[min(len(self.asked), len(self.statuses) - 1)]
            self.asked.append(head.decode().split()[1])
            writer.write(f"HTTP/1.0 {status} As told\r\n\r\n".encode())
        writer.close()


@asynccontextmanager
async def serving(*statuses: int) -> AsyncIterator[Server]:
    made = Server(list(statuses))
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    async with server:
        made.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


class Told:
    """What the check says, and the check itself."""

    def __init__(self, tasks: Tasks) -> None:
        self.words: list[tuple[str, str, str]] = []
        self.life = Life(make_view().name, tasks, SETTINGS, lambda *word: self.words.append(word))


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    async with Tasks() as tasks:
        yield Told(tasks)


async def test_three_failures_in_a_row_are_told_once(told: Told) -> None:
    async with serving(200, 500, 500, 200, 500, 200, 503) as server:
        told.life.keep(make_view(address=server.address), CHECKED, ready=True)
        await eventually(lambda: bool(told.words))
        assert len(server.asked) == 9
    why = "was ended after 3 failures in a row: liveness check /live answered 503, not 200"
    assert told.words == [("hello_v2.web.1", "c1@t1", why)]


async def test_a_run_is_not_asked_before_it_was_ready_but_after_that_whatever_comes(
    told: Told,
) -> None:
    async with serving(200) as server:
        view = make_view(address=server.address)
        told.life.keep(view, CHECKED, ready=False)
        assert server.asked == []
        told.life.keep(view, CHECKED, ready=True)
        await eventually(lambda: bool(server.asked))
        server.statuses.append(500)
        told.life.keep(view, CHECKED, ready=False)
        await eventually(lambda: bool(told.words))


async def test_another_run_is_asked_anew(told: Told) -> None:
    async with serving(500) as server:
        view = make_view(address=server.address)
        told.life.keep(view, CHECKED, ready=True)
        await eventually(lambda: len(told.words) == 1)
        told.life.keep(view, CHECKED, ready=True)
        told.life.keep(replace(view, run=None, address=None), CHECKED, ready=False)
        told.life.keep(replace(view, run="c1@t2"), CHECKED, ready=True)
        await eventually(lambda: len(told.words) == 2)
    assert [run for _, run, _ in told.words] == ["c1@t1", "c1@t2"]


async def test_nobody_is_asked_without_a_check_or_without_an_address(told: Told) -> None:
    async with serving(500) as server:
        told.life.keep(make_view(address=server.address), make_placement(), ready=True)
        told.life.keep(make_view(run="c1@t2", address=None), CHECKED, ready=True)
        told.life.keep(make_view(run="c1@t3", address=server.address), CHECKED, ready=True)
        await eventually(lambda: bool(told.words))
        assert [run for _, run, _ in told.words] == ["c1@t3"]
        assert len(server.asked) == 3
