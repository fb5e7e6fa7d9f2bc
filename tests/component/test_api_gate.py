"""Too many requests at once: the rest is refused at the door, and health is always answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp.test_utils import TestServer

from deis_control.api.app import make_app
from deis_control.db.pool import Database
from deis_node.runtime.tasks import Tasks
from tests.fixtures.control import Api, Client
from tests.fixtures.waiting import eventually

AT_ONCE = 2


@pytest.fixture
async def narrow(api: Api, bob: Client) -> AsyncIterator[Client]:
    """Bob at an API that works on two requests at a time."""
    server = TestServer(make_app(api.services, at_once=AT_ONCE), access_log=None)
    await server.start_server()
    yield Client(bob.session, str(server.make_url("")).rstrip("/"), bob.token)
    await server.close()


async def test_what_is_too_much_is_refused_at_once(api: Api, narrow: Client) -> None:
    database = api.leader.database
    async with Tasks() as tasks:
        async with database.transaction("hold") as conn:
            await conn.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            held = [tasks.start(f"held {n}", narrow.get("/v1/apps/")) for n in range(AT_ONCE)]
            await eventually(lambda: _waiting(database))
            refused = await narrow.get("/v1/apps/")
            assert refused.json == {"detail": "The controller is busy."}
            assert (refused.reason, refused.headers["Retry-After"]) == ("SERVICE UNAVAILABLE", "1")
            assert refused.headers["DEIS_API_VERSION"] == "1.7"
            assert (await narrow.get("/healthz")).status == 200
        assert [(await task).status for task in held] == [200] * AT_ONCE
    assert (await narrow.get("/v1/apps/")).status == 200


async def test_those_who_wait_for_an_operation_keep_nobody_out(
    api: Api, narrow: Client, fresh_app: str
) -> None:
    api.leader.paused = True
    async with Tasks() as tasks:
        body = {"values": {"A": "1"}}
        calls = [
            tasks.start(f"change {n}", narrow.post(f"{fresh_app}/config/", body))
            for n in range(AT_ONCE * 2)
        ]
        for _ in calls:
            await asyncio.sleep(0)
        path = f"{fresh_app}/operations/?open=true"
        await eventually(lambda: _counts(narrow, path))
        api.leader.paused = False
        statuses = [(await call).status for call in calls]
        assert set(statuses) <= {201, 503}
        assert statuses.count(201) >= AT_ONCE


async def test_those_who_watch_keep_nobody_out(api: Api, narrow: Client, fresh_app: str) -> None:
    api.leader.paused = True
    made = await narrow.post(f"{fresh_app}/config/", {}, headers={"Prefer": "respond-async"})
    path = f"/v1/operations/{made.json['id']}/"
    headers = {"Accept": "text/event-stream", "Authorization": f"token {narrow.token}"}
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(narrow.session.get(narrow.url + path, headers=headers))
            for _ in range(AT_ONCE + 1)
        ]
        assert (await narrow.get(path)).json["outcome"] is None
        api.leader.paused = False
        texts = [await stream.text() for stream in streams]
        assert all("event: end" in text for text in texts)


async def test_slow_bodies_keep_nobody_out(narrow: Client) -> None:
    host, port = narrow.url.removeprefix("http://").split(":")
    request = b"POST /v1/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    writers = []
    for _ in range(AT_ONCE + 1):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        await writer.drain()
        writers.append(writer)
    for _ in range(20):
        assert (await narrow.get("/v1/apps/")).status == 200
    for writer in writers:
        writer.close()
        await writer.wait_closed()


async def _waiting(database: Database) -> bool:
    """Whether as many requests as there are places wait for the lock."""
    query = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    async with database.connection() as conn:
        return bool(await conn.fetchval(query) == AT_ONCE)


async def _counts(client: Client, path: str) -> bool:
    """Whether there are as many open operations as places, and somebody can still be told."""
    answer = await client.get(path)
    return answer.status == 200 and bool(answer.json["count"] >= AT_ONCE)
