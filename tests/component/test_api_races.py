"""What a change is about goes while it is made: a refusal, never a 500.

Somebody else's transaction has removed the account or the app and is about to commit; the request
has found everything in order and waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deis_control.db.pool import Connection
from deis_node.runtime.tasks import spawn
from tests.fixtures.certificates import issue
from tests.fixtures.control import Answer, Api, Client
from tests.fixtures.waiting import eventually

KEY = {"id": "bob@box", "public": "ssh-rsa AAAAB3NzaC1yc2E= bob@box"}
PUSH = {"receive_user": "bob", "receive_repo": "hers"} | dict.fromkeys(
    ("sha", "fingerprint", "ssh_connection", "ssh_original_command"), "a"
)
GONE = {"detail": "What this is about was removed meanwhile."}

Ask = Callable[["World"], Awaitable[Answer]]


class World:
    """Eve's app `hers`, shared with bob, who owns nothing."""

    def __init__(self, api: Api, admin: Client, bob: Client, eve: Client) -> None:
        self.api, self.admin, self.bob, self.eve = api, admin, bob, eve


@pytest.fixture
async def world(api: Api, admin: Client, bob: Client) -> World:
    eve = await api.user("eve")
    await eve.post("/v1/apps/", {"id": "hers"})
    await eve.post("/v1/apps/hers/builds/", {"image": "x"})
    await eve.post("/v1/apps/hers/perms/", {"username": "bob"})
    for client in (admin, bob, eve):
        assert (await client.get("/v1/")).status == 200, "its use is noted, so that is over"
    return World(api, admin, bob, eve)


async def _meanwhile(world: World, statement: str, ask: Ask) -> Answer:
    """Ask while the statement's transaction is open; it commits when the question waits for it."""
    database = world.api.leader.database
    async with asyncio.TaskGroup() as group, database.transaction("somebody else's") as conn:
        await conn.execute(statement)
        asked = spawn(group, "ask", ask(world))
        await eventually(lambda: _waits_or_is_done(conn, asked))
    return asked.result()


async def _waits_or_is_done(conn: Connection, asked: "asyncio.Task[Any]") -> bool:
    query = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    # Else a transaction goes on seeing the connections that there were when it first looked.
    await conn.execute("SELECT pg_stat_clear_snapshot()")
    return asked.done() or bool(await conn.fetchval(query))


BY_BOB: dict[str, Ask] = {
    "an app": lambda w: w.bob.post("/v1/apps/", {"id": "mine"}),
    "a drawn app": lambda w: w.bob.post("/v1/apps/"),
    "a key": lambda w: w.bob.post("/v1/keys/", KEY),
    "a token": lambda w: w.bob.post("/v1/tokens/", {"name": "ci", "scope": "read"}),
    "a certificate": lambda w: w.bob.post("/v1/certs/", issue("www.example.org")),
    "a login": lambda w: w.api.anonymous.post(
        "/v1/auth/login/", {"username": "bob", "password": "secret"}
    ),
    "a config": lambda w: w.bob.post("/v1/apps/hers/config/", {"values": {"A": "1"}}),
    "a build": lambda w: w.bob.post("/v1/apps/hers/builds/", {"image": "y"}),
    "a scale": lambda w: w.bob.post("/v1/apps/hers/scale/", {"cmd": 2}),
    "a restart": lambda w: w.bob.post("/v1/apps/hers/containers/restart/"),
    "a rollback": lambda w: w.bob.post("/v1/apps/hers/releases/rollback/"),
    "a domain": lambda w: w.bob.post("/v1/apps/hers/domains/", {"domain": "www.example.org"}),
    "a push": lambda w: w.api.builder().post("/v1/hooks/push", PUSH),
    "a grant": lambda w: w.eve.post("/v1/apps/hers/perms/", {"username": "bob"}),
    "a transfer": lambda w: w.eve.post("/v1/apps/hers/", {"owner": "bob"}),
    "a superuser": lambda w: w.admin.post("/v1/admin/perms/", {"username": "bob"}),
    "a password": lambda w: w.admin.post(
        "/v1/auth/passwd/", {"username": "bob", "new_password": "x"}
    ),
    "a regenerated token": lambda w: w.bob.post("/v1/auth/tokens/"),
    "an end": lambda w: w.bob.delete("/v1/auth/cancel/"),
}


@pytest.mark.parametrize("name", BY_BOB)
async def test_an_account_goes_while_something_is_made_for_it(world: World, name: str) -> None:
    if name == "a grant":
        await world.eve.delete("/v1/apps/hers/perms/bob")
    answer = await _meanwhile(world, "DELETE FROM users WHERE username = 'bob'", BY_BOB[name])
    assert answer.status in (401, 404, 409), answer.text
    if answer.status == 409:
        assert answer.json == GONE
    shown = (await world.eve.get("/v1/apps/hers/")).json
    assert (shown["owner"], shown["structure"]) == ("eve", {"cmd": 1})
    assert (await world.eve.post("/v1/apps/hers/config/", {})).headers["Deis-Release"] == "3"


ABOUT_HERS: dict[str, Ask] = {
    "a token": lambda w: w.eve.post("/v1/tokens/", {"name": "ci", "scope": "read", "app": "hers"}),
    "a config": BY_BOB["a config"],
    "a build": BY_BOB["a build"],
    "a scale": BY_BOB["a scale"],
    "a restart": BY_BOB["a restart"],
    "a rollback": BY_BOB["a rollback"],
    "a domain": BY_BOB["a domain"],
    "a push": BY_BOB["a push"],
    "a grant": lambda w: w.eve.post("/v1/apps/hers/perms/", {"username": "admin"}),
    "a transfer": BY_BOB["a transfer"],
    "a destroy": lambda w: w.eve.delete("/v1/apps/hers/"),
}


@pytest.mark.parametrize("name", ABOUT_HERS)
async def test_an_app_goes_while_something_is_made_for_it(world: World, name: str) -> None:
    answer = await _meanwhile(world, "DELETE FROM apps", ABOUT_HERS[name])
    assert answer.status in (404, 409), answer.text
    assert (await world.eve.get("/v1/apps/hers/")).status == 404
    assert (await world.eve.get("/v1/tokens/")).json["count"] == 1


async def test_an_account_that_is_made_the_owner_of_an_app_does_not_end(world: World) -> None:
    """The transfer came first: the end waits for it, and sees it."""
    statement = """UPDATE apps SET owner_id = users.id FROM users
        WHERE users.username = 'bob' AND apps.id = 'hers'"""
    answer = await _meanwhile(world, statement, BY_BOB["an end"])
    assert answer.status == 409
    assert answer.json["detail"].startswith("bob still has applications assigned.")
    assert (await world.bob.get("/v1/apps/hers/")).json["owner"] == "bob"


async def test_many_accounts_end_while_they_are_at_work(world: World) -> None:
    """Nothing that any of them is told is a 500, and what is left is whole."""
    users = [await world.api.user(f"user-{number}") for number in range(8)]
    for number in range(8):
        await world.eve.post("/v1/apps/hers/perms/", {"username": f"user-{number}"})

    async def work(user: Client, number: int) -> list[Answer]:
        return [
            await user.post("/v1/apps/hers/config/", {"values": {f"K{number}": "1"}}),
            await user.post("/v1/apps/hers/domains/", {"domain": f"n{number}.example.org"}),
            await user.post("/v1/tokens/", {"name": "ci", "scope": "read"}),
        ]

    async with asyncio.TaskGroup() as group:
        works = [spawn(group, f"work {n}", work(user, n)) for n, user in enumerate(users)]
        ends = [spawn(group, f"end {n}", u.delete("/v1/auth/cancel/")) for n, u in enumerate(users)]
    answers = [answer for task in works for answer in task.result()]
    assert all(answer.status < 500 for answer in answers), [a.text for a in answers]
    assert {task.result().status for task in ends} == {204}
    listed = (await world.admin.get("/v1/users/")).json["results"]
    assert {user["username"] for user in listed} == {"admin", "bob", "eve"}
    assert (await world.eve.post("/v1/apps/hers/config/", {})).status == 201
    for path in ("releases", "domains"):
        found = (await world.eve.get(f"/v1/apps/hers/{path}/")).json["results"]
        assert {item["owner"] for item in found} <= {"eve"}
