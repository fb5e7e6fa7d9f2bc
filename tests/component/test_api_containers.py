"""Copies over HTTP: listing, scaling, restarting (api.md section 7)."""

from dataclasses import replace
from uuid import uuid4

import pytest

from deis_control.model import CopyState
from deis_node.cluster.names import CopyName
from deis_node.runtime.tasks import Tasks
from tests.fixtures.control import Api, Client
from tests.fixtures.logger import RunningLogger


async def test_copies_are_listed_as_the_contract_has_them(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/scale/", {"web": 2, "worker": 1})
    listed = (await bob.get(f"{built_app}/containers/?page_size=2")).json
    assert (listed["count"], len(listed["results"])) == (3, 2)
    first = listed["results"][0]
    assert set(first) == {
        "owner",
        "app",
        "release",
        "type",
        "num",
        "state",
        "created",
        "updated",
        "uuid",
    }
    assert (first["owner"], first["release"], first["type"], first["num"]) == (
        "bob",
        "v2",
        "web",
        1,
    )


async def test_copies_are_found_by_type_and_number(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/scale/", {"web": 2, "worker": 1})
    assert (await bob.get(f"{built_app}/containers/web/")).json["count"] == 2
    assert (await bob.get(f"{built_app}/containers/nothing/")).json["count"] == 0
    assert (await bob.get(f"{built_app}/containers/web/2/")).json["num"] == 2
    for unknown in ("web/3", "web/x", "nothing/1"):
        assert (await bob.get(f"{built_app}/containers/{unknown}/")).status == 404


async def test_a_scale_answers_nothing_and_keeps_the_rest(bob: Client, built_app: str) -> None:
    scaled = await bob.post(f"{built_app}/scale/", {"worker": "2", "cmd": 0})
    assert (scaled.status, scaled.text) == (204, "")
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"web": 1, "worker": 2, "cmd": 0}
    await bob.post(f"{built_app}/scale/", {"worker": 0})
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"web": 1, "worker": 0}


async def test_an_empty_scale_changes_nothing(bob: Client, built_app: str) -> None:
    for body in ({}, None):
        assert (await bob.post(f"{built_app}/scale/", body)).status == 204
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"web": 1}


@pytest.mark.parametrize("body", [{"web": 1}, {}])
async def test_without_a_build_nothing_can_be_scaled(
    bob: Client, fresh_app: str, body: dict[str, int]
) -> None:
    answer = await bob.post(f"{fresh_app}/scale/", body)
    assert (answer.status, answer.json) == (
        400,
        {"detail": "No build associated with this release"},
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"other": 1}, "Container type other does not exist in application"),
        ({"run": 1}, "Container type run does not exist in application"),
        (
            {"web": "one"},
            "Invalid scaling format: invalid literal for int() with base 10: 'one'",
        ),
        (
            {"web": None},
            "Invalid scaling format: int() argument must be a string or a number, not 'NoneType'",
        ),
        ({"web": -1}, "[u'Must be greater than or equal to zero']"),
        ({"web": 2**31}, "[u'Must be at most 1000']"),
    ],
)
async def test_texts_of_refused_scales(
    bob: Client, built_app: str, body: dict[str, object], text: str
) -> None:
    answer = await bob.post(f"{built_app}/scale/", body)
    assert (answer.status, answer.json) == (400, {"detail": text})


async def test_a_failed_scale_leaves_the_formation(api: Api, bob: Client, built_app: str) -> None:
    api.leader.reason = "no host has room"
    answer = await bob.post(f"{built_app}/scale/", {"web": 5})
    assert (answer.status, answer.json) == (503, {"detail": "no host has room"})
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"web": 1}


async def test_a_restart_answers_the_copies_as_a_bare_array(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/scale/", {"web": 2, "worker": 1})
    every = await bob.post(f"{built_app}/containers/restart/")
    assert (every.status, len(every.json)) == (200, 3)
    web = (await bob.post(f"{built_app}/containers/web/restart/")).json
    assert [(copy["type"], copy["num"]) for copy in web] == [("web", 1), ("web", 2)]
    one = (await bob.post(f"{built_app}/containers/web/2/restart/")).json
    assert [(copy["type"], copy["num"]) for copy in one] == [("web", 2)]
    assert (await bob.post(f"{built_app}/containers/web/9/restart/")).json == []


async def test_a_scale_is_told_in_the_apps_log(
    api: Api, bob: Client, built_app: str, logger: RunningLogger
) -> None:
    api.event_address, api.log_address = logger.settings.tcp, logger.settings.http
    async with Tasks() as tasks:
        tasks.start("events", api.events.run())
        await bob.post(f"{built_app}/scale/", {"web": 2, "worker": 1})
        await logger.has(1)
    shown = await bob.get(f"{built_app}/logs")
    assert shown.text.endswith("hello[deis-controller]: bob scaled containers web=2 worker=1\n")


RUN = CopyState(CopyName("hello", 2, "run", 1), str(uuid4()), "2026-01-01T00:00:00UTC", "up")


async def test_7_one_off_runs_are_seen_by_their_type_only(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.seen["hello"] += (RUN,)
    assert (await bob.get(f"{built_app}/containers/")).json["count"] == 1
    (shown,) = (await bob.get(f"{built_app}/containers/run/")).json["results"]
    assert (shown["type"], shown["num"], shown["release"]) == ("run", 1, "v2")
    assert (await bob.get(f"{built_app}/containers/run/1/")).json == shown
    for path in ("containers/restart/", "containers/run/restart/"):
        again = (await bob.post(f"{built_app}/{path}")).json
        assert "run" not in {copy["type"] for copy in again}


async def test_7_copies_come_oldest_first(api: Api, bob: Client, built_app: str) -> None:
    dates = ("2026-03-01", "2026-01-01", "2026-02-01")
    api.leader.seen["hello"] = tuple(
        CopyState(CopyName("hello", 2, "web", num), str(uuid4()), f"{date}T00:00:00UTC", "up")
        for num, date in enumerate(dates, 1)
    )
    shown = (await bob.get(f"{built_app}/containers/")).json["results"]
    assert [copy["num"] for copy in shown] == [2, 3, 1]


@pytest.mark.parametrize(
    "state", ["initialized", "created", "up", "down", "destroyed", "crashed", "error"]
)
async def test_7_states_are_shown_as_they_are(
    api: Api, bob: Client, built_app: str, state: str
) -> None:
    (copy,) = api.leader.seen["hello"]
    api.leader.seen["hello"] = (replace(copy, state=state),)
    assert (await bob.get(f"{built_app}/containers/web/1/")).json["state"] == state


async def test_7_a_restart_keeps_403_404_and_fails_with_503(
    api: Api, bob: Client, built_app: str
) -> None:
    stranger = await api.user("stranger")
    assert (await stranger.post(f"{built_app}/containers/restart/")).status == 403
    assert (await bob.post("/v1/apps/nothing/containers/restart/")).status == 404
    api.leader.reason = "web.1 exited with code 1"
    failed = await bob.post(f"{built_app}/containers/restart/")
    assert (failed.status, failed.json) == (503, {"detail": "web.1 exited with code 1"})


async def test_7_without_copies_a_restart_is_an_empty_array(bob: Client, fresh_app: str) -> None:
    for path in ("restart/", "web/restart/", "web/1/restart/"):
        answer = await bob.post(f"{fresh_app}/containers/{path}")
        assert (answer.status, answer.json) == (200, [])


async def test_7_1_cmd_can_always_be_scaled(bob: Client, built_app: str) -> None:
    assert (await bob.post(f"{built_app}/scale/", {"cmd": 2})).status == 204
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"web": 1, "cmd": 2}


async def test_7_1_a_list_is_400(bob: Client, built_app: str) -> None:
    assert (await bob.post(f"{built_app}/scale/", [1])).status == 400


async def test_7_1_a_type_at_zero_is_named_by_that_request_only(
    bob: Client, built_app: str
) -> None:
    """As measured for semantics.md section 6."""
    await bob.post(f"{built_app}/scale/", {"web": 0, "cmd": 1})
    await bob.post(f"{built_app}/scale/", {"worker": 2, "cmd": 0})
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"cmd": 0, "worker": 2}
    await bob.post(f"{built_app}/scale/", {"worker": 0})
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"worker": 0}
