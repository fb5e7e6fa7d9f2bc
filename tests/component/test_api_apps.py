"""Apps over HTTP (api.md section 3)."""

import asyncio
import re
from dataclasses import replace

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


APP_FIELDS = {"uuid", "id", "owner", "url", "structure", "created", "updated"}


async def test_3_an_app_has_the_contracts_fields(bob: Client, fresh_app: str) -> None:
    shown = await bob.get(f"{fresh_app}/")
    assert set(shown.json) == APP_FIELDS
    assert (shown.json["id"], shown.json["owner"]) == ("hello", "bob")
    assert (await bob.get("/v1/apps/")).json["results"] == [shown.json]


async def test_3_lists_have_own_and_shared_apps(api: Api, bob: Client, fresh_app: str) -> None:
    eve = await api.user("eve")
    await eve.post("/v1/apps/", {"id": "hers"})
    await bob.post(f"{fresh_app}/perms/", {"username": "eve"})
    assert [app["id"] for app in (await eve.get("/v1/apps/")).json["results"]] == ["hello", "hers"]
    assert [app["id"] for app in (await bob.get("/v1/apps/")).json["results"]] == ["hello"]
    assert (await api.anonymous.get("/v1/apps/")).status == 401


@pytest.mark.parametrize("body", [None, {}])
async def test_3_an_empty_body_draws_a_name(bob: Client, body: object) -> None:
    made = await bob.post("/v1/apps/", body)
    assert (made.status, set(made.json)) == (201, APP_FIELDS)


@pytest.mark.parametrize("app_id", ["a", "0", "123", "a-b", "a--b", "a" * 64])
async def test_3_what_an_id_may_be(bob: Client, app_id: str) -> None:
    assert (await bob.post("/v1/apps/", {"id": app_id})).status == 201


async def test_3_the_controllers_name_replaces_deis_as_the_reserved_one(
    api: Api, bob: Client
) -> None:
    api.platform = replace(api.platform, subdomain="control")
    refused = await bob.post("/v1/apps/", {"id": "control"})
    assert refused.json == {"id": ["control is a reserved name."]}
    assert (await bob.post("/v1/apps/", {"id": "deis"})).status == 201


async def test_3_an_empty_update_is_for_every_app_user(
    api: Api, bob: Client, fresh_app: str
) -> None:
    eve, stranger = await api.user("eve"), await api.user("stranger")
    await bob.post(f"{fresh_app}/perms/", {"username": "eve"})
    for body in (None, {}):
        for client in (bob, eve):
            answer = await client.post(f"{fresh_app}/", body)
            assert (answer.status, answer.text) == (200, "")
        assert (await stranger.post(f"{fresh_app}/", body)).status == 403
    assert (await eve.post(f"{fresh_app}/", {"owner": "eve"})).status == 403
    assert (await bob.post("/v1/apps/nothing/", {"owner": "eve"})).json == {"detail": "Not found"}


async def test_3_superusers_transfer_too_and_old_things_keep_their_owner(
    api: Api, admin: Client, bob: Client, built_app: str
) -> None:
    eve = await api.user("eve")
    assert (await admin.post(f"{built_app}/", {"owner": "eve"})).status == 200
    shown = (await eve.get(f"{built_app}/releases/v1/")).json
    assert (shown["owner"], shown["summary"]) == ("bob", "bob created initial release")
    assert (await eve.get(f"{built_app}/containers/")).json["results"][0]["owner"] == "eve"


async def test_3_the_old_owner_keeps_what_he_was_granted(
    api: Api, admin: Client, bob: Client, fresh_app: str
) -> None:
    await bob.post(f"{fresh_app}/perms/", {"username": "bob"})
    await bob.post(f"{fresh_app}/", {"owner": "admin"})
    assert (await bob.get(f"{fresh_app}/")).status == 200
    assert (await bob.delete(f"{fresh_app}/")).status == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_3_other_methods_are_405(bob: Client, fresh_app: str, method: str) -> None:
    for path in ("/v1/apps/", f"{fresh_app}/"):
        assert (await bob.call(method, path, {})).status == 405


async def test_3_a_collaborator_does_not_destroy(api: Api, bob: Client, fresh_app: str) -> None:
    eve = await api.user("eve")
    await bob.post(f"{fresh_app}/perms/", {"username": "eve"})
    assert (await eve.delete(f"{fresh_app}/")).status == 403
    assert (await eve.delete("/v1/apps/nothing/")).status == 404
    assert (await bob.get(f"{fresh_app}/")).status == 200


async def test_3_all_that_belongs_to_an_app_goes_with_it(
    api: Api, bob: Client, built_app: str
) -> None:
    await bob.post(f"{built_app}/domains/", {"domain": "www.example.org"})
    await bob.post("/v1/tokens/", {"name": "ci", "scope": "deploy", "app": "hello"})
    await bob.delete(f"{built_app}/")
    tables = ("releases", "configs", "builds", "domains", "operations", "operation_phases")
    async with api.leader.database.connection() as conn:
        left = [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    assert left == [0] * len(tables)
    assert [token["name"] for token in (await bob.get("/v1/tokens/")).json["results"]] == [""]
    assert (await bob.post("/v1/apps/", {"id": "hello"})).status == 201
    assert (await bob.get(f"{built_app}/domains/")).json["count"] == 0
