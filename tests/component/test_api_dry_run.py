"""`?dry_run=true` over HTTP: the same checks as the real call, and nothing changes."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from deis_control.db import apps
from deis_control.db.control import notify
from deis_control.db.listen import CHANNELS
from deis_control.db.pool import Database
from deis_control.services.builds import Builds
from tests.fixtures.control import Api, Client
from tests.fixtures.waiting import eventually

CHANGES: list[tuple[str, Any]] = [
    ("config/", {"values": {"A": "1"}, "memory": {"web": "1G"}}),
    ("builds/", {"image": "nginx"}),
    ("builds/", {"image": "hello", "sha": "b" * 40, "procfile": {"web": "x"}}),
    ("releases/rollback/", {"version": 2}),
    ("scale/", {"web": 3}),
    ("containers/restart/", None),
    ("containers/web/restart/", None),
    ("containers/web/1/restart/", None),
    ("containers/stop/", None),
    ("containers/web/stop/", None),
    ("containers/start/", None),
    ("containers/web/start/", None),
]


async def contents(database: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    async with database.connection() as conn:
        tables = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = sorted(row["tablename"] for row in tables)
        return {name: sorted(map(str, await conn.fetch(f'TABLE "{name}"'))) for name in names}


async def preview(client: Client, path: str, body: Any = None) -> Any:
    answer = await client.post(f"{path}?dry_run=true", body)
    assert answer.status == 200, answer.text
    assert answer.json["dry_run"] is True
    return answer.json


@pytest.mark.parametrize(("path", "body"), CHANGES, ids=[path for path, _ in CHANGES])
async def test_a_dry_run_writes_nothing_and_tells_nobody(
    api: Api, bob: Client, built_app: str, path: str, body: Any
) -> None:
    database = api.leader.database
    heard: list[str] = []
    marker = str(uuid4())
    before = await contents(database)

    async def listen(channel: str) -> None:
        async with database.listen(channel) as hint:
            ready.release()
            while marker not in hint.payloads:
                await hint.wait(1)
            heard.extend(hint.payloads - {marker})

    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        for channel in CHANNELS:
            group.create_task(listen(channel))
            await ready.acquire()
        for form in ("true", "1", "yes"):
            answer = await bob.post(f"{built_app}/{path}?dry_run={form}", body)
            assert answer.status == 200, answer.text
        async with database.transaction("mark") as conn:
            for channel in CHANNELS:
                await notify(conn, channel, marker)
    assert heard == []
    assert await contents(database) == before


@pytest.mark.parametrize(("path", "body"), CHANGES, ids=[path for path, _ in CHANGES])
async def test_a_word_that_is_neither_yes_nor_no_changes_nothing_either(
    api: Api, bob: Client, built_app: str, path: str, body: Any
) -> None:
    before = await contents(api.leader.database)
    for word in ("maybe", ""):
        answer = await bob.post(f"{built_app}/{path}?dry_run={word}", body)
        assert (answer.status, list(answer.json)) == (400, ["dry_run"])
    assert await contents(api.leader.database) == before


async def test_no_means_the_change_itself(bob: Client, built_app: str) -> None:
    for number, word in enumerate(("false", "0", "no"), 3):
        made = await bob.post(f"{built_app}/config/?dry_run={word}", {"values": {"A": word}})
        assert (made.status, made.headers["Deis-Release"]) == (201, str(number))


async def test_a_config_change_is_foreseen_by_names_only(bob: Client, built_app: str) -> None:
    body = {"values": {"PASSWORD": "s3cret", "OLD": None}}
    answer = await bob.post(f"{built_app}/config/?dry_run=true", body)
    assert "s3cret" not in answer.text
    assert answer.json == {
        "dry_run": True,
        "kind": "config",
        "summary": "config: set PASSWORD; unset OLD",
        "release": 3,
        "release_summary": "bob added PASSWORD",
        "structure": {"web": 1},
        "start": [{"name": "web.1", "release": 3}],
        "stop": [{"name": "web.1", "release": 2}],
        "keep": [],
        "queued_before": 0,
    }


async def test_a_build_is_foreseen_without_its_image(
    bob: Client, built_app: str, monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    async def import_image(*_: str) -> str:
        raise AssertionError("an image was pulled")

    builds: Builds = api.services.builds
    monkeypatch.setattr(builds._images, "import_image", import_image)
    seen = await preview(bob, f"{built_app}/builds/", {"image": "nginx:1"})
    assert (seen["summary"], seen["release"]) == ("deploy nginx:1", 3)
    assert seen["release_summary"] == "bob deployed nginx:1"
    assert seen["structure"] == {"cmd": 1}
    assert seen["start"] == [{"name": "cmd.1", "release": 3}]
    assert seen["stop"] == [{"name": "web.1", "release": 2}]


async def test_a_scale_names_what_starts_and_what_stays(bob: Client, built_app: str) -> None:
    seen = await preview(bob, f"{built_app}/scale/", {"web": 2, "worker": 1})
    assert (seen["kind"], seen["summary"]) == ("scale", "scale web=2 worker=1")
    assert (seen["release"], seen["release_summary"]) == (None, None)
    assert seen["structure"] == {"web": 2, "worker": 1}
    assert [copy["name"] for copy in seen["start"]] == ["web.2", "worker.1"]
    assert (seen["stop"], seen["keep"]) == ([], [{"name": "web.1", "release": 2}])


async def test_a_restart_names_the_chosen_copies(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/scale/", {"web": 2})
    seen = await preview(bob, f"{built_app}/containers/web/2/restart/")
    assert (seen["kind"], seen["summary"]) == ("restart", "restart web.2")
    web = [{"name": "web.2", "release": 2}]
    assert (seen["start"], seen["stop"]) == (web, web)
    assert seen["keep"] == [{"name": "web.1", "release": 2}]
    nothing = await preview(bob, f"{built_app}/containers/web/9/restart/")
    assert (nothing["start"], nothing["stop"], len(nothing["keep"])) == ([], [], 2)


async def test_stop_and_start_keep_the_structure(bob: Client, built_app: str) -> None:
    web = [{"name": "web.1", "release": 2}]
    seen = await preview(bob, f"{built_app}/containers/web/stop/")
    assert (seen["kind"], seen["summary"], seen["structure"]) == ("stop", "stop web", {"web": 1})
    assert (seen["start"], seen["stop"], seen["keep"]) == ([], web, [])
    await bob.post(f"{built_app}/containers/stop/")
    seen = await preview(bob, f"{built_app}/containers/start/")
    assert (seen["summary"], seen["start"], seen["stop"]) == ("start", web, [])
    seen = await preview(bob, f"{built_app}/config/", {"values": {"A": "1"}})
    assert (seen["release"], seen["start"], seen["structure"]) == (3, [], {"web": 1})


async def test_a_rollback_is_foreseen_as_it_would_be_asked_for(
    api: Api, bob: Client, built_app: str
) -> None:
    await bob.post(f"{built_app}/config/", {"values": {"A": "1"}})
    seen = await preview(bob, f"{built_app}/releases/rollback/")
    assert (seen["summary"], seen["release"]) == ("rollback to v2", 4)
    assert seen["release_summary"] == "bob rolled back to v2"
    api.leader.paused = True
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bob.post(f"{built_app}/config/", {"values": {"B": "1"}}))
        queued: list[Any] = []

        async def waits() -> bool:
            queued[:] = [await preview(bob, f"{built_app}/releases/rollback/")]
            return bool(queued[0]["queued_before"])

        await eventually(waits)
        assert (queued[0]["summary"], queued[0]["queued_before"]) == ("rollback to v3", 1)
        api.leader.paused = False
        assert (await waiting).status == 201  # nobody cancelled it


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("config/", {"values": {"1A": "x"}}),
        ("config/", {"values": {f"A{n}": "x" * 60_000 for n in range(14)}}),
        ("config/", None),
        ("builds/", {}),
        ("builds/", {"image": "deis/builder"}),
        ("releases/rollback/", {"version": 99}),
        ("releases/rollback/", {"version": "x"}),
        ("scale/", {"other": 1}),
        ("scale/", {"web": -1}),
        ("containers/other/stop/", None),
        ("containers/other/start/", None),
    ],
)
async def test_what_is_refused_is_refused_in_the_same_words(
    bob: Client, built_app: str, path: str, body: Any
) -> None:
    dry = await bob.post(f"{built_app}/{path}?dry_run=true", body)
    real = await bob.post(f"{built_app}/{path}", body)
    assert dry.status >= 400
    assert (dry.status, dry.json) == (real.status, real.json)


async def test_an_app_that_goes_takes_no_preview(api: Api, bob: Client, built_app: str) -> None:
    async with api.leader.database.transaction("destroying") as conn:
        app = await apps.find(conn, "hello")
        await apps.set_destroying(conn, app.uuid, True)
    dry = await bob.post(f"{built_app}/scale/?dry_run=true", {"web": 2})
    real = await bob.post(f"{built_app}/scale/", {"web": 2})
    assert (dry.status, dry.json) == (real.status, real.json) == (409, dry.json)


async def test_strangers_see_no_preview(api: Api, built_app: str) -> None:
    eve = await api.user("eve")
    for path, body in CHANGES:
        assert (await eve.post(f"{built_app}/{path}?dry_run=true", body)).status == 403
