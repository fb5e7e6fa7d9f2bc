"""Config, limits and tags over HTTP (api.md section 4)."""

import asyncio
import itertools
import json

import pytest

from deis_control.db.pool import Database
from deis_control.rules import CONFIG_LIMIT, VALUE_LIMIT
from deis_node.runtime.tasks import spawn
from tests.fixtures.control import Api, Client
from tests.fixtures.waiting import eventually

ODD = "line\nline\r\ttab \"quoted\" 'single' $HOME ${X} `id` \\n \x01\x7f é 😀 \u202e"


async def test_each_post_makes_a_release(bob: Client, fresh_app: str) -> None:
    made = await bob.post(f"{fresh_app}/config/", {"values": {"PORT": "5000"}})
    assert (made.status, made.headers["Deis-Release"]) == (201, "2")
    assert made.headers["X-Deis-Release"] == "2"
    assert made.json["values"] == {"PORT": "5000"}
    assert (made.json["app"], made.json["owner"]) == ("hello", "bob")
    nothing = await bob.post(f"{fresh_app}/config/", {})
    assert nothing.headers["Deis-Release"] == "3"
    shown = (await bob.get(f"{fresh_app}/releases/v3/")).json
    assert shown["summary"] == "bob changed nothing"


async def test_with_a_build_the_answer_names_app_and_release(bob: Client, built_app: str) -> None:
    made = await bob.post(f"{built_app}/config/", {"values": {"A": "1"}})
    assert made.json["values"] == {"A": "1", "DEIS_APP": "hello", "DEIS_RELEASE": "v3"}
    assert (await bob.get(f"{built_app}/config/")).json["values"] == {"A": "1"}


async def test_null_removes_a_key(bob: Client, fresh_app: str) -> None:
    await bob.post(f"{fresh_app}/config/", {"values": {"A": "1", "B": "2"}})
    left = await bob.post(f"{fresh_app}/config/", {"values": {"A": None, "NEVER": None}})
    assert left.json["values"] == {"B": "2"}


async def test_values_are_coerced_as_v1_did(bob: Client, fresh_app: str) -> None:
    body = {
        "values": {"A": True, "B": 1, "C": 1.5, "D": ["x"]},
        "memory": '{"web": "512M"}',
        "cpu": {"web": "512", "worker": 1.9},
        "tags": {"rack": 1},
    }
    made = (await bob.post(f"{fresh_app}/config/", body)).json
    assert made["values"] == {"A": "True", "B": "1", "C": "1.5", "D": "[u'x']"}
    assert (made["memory"], made["cpu"]) == ({"web": "512M"}, {"web": 512, "worker": 1})
    assert made["tags"] == {"rack": "1"}


@pytest.mark.parametrize("value", [ODD, "", "x" * VALUE_LIMIT, "é" * (VALUE_LIMIT // 2)])
async def test_any_text_comes_back_as_it_went_in(bob: Client, fresh_app: str, value: str) -> None:
    made = await bob.post(f"{fresh_app}/config/", {"values": {"A": value}})
    assert made.json["values"]["A"] == value
    assert (await bob.get(f"{fresh_app}/config/")).json["values"]["A"] == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\x00b", "A: may not contain NUL"),
        ("a\ud800", "A: may not contain lone surrogates"),
        ("x" * (VALUE_LIMIT + 1), "A: may have 65536 bytes, this has 65537"),
        ("é" * VALUE_LIMIT, "A: may have 65536 bytes, this has 131072"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_name(
    bob: Client, fresh_app: str, value: str, text: str
) -> None:
    answer = await bob.post(f"{fresh_app}/config/", {"values": {"A": value}})
    assert (answer.status, answer.json) == (400, {"values": [text]})


async def test_a_config_has_a_bound_over_all_releases(bob: Client, fresh_app: str) -> None:
    large = {f"K{number}": "x" * VALUE_LIMIT for number in range(11)}
    assert (await bob.post(f"{fresh_app}/config/", {"values": large})).status == 201
    answer = await bob.post(f"{fresh_app}/config/", {"values": {"MORE": "x" * VALUE_LIMIT}})
    assert answer.status == 400
    assert answer.json["values"][0].startswith(f"A config may have {CONFIG_LIMIT} bytes")


BAD_KEY = "Config keys must start with a letter or underscore and only contain [A-z0-9_]"
BAD_TYPE = "Process types can only contain [a-z]"
BAD_MEMORY = "Limit format: <number><unit>, where unit = B, K, M or G"


@pytest.mark.parametrize(
    ("section", "entries", "text"),
    [
        ("values", {"1A": "x"}, BAD_KEY),
        ("values", {"A-B": None}, BAD_KEY),
        ("values", {"\u212aEY": "x"}, BAD_KEY),
        ("values", None, "This field may not be null."),
        ("values", [], "This field must be an object."),
        ("values", "{", "This field must be an object."),
        ("memory", {"WEB": "1M"}, BAD_TYPE),
        ("memory", {"web\x00": "1M"}, BAD_TYPE),
        ("memory", {"web": "1"}, BAD_MEMORY),
        ("memory", {"web": "1.5G"}, BAD_MEMORY),
        ("memory", {"web": "1T"}, BAD_MEMORY),
        ("memory", {"web": "9" * 18 + "G"}, BAD_MEMORY),
        ("cpu", {"web": "many"}, "CPU shares must be an integer"),
        ("cpu", {"web": -1}, "CPU shares must be an integer"),
        ("cpu", {"web": 1e400}, "CPU shares must be an integer"),
        ("cpu", {"web": 1025}, "CPU shares must be between 0 and 1024"),
        ("tags", {"rack1": "a"}, "Tag keys can only contain [a-z]"),
        ("tags", {"rack": "a b"}, "Invalid tag value"),
        ("tags", {"rack": "a\n"}, "Invalid tag value"),
    ],
)
async def test_texts_of_refusals(
    bob: Client, fresh_app: str, section: str, entries: object, text: str
) -> None:
    answer = await bob.post(f"{fresh_app}/config/", {section: entries})
    if entries == {"web": 1e400}:
        answer = await bob.post(f"{fresh_app}/config/", b'{"cpu": {"web": 1e400}}')
    assert (answer.status, answer.json) == (400, {section: [text]})


async def test_no_body_at_all_is_a_mistake(bob: Client, fresh_app: str) -> None:
    assert (await bob.post(f"{fresh_app}/config/")).status == 400


async def test_limits_and_tags_come_as_the_client_needs_them(bob: Client, fresh_app: str) -> None:
    await bob.post(f"{fresh_app}/config/", {"memory": {"web": "0m"}, "cpu": {"web": "0"}})
    await bob.post(f"{fresh_app}/config/", {"tags": {"rack": "one"}})
    shown = (await bob.get(f"{fresh_app}/config/")).json
    assert (shown["memory"], shown["cpu"], shown["tags"]) == (
        {"web": "0m"},
        {"web": 0},
        {"rack": "one"},
    )
    summaries = [r["summary"] for r in (await bob.get(f"{fresh_app}/releases/")).json["results"]]
    assert summaries[:2] == ["bob added tag rack", "bob changed limits for memory, cpu"]


async def test_a_failed_change_is_503_and_leaves_nothing(
    api: Api, bob: Client, fresh_app: str
) -> None:
    await bob.post(f"{fresh_app}/config/", {"values": {"A": "1"}})
    api.leader.reason = "web.1 exited with code 1"
    failed = await bob.post(f"{fresh_app}/config/", {"values": {"B": "2"}})
    assert (failed.status, failed.reason) == (503, "SERVICE UNAVAILABLE")
    assert failed.json == {"detail": "web.1 exited with code 1"}
    assert (await bob.get(f"{fresh_app}/config/")).json["values"] == {"A": "1"}
    api.leader.reason = None
    made = await bob.post(f"{fresh_app}/config/", {"values": {"C": "3"}})
    assert made.json["values"] == {"A": "1", "C": "3"}
    assert made.headers["Deis-Release"] == "4"


async def test_values_are_sealed_in_the_database(
    database: Database, bob: Client, fresh_app: str
) -> None:
    await bob.post(f"{fresh_app}/config/", {"values": {"SECRET_NAME": "treasure"}})
    async with database.connection() as conn:
        found = await conn.fetch('SELECT "values" AS sealed FROM configs')
        found += await conn.fetch("SELECT delta AS sealed FROM operations")
    sealed = b"".join(row["sealed"] for row in found)
    assert b"treasure" not in sealed
    assert b"SECRET_NAME" not in sealed


async def test_4_a_config_has_the_contracts_fields(bob: Client, fresh_app: str) -> None:
    fields = {"uuid", "app", "owner", "values", "memory", "cpu", "tags", "created", "updated"}
    made = await bob.post(f"{fresh_app}/config/", {"values": {"A": "1"}})
    shown = await bob.get(f"{fresh_app}/config/")
    assert (set(made.json), made.json) == (fields, shown.json)
    release = (await bob.get(f"{fresh_app}/releases/v2/")).json
    assert release["config"] == shown.json["uuid"]


@pytest.mark.parametrize(
    ("section", "entries"),
    [
        ("values", {"A": "1"}),
        ("memory", {"web": "512M"}),
        ("cpu", {"web": 5}),
        ("tags", {"rack": "1"}),
    ],
)
async def test_4_each_section_may_be_json_text_and_null_removes(
    bob: Client, fresh_app: str, section: str, entries: dict[str, object]
) -> None:
    made = await bob.post(f"{fresh_app}/config/", {section: json.dumps(entries)})
    assert made.json[section] == entries
    gone = await bob.post(f"{fresh_app}/config/", {section: dict.fromkeys([*entries, "never"])})
    assert (gone.status, gone.json[section]) == (201, {})


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("values", "_"),
        ("values", "a1_B"),
        ("values", "_HIDDEN"),
        ("memory", "web-1"),
        ("memory", "web_x"),
        ("cpu", "web-1"),
        ("tags", "Rack"),
    ],
)
async def test_4_keys_that_may_be(bob: Client, fresh_app: str, section: str, key: str) -> None:
    value = {"memory": "1G", "cpu": 7}.get(section, "x")
    made = await bob.post(f"{fresh_app}/config/", {section: {key: value}})
    assert (made.status, made.json[section]) == (201, {key: value})


@pytest.mark.parametrize("key", ["1web", "WEB", "-web", ""])
@pytest.mark.parametrize(("section", "value"), [("memory", "1M"), ("cpu", 1)])
async def test_4_process_types_that_may_not_be(
    bob: Client, fresh_app: str, section: str, value: object, key: str
) -> None:
    answer = await bob.post(f"{fresh_app}/config/", {section: {key: value}})
    assert (answer.status, answer.json) == (400, {section: [BAD_TYPE]})
    skipped = await bob.post(f"{fresh_app}/config/", {section: {key: None}})
    assert skipped.status == 201, "rules are skipped where the value is null"


@pytest.mark.parametrize("value", ["1B", "2k", "512M", "20MB", "3gb", "1Kb", "0M", "4G"])
async def test_4_memory_limits_stay_as_given(bob: Client, fresh_app: str, value: str) -> None:
    made = await bob.post(f"{fresh_app}/config/", {"memory": {"web": value}})
    assert made.json["memory"] == {"web": value}


@pytest.mark.parametrize("value", ["5", "1.5G", "1T", "", "M", "-1M", " 1M", "1 M", "1M\n"])
async def test_4_memory_limits_that_may_not_be(bob: Client, fresh_app: str, value: str) -> None:
    answer = await bob.post(f"{fresh_app}/config/", {"memory": {"web": value}})
    assert (answer.status, answer.json) == (400, {"memory": [BAD_MEMORY]})


@pytest.mark.parametrize(
    ("value", "shares"), [("0", 0), (1024, 1024), ("1024", 1024), (True, 1), (7.9, 7)]
)
async def test_4_cpu_shares_are_numbers_in_answers(
    bob: Client, fresh_app: str, value: object, shares: int
) -> None:
    made = await bob.post(f"{fresh_app}/config/", {"cpu": {"web": value}})
    assert made.json["cpu"] == {"web": shares}
    assert type((await bob.get(f"{fresh_app}/config/")).json["cpu"]["web"]) is int


async def test_4_tag_values_are_words(bob: Client, fresh_app: str) -> None:
    made = await bob.post(f"{fresh_app}/config/", {"tags": {"rack": "a_1"}})
    assert made.json["tags"] == {"rack": "a_1"}
    for value in ("", "a-b", "é", "a.b"):
        answer = await bob.post(f"{fresh_app}/config/", {"tags": {"rack": value}})
        assert (answer.status, answer.json) == (400, {"tags": ["Invalid tag value"]})


async def test_4_all_sections_that_are_wrong_are_named(bob: Client, fresh_app: str) -> None:
    body = {"values": {"1": ""}, "memory": {"web": "x"}, "cpu": {"web": 2000}, "tags": None}
    assert set((await bob.post(f"{fresh_app}/config/", body)).json) == set(body)


async def test_4_a_change_waits_for_the_one_before(api: Api, bob: Client, fresh_app: str) -> None:
    """The original answered 409 after 5 s; here changes queue, each with a release of its own."""
    api.leader.paused = True
    async with asyncio.TaskGroup() as group:
        calls = [
            spawn(group, name, bob.post(f"{fresh_app}/config/", {"values": {name: "1"}}))
            for name in ("A", "B")
        ]
        await eventually(lambda: _queued(bob, fresh_app, 2))
        api.leader.paused = False
    assert sorted(call.result().headers["Deis-Release"] for call in calls) == ["2", "3"]


@pytest.mark.parametrize("section", ["memory", "cpu", "tags"])
async def test_4_limits_and_tags_have_a_bound(bob: Client, fresh_app: str, section: str) -> None:
    value: object = {"memory": "1M", "cpu": 1, "tags": "x"}[section]
    keys = ("".join(letters) for letters in itertools.product("abcdefghij", repeat=4))
    answer = await bob.post(f"{fresh_app}/config/", {section: dict.fromkeys(keys, value)})
    assert answer.status == 201
    more = ("".join(letters) for letters in itertools.product("klmnopqrst", repeat=4))
    answer = await bob.post(f"{fresh_app}/config/", {section: dict.fromkeys(more, value)})
    assert (answer.status, list(answer.json)) == (400, [section])


async def test_4_ten_thousand_keys_are_kept(bob: Client, fresh_app: str) -> None:
    values = {f"KEY_{number}": str(number) for number in range(10_000)}
    assert (await bob.post(f"{fresh_app}/config/", {"values": values})).status == 201
    assert (await bob.get(f"{fresh_app}/config/")).json["values"] == values


async def _queued(client: Client, app: str, number: int) -> bool:
    found = (await client.get(f"{app}/operations/?open=true")).json
    return bool(found["count"] == number)
