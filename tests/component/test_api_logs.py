"""An app's log over HTTP (api.md section 9)."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deis_control.logger.client import EventLog, Forgotten, LogClient
from deis_node.runtime.tasks import Tasks
from tests.fixtures.control import Api, Client
from tests.fixtures.logger import RunningLogger
from tests.fixtures.waiting import eventually


async def _write(api: Api, logger: RunningLogger, number: int) -> None:
    api.log_address, api.event_address = logger.settings.http, logger.settings.tcp
    for line in range(number):
        api.events.send("hello", f"line {line}")
    async with Tasks() as tasks:
        tasks.start("events", api.events.run())
        await logger.has(number)
        # What is not acknowledged yet would be sent once more, and to whoever is written to next.
        await eventually(lambda: not api.events.pending)


async def test_the_last_lines_are_plain_text(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    await _write(api, logger, 3)
    answer = await bob.get(f"{fresh_app}/logs?log_lines=2")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == ["line 1", "line 2"]


@pytest.mark.parametrize("number", ["abc", "-1", "", "%00"])
async def test_a_senseless_number_is_204(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger, number: str
) -> None:
    await _write(api, logger, 1)
    assert (await bob.get(f"{fresh_app}/logs?log_lines={number}")).status == 204


async def test_no_lines_are_204(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    api.log_address = logger.settings.http
    answer = await bob.get(f"{fresh_app}/logs")
    assert (answer.status, answer.text) == (204, "")


async def test_a_logger_that_is_away_is_500_in_plain_text(bob: Client, fresh_app: str) -> None:
    answer = await bob.get(f"{fresh_app}/logs")
    assert (answer.status, answer.text) == (500, "Error accessing logs for hello")
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_9_2_zero_is_the_loggers_own_default(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    await _write(api, logger, 101)
    answer = await bob.get(f"{fresh_app}/logs?log_lines=0")
    assert len(answer.text.splitlines()) == 100


async def test_9_1_the_default_is_1000(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    await _write(api, logger, 1001)
    lines = (await bob.get(f"{fresh_app}/logs")).text.splitlines()
    assert (len(lines), lines[-1].split(": ", 1)[1]) == (1000, "line 1000")


async def test_9_logs_are_the_app_users(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    stranger = await api.user("stranger")
    assert (await stranger.get(f"{fresh_app}/logs")).status == 403
    assert (await bob.get("/v1/apps/nothing/logs")).status == 404


@pytest.mark.parametrize("status", [302, 400, 500, 503])
async def test_9_2_a_logger_that_answers_anything_else_is_500(
    api: Api, bob: Client, fresh_app: str, status: int
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    odd = web.Application()
    odd.router.add_route("*", "/{rest:.*}", refuse)
    async with TestServer(odd) as server:
        api.log_address = f"{server.host}:{server.port}"
        answer = await bob.get(f"{fresh_app}/logs")
    assert (answer.status, answer.text) == (500, "Error accessing logs for hello")


SILENT = "192.0.2.1:9"
"""An address that nobody has (RFC 5737)."""


async def test_lines_of_several_loggers_are_one_log(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger, tmp_path: Path
) -> None:
    second = RunningLogger(tmp_path / "second")
    await second.start()
    await _write(api, logger, 2)
    await _write(api, second, 2)
    api.log_address = logger.settings.http
    api.more_loggers["control-2"] = second.settings.http
    lines = (await bob.get(f"{fresh_app}/logs")).text.splitlines()
    assert sorted(line.split(": ", 1)[1] for line in lines) == ["line 0", "line 0"] + ["line 1"] * 2
    assert len((await bob.get(f"{fresh_app}/logs?log_lines=3")).text.splitlines()) == 3
    await second.stop()


async def test_what_a_silent_logger_keeps_is_said_to_be_missing(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    api.more_loggers["control-2"] = SILENT
    await _write(api, logger, 1)
    answer = await bob.get(f"{fresh_app}/logs")
    said, missing = (line.split(": ", 1)[1] for line in answer.text.splitlines())
    assert said == "line 0"
    assert missing == "lines that are kept on control-2 are missing: no logger answers there"


async def test_a_silent_logger_is_waited_for_once_and_then_left_alone(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    api.log_address = logger.settings.http
    connections: list[asyncio.StreamWriter] = []

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    api.more_loggers["control-2"] = f"{host}:{port}"
    answers = [await bob.get(f"{fresh_app}/logs") for _ in range(3)]
    assert ["control-2" in answer.text for answer in answers] == [True] * 3
    assert len(connections) == 1
    for writer in connections:
        writer.close()
    server.close()


async def test_a_log_is_deleted_though_a_logger_is_gone_for_long(
    api: Api, logger: RunningLogger
) -> None:
    await _write(api, logger, 1)
    client = LogClient(lambda: {"one": logger.settings.http, "two": "127.0.0.1:9"})
    soon = await EventLog(list, client=client).forget("hello")
    assert soon == Forgotten(("two",), told=False), "it may be back in a moment"
    assert await logger.lines() == []
    late = await EventLog(list, client=client, given_up=0).forget("hello")
    assert late == Forgotten(("two",), told=True)
