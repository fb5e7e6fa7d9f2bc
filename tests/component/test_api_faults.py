"""The API when its neighbours fail or its callers leave; hostile input: test_api_hostile."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from deis_control.db.migrate import migrate
from deis_control.db.pool import Database, DatabaseAway
from deis_node.cluster.seal import Ring
from deis_node.runtime.tasks import Tasks, forever, spawn
from tests.fixtures.control import Api, Client, served
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.waiting import eventually


@pytest.fixture
async def own_server() -> AsyncIterator[PostgresServer]:
    """A server that a test may stop."""
    server = PostgresServer()
    server.create()
    server.start()
    async with Database(server.dsn) as database:
        await migrate(database)
    yield server
    server.remove()


async def test_a_database_that_is_away_is_503_with_a_hint(
    own_server: PostgresServer, ring: Ring
) -> None:
    async with Database(own_server.dsn, timeout=2) as database, served(database, ring) as api:
        bob = await api.user("bob")
        own_server.kill()
        for path in ("/v1/", "/v1/apps/", "/v1/apps/hello/"):
            answer = await bob.get(path)
            assert (answer.status, answer.reason) == (503, "SERVICE UNAVAILABLE")
            assert answer.json == {"detail": "The database is temporarily unavailable."}
            assert int(answer.headers["Retry-After"]) > 0
        assert (await api.anonymous.get("/healthz")).status == 200
        own_server.start()
        await eventually(lambda: _answers(bob))


async def test_a_waiting_call_outlasts_a_restart_of_the_database(
    own_server: PostgresServer, ring: Ring
) -> None:
    async with Database(own_server.dsn, timeout=2) as database, served(database, ring) as api:
        bob = await api.user("bob")
        await bob.post("/v1/apps/", {"id": "hello"})
        api.leader.paused = True
        async with asyncio.TaskGroup() as group:
            call = spawn(group, "config", bob.post("/v1/apps/hello/config/", {"values": {}}))
            await eventually(lambda: _queued(api))
            own_server.kill()
            own_server.start()
            api.leader.paused = False
        assert call.result().status == 201


async def test_hints_come_again_after_a_restart_of_the_database(
    own_server: PostgresServer,
) -> None:
    async with Database(own_server.dsn, timeout=2) as database, Tasks() as tasks:
        tasks.start("database", forever("database", database.run))
        async with database.listen("apps") as hint:
            assert await hint.wait(10), "the connection itself is a hint"
            own_server.kill()
            own_server.start()
            hint.clear()
            assert await hint.wait(30)


async def test_a_caller_that_leaves_does_not_take_the_change_along(
    api: Api, bob: Client, fresh_app: str
) -> None:
    api.leader.paused = True
    async with asyncio.TaskGroup() as group:
        call = spawn(
            group, "config", _gone(bob.post(f"{fresh_app}/config/", {"values": {"A": "1"}}))
        )
        await eventually(lambda: _queued(api))
        call.cancel()
    api.leader.paused = False

    async def released() -> bool:
        return bool((await bob.get(f"{fresh_app}/config/")).json["values"] == {"A": "1"})

    await eventually(released)


async def test_many_changes_at_once_are_all_released_in_order(bob: Client, fresh_app: str) -> None:
    posts = (
        bob.post(f"{fresh_app}/config/", {"values": {f"K{number}": "1"}}) for number in range(20)
    )
    answers = await asyncio.gather(*posts)
    assert sorted(int(a.headers["Deis-Release"]) for a in answers) == list(range(2, 22))
    shown = (await bob.get(f"{fresh_app}/config/")).json["values"]
    assert sorted(shown) == sorted(f"K{number}" for number in range(20))


async def test_the_first_account_is_one_even_in_a_race(api: Api) -> None:
    names = [f"user-{number}" for number in range(8)]
    posts = (
        api.anonymous.post("/v1/auth/register/", {"username": name, "password": "x"})
        for name in names
    )
    made = [answer.json["is_superuser"] for answer in await asyncio.gather(*posts)]
    assert sorted(made) == [False] * 7 + [True]


async def _answers(client: Client) -> bool:
    return (await client.get("/v1/")).status == 200


async def _queued(api: Api) -> bool:
    try:
        async with api.leader.database.connection() as conn:
            return bool(await conn.fetchval("SELECT count(*) FROM operations"))
    except DatabaseAway:
        return False


async def _gone(call: Any) -> None:
    try:
        await call
    except aiohttp.ClientError:
        return
