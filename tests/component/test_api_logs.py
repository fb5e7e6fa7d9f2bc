"""An app's log over HTTP (api.md section 9)."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deis_node.runtime.tasks import Tasks
from tests.fixtures.control import Api, Client
from tests.fixtures.logger import RunningLogger


async def _write(api: Api, logger: RunningLogger, number: int) -> None:
    api.log_address, api.event_address = logger.settings.http, logger.settings.tcp
    for line in range(number):
        api.events.send("hello", f"line {line}")
    async with Tasks() as tasks:
        tasks.start("events", api.events.run())
        await logger.has(number)


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
