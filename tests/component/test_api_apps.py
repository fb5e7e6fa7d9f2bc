"""Apps over HTTP (api.md section 3)."""

import asyncio
import re

import pytest

from deis_control.db import apps
from deis_node.runtime.tasks import Tasks, spawn
from tests.fixtures.control import Api, Client
from tests.fixtures.logger import RunningLogger
from tests.fixtures.waiting import eventually


async def test_an_app_is_made_with_its_first_release(bob: Client) -> None:
    made = await bob.post("/v1/apps/", {"id": "hello"})
    assert made.status == 201
    assert made.reason == "CREATED"
    assert made.json["url"] == "hello.example.com"
    assert made.json["structure"] == {}
    releases = await bob.get("/v1/apps/hello/releases/")
    assert [(r["version"], r["summary"]) for r in releases.json["results"]] == [
        (1, "bob created initial release")
    ]


async def test_without_an_id_a_name_is_drawn(bob: Client) -> None:
    made = await bob.post("/v1/apps/")
    assert re.fullmatch("[a-z]{6}-[a-z]{8}", made.json["id"])


async def test_a_destroyed_app_frees_its_id(bob: Client) -> None:
    await bob.post("/v1/apps/", {"id": "hello"})
    await bob.post("/v1/apps/hello/builds/", {"image": "deis/example-go"})
    gone = await bob.delete("/v1/apps/hello/")
    assert (gone.status, gone.text) == (204, "")
    assert (await bob.get("/v1/apps/hello/")).status == 404
    assert (await bob.post("/v1/apps/", {"id": "hello"})).status == 201


async def test_a_destroy_that_fails_leaves_the_app(api: Api, bob: Client) -> None:
    await bob.post("/v1/apps/", {"id": "hello"})
    api.leader.reason = "a host does not answer"
    failed = await bob.delete("/v1/apps/hello/")
    assert (failed.status, failed.json) == (503, {"detail": "a host does not answer"})
    api.leader.reason = None
    assert (await bob.delete("/v1/apps/hello/")).status == 204


@pytest.mark.parametrize(
    ("app_id", "texts"),
    [
        ("", ["This field may not be blank."]),
        (None, ["This field may not be null."]),
        ("UPPER", ["App IDs can only contain [a-z0-9-]."]),
        (
            "a b",
            [
                "Enter a valid 'slug' consisting of letters, numbers, underscores or hyphens.",
                "App IDs can only contain [a-z0-9-].",
            ],
        ),
        ("a" * 65, ["Ensure this field has no more than 64 characters."]),
        ("-a", ["App IDs must start and end with a letter or a digit."]),
        ("a-", ["App IDs must start and end with a letter or a digit."]),
        ("deis", ["deis is a reserved name."]),
        ("deis-store", ["deis-store is a reserved name."]),
    ],
)
async def test_what_an_id_may_not_be(bob: Client, app_id: str | None, texts: list[str]) -> None:
    answer = await bob.post("/v1/apps/", {"id": app_id})
    assert (answer.status, answer.reason, answer.json) == (400, "BAD REQUEST", {"id": texts})


async def test_an_id_is_taken_once(admin: Client, fresh_app: str) -> None:
    answer = await admin.post("/v1/apps/", {"id": "hello"})
    assert answer.json == {"id": ["This field must be unique."]}


async def test_posted_structure_is_ignored(bob: Client) -> None:
    made = await bob.post("/v1/apps/", {"id": "hello", "structure": {"web": 9}})
    assert made.json["structure"] == {}


async def test_domains_are_listed(api: Api, bob: Client, fresh_app: str) -> None:
    query = "INSERT INTO domains (domain, app, owner_id) SELECT 'www.example.com', uuid, owner_id"
    async with api.leader.database.connection() as conn:
        await conn.execute(query + " FROM apps")
    (domain,) = (await bob.get(f"{fresh_app}/domains/?page_size=100")).json["results"]
    assert (domain["domain"], domain["app"], domain["owner"]) == ("www.example.com", "hello", "bob")


async def test_dates_have_the_contracts_form(bob: Client, fresh_app: str) -> None:
    shown = (await bob.get(f"{fresh_app}/")).json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC", shown["created"])


async def test_superusers_see_all_apps(api: Api, admin: Client, fresh_app: str) -> None:
    eve = await api.user("eve")
    assert (await admin.get("/v1/apps/")).json["count"] == 1
    assert (await eve.get("/v1/apps/")).json["count"] == 0


async def test_an_app_can_be_given_away_by_its_owner(api: Api, bob: Client, fresh_app: str) -> None:
    eve = await api.user("eve")
    assert (await bob.post(f"{fresh_app}/", {"owner": "nobody"})).status == 404
    given = await bob.post(f"{fresh_app}/", {"owner": "eve"})
    assert (given.status, given.text) == (200, "")
    assert (await eve.get(f"{fresh_app}/")).json["owner"] == "eve"
    assert (await bob.get(f"{fresh_app}/")).status == 403


async def test_another_destroy_joins_the_first(api: Api, bob: Client, built_app: str) -> None:
    api.leader.paused = True
    async with asyncio.TaskGroup() as group:
        first = spawn(group, "first", bob.delete(f"{built_app}/"))
        await eventually(lambda: _destroying(api))
        second = spawn(group, "second", bob.delete(f"{built_app}/"))
        refused = await bob.post(f"{built_app}/config/", {"values": {"A": "1"}})
        api.leader.paused = False
    assert (refused.status, refused.json) == (409, {"detail": "The app is being destroyed."})
    assert {first.result().status, second.result().status} <= {204, 404}


async def test_destroying_an_app_deletes_its_logs(
    api: Api, bob: Client, fresh_app: str, logger: RunningLogger
) -> None:
    api.log_address, api.event_address = logger.settings.http, logger.settings.tcp
    api.events.send("hello", "an event")
    async with Tasks() as tasks:
        tasks.start("events", api.events.run())
        await logger.has(1)
    await bob.delete(f"{fresh_app}/")
    assert await logger.lines() == []


async def _destroying(api: Api) -> bool:
    async with api.leader.database.connection() as conn:
        return (await apps.find(conn, "hello")).destroying
