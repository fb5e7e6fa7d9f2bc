"""Releases and rollback over HTTP (api.md section 6)."""

import asyncio
from typing import Any

import pytest

from deis_control.db import apps, operations
from deis_node.runtime.tasks import spawn
from tests.fixtures.control import Api, Client
from tests.fixtures.waiting import eventually


async def test_releases_are_listed_newest_first(bob: Client, built_app: str) -> None:
    listed = (await bob.get(f"{built_app}/releases/?page_size=100")).json
    assert [release["version"] for release in listed["results"]] == [2, 1]
    assert set(listed["results"][0]) == {
        "uuid",
        "app",
        "owner",
        "created",
        "updated",
        "version",
        "summary",
        "config",
        "build",
    }
    assert (await bob.post(f"{built_app}/releases/")).status == 405


@pytest.mark.parametrize("version", ["v3", "v0", "v" + "9" * 30])
async def test_an_unknown_release_is_404(bob: Client, built_app: str, version: str) -> None:
    assert (await bob.get(f"{built_app}/releases/{version}/")).status == 404


async def test_a_rollback_brings_build_and_config_back(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/config/", {"values": {"A": "1"}})
    made = await bob.post(f"{built_app}/releases/rollback/", {"version": 2})
    assert (made.status, made.json) == (201, {"version": 4})
    assert (await bob.get(f"{built_app}/config/")).json["values"] == {}
    shown = (await bob.get(f"{built_app}/releases/v4/")).json
    assert shown["summary"] == "bob rolled back to v2"
    assert shown["build"] == (await bob.get(f"{built_app}/releases/v2/")).json["build"]
    after = await bob.post(f"{built_app}/config/", {"values": {"C": "3"}})
    assert after.json["values"] == {"C": "3", "DEIS_APP": "hello", "DEIS_RELEASE": "v5"}
    assert (await bob.get(f"{built_app}/releases/v5/")).json["summary"] == "bob added C"


@pytest.mark.parametrize("body", [None, {}, {"version": 0}, {"version": None}, {"version": "0"}])
async def test_without_a_version_it_goes_back_by_one(
    bob: Client, built_app: str, body: Any
) -> None:
    await bob.post(f"{built_app}/config/", {"values": {"A": "1"}})
    made = await bob.post(f"{built_app}/releases/rollback/", body)
    assert made.json == {"version": 4}
    assert (await bob.get(f"{built_app}/releases/v4/")).json["summary"] == "bob rolled back to v2"


async def test_going_back_by_one_skips_releases_that_failed(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.reason = "no"
    await bob.post(f"{built_app}/config/", {"values": {"A": "1"}})
    api.leader.reason = None
    await bob.post(f"{built_app}/config/", {"values": {"B": "1"}})
    assert (await bob.post(f"{built_app}/releases/rollback/")).json == {"version": 5}
    assert (await bob.get(f"{built_app}/releases/v5/")).json["summary"] == "bob rolled back to v2"


@pytest.mark.parametrize(
    ("version", "status"),
    [(-1, 400), ("x", 400), (9, 404), ("9", 404), (10**30, 404), (3, 404)],
)
async def test_what_cannot_be_rolled_back_to(
    api: Api, bob: Client, built_app: str, version: object, status: int
) -> None:
    api.leader.reason = "so v3 has failed"
    await bob.post(f"{built_app}/config/", {})
    answer = await bob.post(f"{built_app}/releases/rollback/", {"version": version})
    assert answer.status == status


async def test_before_v1_there_is_nothing(bob: Client, fresh_app: str) -> None:
    answer = await bob.post(f"{fresh_app}/releases/rollback/")
    assert (answer.status, answer.json) == (400, {"detail": "version cannot be below 0"})


async def test_a_failed_rollback_is_503(api: Api, bob: Client, built_app: str) -> None:
    api.leader.reason = "the image is gone"
    answer = await bob.post(f"{built_app}/releases/rollback/", {"version": 1})
    assert (answer.status, answer.json) == (503, {"detail": "the image is gone"})


async def test_a_rollback_asks_for_the_end_of_a_running_deploy(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    async with asyncio.TaskGroup() as group:
        spawn(group, "deploy", bob.post(f"{built_app}/config/", {"values": {"A": "1"}}))
        await eventually(lambda: _open(api, 1))
        back = spawn(group, "rollback", bob.post(f"{built_app}/releases/rollback/"))
        await eventually(lambda: _open(api, 2))
        found = await _unfinished(api)
        api.leader.paused = False
    assert [operation.cancel for operation in found] == [True, False]
    assert back.result().json == {"version": 3}
    assert (await bob.get(f"{built_app}/releases/v3/")).json["summary"] == "bob rolled back to v2"


async def _unfinished(api: Api) -> tuple[Any, ...]:
    async with api.leader.database.connection() as conn:
        app = await apps.find(conn, "hello")
        return await operations.open_of(conn, app.uuid)


async def _open(api: Api, number: int) -> bool:
    return len(await _unfinished(api)) == number


@pytest.mark.parametrize("version", [2, "2"])
async def test_6_digits_count_as_numbers(bob: Client, built_app: str, version: object) -> None:
    await bob.post(f"{built_app}/config/", {"values": {"A": "1"}})
    made = await bob.post(f"{built_app}/releases/rollback/", {"version": version})
    assert (made.status, made.reason, made.json) == (201, "CREATED", {"version": 4})
    assert type(made.json["version"]) is int


async def test_6_below_one_is_400_with_the_contracts_text(bob: Client, built_app: str) -> None:
    answer = await bob.post(f"{built_app}/releases/rollback/", {"version": -1})
    assert (answer.status, answer.json) == (400, {"detail": "version cannot be below 0"})


async def test_6_back_to_v1_without_a_build_is_allowed(bob: Client, built_app: str) -> None:
    assert (await bob.post(f"{built_app}/releases/rollback/", {"version": 1})).status == 201
    shown = (await bob.get(f"{built_app}/releases/v3/")).json
    assert (shown["build"], shown["summary"]) == (None, "bob rolled back to v1")


async def test_6_limits_and_tags_come_back_with_the_config(bob: Client, built_app: str) -> None:
    body = {"memory": {"web": "1M"}, "cpu": {"web": 5}, "tags": {"rack": "one"}}
    await bob.post(f"{built_app}/config/", body)
    await bob.post(f"{built_app}/config/", {name: dict.fromkeys(body[name]) for name in body})
    await bob.post(f"{built_app}/releases/rollback/", {"version": 3})
    shown = (await bob.get(f"{built_app}/config/")).json
    assert {name: shown[name] for name in body} == body


async def test_6_a_release_belongs_to_who_made_it(api: Api, bob: Client, built_app: str) -> None:
    eve = await api.user("eve")
    await bob.post(f"{built_app}/perms/", {"username": "eve"})
    await eve.post(f"{built_app}/releases/rollback/", {"version": 1})
    shown = (await bob.get(f"{built_app}/releases/v3/")).json
    assert (shown["owner"], shown["summary"]) == ("eve", "eve rolled back to v1")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_6_rollback_is_posted(bob: Client, built_app: str, method: str) -> None:
    assert (await bob.call(method, f"{built_app}/releases/rollback/")).status == 405


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ({"values": {"C": "", "B": "2"}}, "bob added B, C"),
        ({"values": {"A": "2"}}, "bob changed A"),
        ({"values": {"A": None}}, "bob deleted A"),
        ({"values": {"A": None, "B": "1", "C": "2"}}, "bob added B, C, deleted A"),
        ({"memory": {"web": "1M"}}, "bob changed limits for memory"),
        ({"cpu": {"web": 1}}, "bob changed limits for cpu"),
        ({"tags": {"b": "1", "a": "2"}}, "bob added tag a, b"),
        ({"tags": {"rack": "2"}}, "bob changed tag rack"),
        ({"tags": {"rack": None}}, "bob deleted tag rack"),
        (
            {"values": {"B": "2"}, "memory": {"web": "1M"}, "cpu": {"web": 1}, "tags": {"a": "b"}},
            "bob added B and bob changed limits for memory, cpu and bob added tag a",
        ),
        ({"values": {"A": "1"}}, "bob changed nothing"),
        ({"values": {"NEVER": None}}, "bob changed nothing"),
    ],
)
async def test_semantics_3_summaries(
    bob: Client, fresh_app: str, body: dict[str, Any], summary: str
) -> None:
    await bob.post(f"{fresh_app}/config/", {"values": {"A": "1"}, "tags": {"rack": "1"}})
    await bob.post(f"{fresh_app}/config/", body)
    assert (await bob.get(f"{fresh_app}/releases/v3/")).json["summary"] == summary
