"""Stopping and starting over HTTP: the counts stay, what runs changes."""

import pytest

from deis_node.runtime.tasks import Tasks
from tests.fixtures.control import Api, Client
from tests.fixtures.logger import RunningLogger


async def running(client: Client, app: str) -> list[str]:
    listed = (await client.get(f"{app}/containers/")).json["results"]
    return sorted(f"{copy['type']}.{copy['num']}" for copy in listed)


async def stopped(client: Client, app: str) -> list[str]:
    found: list[str] = (await client.get(f"{app}/explain/")).json["stopped"]
    return found


async def test_a_stop_keeps_the_counts_and_a_start_runs_as_many(
    bob: Client, built_app: str
) -> None:
    await bob.post(f"{built_app}/scale/", {"web": 2, "worker": 1})
    answer = await bob.post(f"{built_app}/containers/web/stop/")
    assert (answer.status, answer.text) == (204, "")
    assert await running(bob, built_app) == ["worker.1"]
    assert (await bob.get(f"{built_app}/")).json["structure"] == {"web": 2, "worker": 1}
    assert (await bob.post(f"{built_app}/containers/web/start")).status == 204
    assert await running(bob, built_app) == ["web.1", "web.2", "worker.1"]


async def test_without_a_type_all_of_it_stops_and_starts(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/scale/", {"web": 2, "worker": 1})
    assert (await bob.post(f"{built_app}/containers/stop")).status == 204
    assert await running(bob, built_app) == []
    assert await stopped(bob, built_app) == ["web", "worker"]
    assert (await bob.post(f"{built_app}/containers/worker/start/")).status == 204
    assert await running(bob, built_app) == ["worker.1"]
    assert (await bob.post(f"{built_app}/containers/start/")).status == 204
    assert await running(bob, built_app) == ["web.1", "web.2", "worker.1"]


async def test_both_may_be_asked_for_again(bob: Client, built_app: str) -> None:
    for verb in ("start", "stop", "stop", "start", "start"):
        assert (await bob.post(f"{built_app}/containers/web/{verb}/")).status == 204
    assert await running(bob, built_app) == ["web.1"]


async def test_a_scale_starts_the_types_that_it_names(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/scale/", {"web": 1, "worker": 1})
    await bob.post(f"{built_app}/containers/stop/")
    await bob.post(f"{built_app}/scale/", {"worker": 2})
    assert await running(bob, built_app) == ["worker.1", "worker.2"]
    assert await stopped(bob, built_app) == ["web"]


async def test_what_is_stopped_stays_so_over_releases(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/containers/stop/")
    made = await bob.post(f"{built_app}/config/", {"values": {"A": "1"}})
    assert (made.status, made.headers["Deis-Release"]) == (201, "3")
    assert (await bob.post(f"{built_app}/releases/rollback/")).json == {"version": 4}
    assert await running(bob, built_app) == []
    await bob.post(f"{built_app}/containers/start/")
    listed = (await bob.get(f"{built_app}/containers/")).json["results"]
    assert [(copy["type"], copy["release"]) for copy in listed] == [("web", "v4")]


@pytest.mark.parametrize("verb", ["stop", "start"])
async def test_only_what_the_app_has_can_be_stopped_or_started(
    bob: Client, built_app: str, verb: str
) -> None:
    for kind in ("other", "run"):
        answer = await bob.post(f"{built_app}/containers/{kind}/{verb}/")
        text = f"Container type {kind} does not exist in application"
        assert (answer.status, answer.json) == (400, {"detail": text})
    await bob.post("/v1/apps/", {"id": "bare"})
    answer = await bob.post(f"/v1/apps/bare/containers/{verb}/")
    text = "No build associated with this release"
    assert (answer.status, answer.json) == (400, {"detail": text})


async def test_a_stop_that_fails_stops_nothing(api: Api, bob: Client, built_app: str) -> None:
    api.leader.reason = "the change was cancelled"
    answer = await bob.post(f"{built_app}/containers/stop/")
    assert (answer.status, answer.json) == (503, {"detail": "the change was cancelled"})
    assert await stopped(bob, built_app) == []


async def test_both_are_told_in_the_apps_log(
    api: Api, bob: Client, built_app: str, logger: RunningLogger
) -> None:
    api.event_address, api.log_address = logger.settings.tcp, logger.settings.http
    async with Tasks() as tasks:
        tasks.start("events", api.events.run())
        await bob.post(f"{built_app}/containers/web/stop/")
        await bob.post(f"{built_app}/containers/start/")
        await bob.post(f"{built_app}/containers/stop/")
        await logger.has(3)
    shown = (await bob.get(f"{built_app}/logs")).text.splitlines()
    assert [line.rpartition("]: ")[2] for line in shown] == [
        "bob stopped web",
        "bob started all processes",
        "bob stopped all processes",
    ]
