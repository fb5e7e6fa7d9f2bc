"""The API when its neighbours fail, its callers leave, or its input is hostile."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from deis_control.api.routes import ROUTES
from deis_control.db.migrate import migrate
from deis_control.db.pool import Database, DatabaseAway
from deis_node.cluster.seal import Ring
from deis_node.runtime.tasks import Tasks, forever, spawn
from tests.fixtures.control import Api, Client, served
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.waiting import eventually

HOSTILE = [
    "; x",
    "$(x)",
    "`x`",
    "'",
    '"',
    "\\",
    "a\nb",
    "a\rb",
    "\x00",
    "\t",
    "--upload-pack=x",
    "ext::x",
    "file:///etc/passwd",
    "../../x",
    "%2e%2e%00",
    "{{x}}",
    "}",
    "${VAR}",
    "x" * 70_000,
    "",
    " ",
    "а",
    "\u202e",
    "😀",
    "\ud800",
    "xn--a",
    "*",
    "0",
    "-1",
    str(2**31),
    str(2**63),
    "1e309",
    "true",
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    10**400,
    1.5,
    1e300,
    [],
    {},
    ["x"],
    {"x": "y"},
    {"\x00": "\x00"},
    {"web": "\x00"},
    {"\ud800": 1},
]
RECEIVER = {"receive_user": "bob", "receive_repo": "hello"}
PUSH = RECEIVER | dict.fromkeys(
    ("sha", "fingerprint", "ssh_connection", "ssh_original_command"), "a"
)
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/auth/register/", {"username": "eve", "password": "x", "email": "", "first_name": ""}),
    ("/v1/auth/login/", {"username": "bob", "password": "x"}),
    ("/v1/keys/", {"id": "mine", "public": "ssh-rsa AAAA"}),
    ("/v1/apps/", {"id": "other"}),
    ("/v1/apps/hello/", {"owner": "nobody"}),
    ("/v1/apps/hello/config/", {"values": {}, "memory": {}, "cpu": {}, "tags": {}}),
    ("/v1/apps/hello/builds/", {"image": "x", "sha": "", "procfile": {}, "dockerfile": ""}),
    ("/v1/apps/hello/releases/rollback/", {"version": 1}),
    ("/v1/apps/hello/scale/", {"web": 1}),
    ("/v1/hooks/push/", PUSH),
    ("/v1/hooks/config/", RECEIVER),
    ("/v1/hooks/build/", RECEIVER | {"image": "x", "sha": "a", "procfile": {}}),
]


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


@pytest.mark.parametrize(
    ("path", "field"), [(path, field) for path, body in BODIES for field in body]
)
async def test_no_value_of_a_field_breaks_the_server(
    api: Api, bob: Client, built_app: str, path: str, field: str
) -> None:
    client = api.builder() if "/hooks/" in path else bob
    valid = next(body for known, body in BODIES if known == path)
    for value in HOSTILE:
        answer = await client.post(path, json.dumps(valid | {field: value}).encode())
        assert answer.status < 500, (value, answer.text)


@pytest.mark.parametrize("section", ["values", "memory", "cpu", "tags"])
async def test_no_entry_of_a_config_breaks_the_server(
    bob: Client, fresh_app: str, section: str
) -> None:
    texts = [value for value in HOSTILE if isinstance(value, str)]
    entries = [{"KEY": value} for value in HOSTILE] + [{"web": value} for value in HOSTILE]
    for entry in [*entries, *({text: "1"} for text in texts)]:
        body = json.dumps({section: entry}).encode()
        answer = await bob.post(f"{fresh_app}/config/", body)
        assert answer.status < 500, (entry, answer.text)


@pytest.mark.parametrize("text", ["%00", "%0a", "..%2f..", "%ff", "%ed%a0%80", "a%2fb", "'", "{"])
async def test_no_path_breaks_the_server(admin: Client, built_app: str, text: str) -> None:
    for route in ROUTES:
        if route.method == "GET" and "logs" not in route.path:
            names = dict.fromkeys(("app", "type", "num", "uuid", "version", "other", "id"), text)
            for path in (route.path.format(**names), route.path.format(**names | {"app": "hello"})):
                assert (await admin.get(path)).status < 500, path


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
