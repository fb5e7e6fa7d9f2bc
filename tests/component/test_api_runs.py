"""One-off commands over HTTP (api.md section 8)."""

import asyncio
import json
from datetime import datetime

import pytest

from deis_control.db import apps, runs
from deis_node.runtime.tasks import Tasks
from tests.fixtures.control import Api, Client
from tests.fixtures.logger import RunningLogger
from tests.fixtures.waiting import eventually

PREFER = {"Prefer": "respond-async"}


async def test_the_answer_is_the_exit_code_and_the_output(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.result = 3, b"one\ntwo"
    for path in (f"{built_app}/run", f"{built_app}/run/"):
        answer = await bob.post(path, {"command": "x"})
        assert (answer.status, answer.json) == (200, [3, "one\ntwo"])
        assert answer.headers["Content-Type"] == "text/plain"


async def test_bytes_that_are_no_text_are_replaced(api: Api, bob: Client, built_app: str) -> None:
    api.leader.result = 0, b"\xffa\x00"
    assert (await bob.post(f"{built_app}/run", {"command": "x"})).json == [0, "\ufffda\x00"]


async def test_without_a_build_there_is_nothing_to_run_it_in(bob: Client, fresh_app: str) -> None:
    answer = await bob.post(f"{fresh_app}/run", {"command": "x"})
    text = "No build associated with this release to run this command"
    assert (answer.status, answer.json) == (400, {"detail": text})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "This field is required."),
        (None, "This field is required."),
        ({"command": ""}, "This field may not be blank."),
        ({"command": " \n"}, "This field may not be blank."),
        ({"command": None}, "This field may not be null."),
        ({"command": ["ls"]}, "Not a valid string."),
        ({"command": "a\x00b"}, "This field may not contain NUL."),
        ({"command": "ä" * 32769}, "Ensure this field has no more than 65536 bytes."),
    ],
)
async def test_a_command_that_is_none_is_refused_by_its_name(
    bob: Client, built_app: str, body: object, message: str
) -> None:
    answer = await bob.post(f"{built_app}/run", body)
    assert (answer.status, answer.json) == (400, {"command": [message]})
    assert (await bob.get(f"{built_app}/runs/")).json["count"] == 0


async def test_the_longest_command_arrives_whole(bob: Client, built_app: str) -> None:
    command = "ä" * 32768
    assert (await bob.post(f"{built_app}/run", {"command": command})).status == 200
    assert (await bob.get(f"{built_app}/runs/1/")).json["command"] == command


async def test_a_failure_is_503_with_its_reason(api: Api, bob: Client, built_app: str) -> None:
    api.leader.reason = "run.1: its container is gone from the host"
    answer = await bob.post(f"{built_app}/run", {"command": "x"})
    assert (answer.status, answer.json) == (503, {"detail": api.leader.reason})
    assert (await bob.get(f"{built_app}/runs/1/")).json["state"] == "failed"


async def test_get_is_not_allowed(bob: Client, built_app: str) -> None:
    assert (await bob.get(f"{built_app}/run")).status == 405


async def test_who_prefers_it_is_answered_at_once(api: Api, bob: Client, built_app: str) -> None:
    api.leader.paused = True
    answer = await bob.post(f"{built_app}/run", {"command": "x 'y'"}, headers=PREFER)
    assert answer.status == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.headers["Location"] == f"{bob.url}{built_app}/runs/1/"
    run = answer.json
    assert datetime.fromisoformat(run.pop("created")).tzinfo is not None
    assert run == {
        "app": "hello",
        "num": 1,
        "release": None,
        "command": "x 'y'",
        "actor": "bob",
        "state": "queued",
        "exit_code": None,
        "reason": "",
        "truncated": False,
        "started": None,
        "ended": None,
    }
    shown = (await bob.get(f"{built_app}/runs/1/")).json
    assert (shown["state"], shown["output"]) == ("queued", None)
    api.leader.result, api.leader.paused = (1, b"later"), False

    async def done() -> bool:
        return (await bob.get(f"{built_app}/runs/1/")).json["output"] == "later"

    await eventually(done)


async def test_commands_are_listed_newest_first_without_outputs(
    bob: Client, built_app: str
) -> None:
    for command in "abc":
        await bob.post(f"{built_app}/run", {"command": command})
    listed = (await bob.get(f"{built_app}/runs?page_size=2")).json
    assert listed["count"] == 3
    assert [(run["num"], run["command"]) for run in listed["results"]] == [(3, "c"), (2, "b")]
    assert "output" not in listed["results"][0]


@pytest.mark.parametrize("num", ["2", "0", "x", "9" * 30])
async def test_an_unknown_command_is_404(bob: Client, built_app: str, num: str) -> None:
    await bob.post(f"{built_app}/run", {"command": "x"})
    assert (await bob.get(f"{built_app}/runs/{num}/")).status == 404


async def test_the_release_and_the_formation_stay(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/run", {"command": "x"})
    assert (await bob.get(f"{built_app}/releases/")).json["count"] == 2
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"web": 1}


async def test_it_is_told_in_the_apps_log(
    api: Api, bob: Client, built_app: str, logger: RunningLogger
) -> None:
    api.log_address, api.event_address = logger.settings.http, logger.settings.tcp
    await bob.post(f"{built_app}/run", {"command": "echo 'a'"})
    async with Tasks() as tasks:
        tasks.start("events", api.events.run())
        await logger.has(1)
    lines = (await bob.get(f"{built_app}/logs")).text
    assert lines.endswith("hello[deis-controller]: bob runs 'echo 'a''\n")


async def test_a_client_that_goes_away_does_not_end_it(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await bob.post(f"{built_app}/run", {"command": "x"})
    api.leader.paused = False

    async def done() -> bool:
        return (await bob.get(f"{built_app}/runs/1/")).json["state"] == "done"

    await eventually(done)


async def test_an_app_that_is_being_destroyed_runs_nothing_more(
    api: Api, bob: Client, built_app: str
) -> None:
    async with api.leader.database.transaction("destroying") as conn:
        app = await apps.find(conn, "hello")
        await apps.set_destroying(conn, app.uuid, True)
    answer = await bob.post(f"{built_app}/run", {"command": "x"})
    assert (answer.status, answer.json) == (409, {"detail": "The app is being destroyed."})


async def test_who_waits_for_a_command_of_a_destroyed_app_is_told(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    async with Tasks() as tasks:
        waiting = tasks.start("run", bob.post(f"{built_app}/run", {"command": "x"}))

        async def accepted() -> bool:
            return bool((await bob.get(f"{built_app}/runs/")).json["count"])

        await eventually(accepted)
        async with api.leader.database.transaction("destroyed") as conn:
            app = await apps.find(conn, "hello")
            await apps.delete(conn, app.uuid)
        answer = await waiting
    assert (answer.status, answer.json) == (503, {"detail": "The app was destroyed."})


async def test_neither_command_nor_output_lie_open_in_the_database(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.result = 0, b"secret-output"
    await bob.post(f"{built_app}/run", {"command": "secret-command"})
    async with api.leader.database.connection() as conn:
        (row,) = await conn.fetch("SELECT * FROM runs")
        text = json.dumps({key: str(value) for key, value in row.items()})
        assert "secret" not in text
        assert len(await runs.all_open(conn)) == 0


@pytest.mark.parametrize("num", ["9" * 19, "9" * 4400, "x"])
async def test_a_number_that_no_command_has_is_404(bob: Client, built_app: str, num: str) -> None:
    assert (await bob.get(f"{built_app}/runs/{num}/")).status == 404
