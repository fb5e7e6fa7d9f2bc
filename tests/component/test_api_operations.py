"""Operations over HTTP: changes that nobody waits for, watched, resumed and cancelled."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from deis_node.runtime.tasks import spawn
from tests.fixtures.control import Answer, Api, Client
from tests.fixtures.waiting import eventually

ASYNC = {"Prefer": "respond-async"}
FIELDS = {
    *("id", "app", "seq", "kind", "actor", "summary", "release", "phase", "outcome", "cancel"),
    *("reason", "created", "started", "ended"),
}
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"

CHANGES: list[tuple[str, str, str, Any, str]] = [
    ("build", "POST", "builds/", {"image": "example/go:1"}, "deploy example/go:1"),
    ("build", "POST", "builds/", {"image": "x", "sha": "1234567890"}, "deploy 1234567"),
    ("config", "POST", "config/", {"values": {"B": "2", "A": "1"}}, "config: set A, B"),
    ("config", "POST", "config/", {"values": {"B": "", "C": None}}, "config: set B; unset C"),
    ("config", "POST", "config/", {"memory": {"web": "1M"}}, "limits: set memory web"),
    ("config", "POST", "config/", {"cpu": {"web": None}}, "limits: unset cpu web"),
    ("config", "POST", "config/", {"tags": {"rack": "1"}}, "tags: set rack"),
    ("config", "POST", "config/", {}, "config: nothing"),
    ("rollback", "POST", "releases/rollback/", {"version": 1}, "rollback to v1"),
    ("scale", "POST", "scale/", {"web": 3}, "scale web=3"),
    ("restart", "POST", "containers/restart/", None, "restart"),
    ("restart", "POST", "containers/web/restart/", None, "restart web"),
    ("restart", "POST", "containers/web/1/restart/", None, "restart web.1"),
    ("destroy", "DELETE", "", None, "destroy"),
]


async def accept(client: Client, path: str, body: Any = None) -> dict[str, Any]:
    """A change that nobody waits for: its operation."""
    answer = await client.post(path, body, headers=ASYNC)
    assert answer.status == 202, answer.text
    found: dict[str, Any] = answer.json
    return found


async def ended(client: Client, operation: dict[str, Any]) -> dict[str, Any]:
    """The operation with its phases, once it has ended."""
    path = f"/v1/operations/{operation['id']}/"

    async def over() -> bool:
        return (await client.get(path)).json["outcome"] is not None

    await eventually(over)
    found: dict[str, Any] = (await client.get(path)).json
    return found


Event = tuple[str, str | None, Any]
"""Its name, its id, its data."""


class Stream:
    """A stream of events as it comes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def part(self) -> str:
        """The next part up to an empty line; nothing at the end."""
        lines = []
        async with asyncio.timeout(20):
            while line := (await self.response.content.readline()).decode():
                if line == "\n":
                    break
                lines.append(line)
        return "".join(lines)

    async def next(self) -> Event:
        fields = dict(line.split(": ", 1) for line in (await self.part()).splitlines())
        return fields["event"], fields.get("id"), json.loads(fields["data"])

    async def rest(self) -> list[Event]:
        found = [await self.next()]
        while found[-1][0] != "end":
            found.append(await self.next())
        assert await self.part() == "", "nothing comes after the end"
        return found


@asynccontextmanager
async def watching(
    client: Client, operation: dict[str, Any], query: str = "", **headers: str
) -> AsyncIterator[Stream]:
    """A watched operation."""
    sent = {"Accept": "text/event-stream", "Authorization": f"token {client.token}", **headers}
    url = f"{client.url}/v1/operations/{operation['id']}/{query}"
    async with client.session.get(url, headers=sent) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield Stream(response)


@pytest.mark.parametrize(("kind", "method", "path", "body", "summary"), CHANGES)
async def test_who_does_not_want_to_wait_gets_the_operation(
    bob: Client, built_app: str, kind: str, method: str, path: str, body: Any, summary: str
) -> None:
    headers = ASYNC | {"Host": "deis.x"}
    answer = await bob.call(method, f"{built_app}/{path}", body, headers=headers)
    assert (answer.status, answer.reason) == (202, "ACCEPTED")
    made = answer.json
    assert answer.headers["Location"] == f"http://deis.x/v1/operations/{made['id']}/"
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.headers["DEIS_API_VERSION"] == "1.7"
    assert set(made) == FIELDS
    assert (made["kind"], made["summary"], made["actor"]) == (kind, summary, "bob")
    assert (made["app"], made["phase"], made["outcome"]) == ("hello", "queued", None)
    assert (made["seq"], made["cancel"], made["reason"]) == (2, False, "")
    assert re.fullmatch(ISO, made["created"])
    assert (made["started"], made["ended"]) == (None, None)


@pytest.mark.parametrize(
    ("prefer", "status"),
    [
        ("respond-async", 202),
        ("wait=10, Respond-Async", 202),
        ("respond-async; x=y", 202),
        ("wait=10", 201),
        ("respond-async-not", 201),
    ],
)
async def test_how_the_preference_is_spelled(
    bob: Client, fresh_app: str, prefer: str, status: int
) -> None:
    answer = await bob.post(f"{fresh_app}/config/", {}, headers={"Prefer": prefer})
    assert answer.status == status


async def test_what_is_refused_is_refused_at_once(bob: Client, fresh_app: str) -> None:
    assert (await bob.post(f"{fresh_app}/scale/", {"web": 1}, headers=ASYNC)).status == 400
    assert (await bob.post(f"{fresh_app}/config/", {"cpu": 1}, headers=ASYNC)).status == 400
    assert (await bob.get(f"{fresh_app}/operations/")).json["count"] == 0


async def test_what_changes_nothing_is_no_operation(bob: Client, built_app: str) -> None:
    assert (await bob.post(f"{built_app}/scale/", {}, headers=ASYNC)).status == 204
    restarted = await bob.post(f"{built_app}/containers/nothing/restart/", headers=ASYNC)
    assert (restarted.status, restarted.json) == (200, [])
    assert (await bob.get(f"{built_app}/operations/")).json["count"] == 1


async def test_an_operation_is_shown_with_its_phases(bob: Client, built_app: str) -> None:
    made = await accept(bob, f"{built_app}/config/", {"values": {"A": "secret"}})
    shown = await ended(bob, made)
    assert set(shown) == FIELDS | {"phases"}
    assert (shown["phase"], shown["outcome"], shown["release"]) == ("done", "done", 3)
    assert [line["phase"] for line in shown["phases"]] == ["queued", "placing", "starting", "done"]
    assert all(set(line) == {"seq", "phase", "text", "at"} for line in shown["phases"])
    assert re.fullmatch(ISO, shown["started"])
    assert re.fullmatch(ISO, shown["phases"][0]["at"])
    assert [line["seq"] for line in shown["phases"]] == sorted(
        line["seq"] for line in shown["phases"]
    )
    assert "secret" not in str(shown)
    slashless = await bob.get(f"/v1/operations/{made['id']}")
    assert slashless.json == shown


async def test_a_failed_one_says_why(api: Api, bob: Client, built_app: str) -> None:
    api.leader.reason = "web.1 exited with code 1"
    made = await accept(bob, f"{built_app}/scale/", {"web": 2})
    shown = await ended(bob, made)
    assert (shown["phase"], shown["outcome"]) == ("failed", "failed")
    assert (shown["reason"], shown["phases"][-1]["text"]) == (api.leader.reason,) * 2


async def test_operations_are_listed_newest_first(api: Api, bob: Client, built_app: str) -> None:
    api.leader.paused = True
    for number in range(3):
        await accept(bob, f"{built_app}/config/", {"values": {f"K{number}": ""}})
    page = (await bob.get(f"{built_app}/operations/")).json
    assert (page["count"], [item["seq"] for item in page["results"]]) == (4, [4, 3, 2, 1])
    assert all(set(item) == FIELDS for item in page["results"])
    unfinished = (await bob.get(f"{built_app}/operations/?open=true&page_size=2")).json
    assert (unfinished["count"], [item["seq"] for item in unfinished["results"]]) == (3, [4, 3])
    assert unfinished["next"].endswith("/v1/apps/hello/operations/?page=2&open=true&page_size=2")
    assert (await bob.get(f"{built_app}/operations/?open=false")).json["count"] == 4
    refused = await bob.get(f"{built_app}/operations/?open=maybe")
    assert (refused.status, list(refused.json)) == (400, ["open"])


@pytest.mark.parametrize("text", ["0", "11111111-2222-4333-8444-555555555555"])
async def test_an_unknown_operation_is_404(bob: Client, text: str) -> None:
    for answer in (
        await bob.get(f"/v1/operations/{text}/"),
        await bob.get(f"/v1/operations/{text}/", headers={"Accept": "text/event-stream"}),
        await bob.post(f"/v1/operations/{text}/cancel/"),
    ):
        assert (answer.status, answer.json) == (404, {"detail": "Not found"})


async def test_operations_are_the_app_users(api: Api, bob: Client, built_app: str) -> None:
    stranger = await api.user("stranger")
    made = await accept(bob, f"{built_app}/config/", {})
    for path in (f"/v1/operations/{made['id']}/", f"{built_app}/operations/"):
        assert (await stranger.get(path)).status == 403
    assert (await stranger.post(f"/v1/operations/{made['id']}/cancel/")).status == 403
    await bob.post(f"{built_app}/perms/", {"username": "stranger"})
    assert (await stranger.get(f"/v1/operations/{made['id']}/")).status == 200


async def test_the_stream_tells_each_phase_and_the_end(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    made = await accept(bob, f"{built_app}/config/", {"values": {"A": "1"}})
    async with watching(bob, made) as stream:
        name, number, data = await stream.next()
        assert (name, number, data["phase"]) == ("phase", str(data["seq"]), "queued")
        assert set(data) == {"seq", "phase", "text", "at"}
        api.leader.paused = False
        *lines, end = await stream.rest()
    assert [line[2]["phase"] for line in lines] == ["placing", "starting", "done"]
    shown = (await bob.get(f"/v1/operations/{made['id']}/")).json
    del shown["phases"]
    assert end == ("end", None, shown)
    headers = stream.response.headers
    assert (headers["DEIS_API_VERSION"], headers["Cache-Control"]) == ("1.7", "no-store")
    assert stream.response.reason == "OK"


async def test_a_stream_of_an_ended_operation_tells_all_and_ends(
    bob: Client, built_app: str
) -> None:
    made = await accept(bob, f"{built_app}/config/", {})
    shown = await ended(bob, made)
    async with watching(bob, made) as stream:
        *lines, end = await stream.rest()
    assert [line[2] for line in lines] == shown["phases"]
    assert end[2]["outcome"] == "done"


async def test_a_stream_is_resumed_by_header_and_by_query(bob: Client, built_app: str) -> None:
    made = await accept(bob, f"{built_app}/config/", {})
    seqs = [line["seq"] for line in (await ended(bob, made))["phases"]]
    for query, headers in (
        ("", {"Last-Event-ID": str(seqs[1])}),
        (f"?after={seqs[1]}", {}),
        (f"?after={seqs[3]}", {"Last-Event-ID": str(seqs[1])}),
    ):
        async with watching(bob, made, query, **headers) as stream:
            *lines, _ = await stream.rest()
        assert [line[1] for line in lines] == [str(seq) for seq in seqs[2:]]
    async with watching(bob, made, f"?after={seqs[-1]}") as stream:
        assert [event[0] for event in await stream.rest()] == ["end"]


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "9" * 19, "٣"])
async def test_what_is_no_sequence_number_is_400(bob: Client, built_app: str, text: str) -> None:
    made = await accept(bob, f"{built_app}/config/", {})
    path = f"/v1/operations/{made['id']}/"
    stream = {"Accept": "text/event-stream"}
    answer = await bob.get(path, params={"after": text}, headers=stream)
    assert (answer.status, list(answer.json)) == (400, ["after"])


async def test_a_destroy_is_watched_to_its_end(api: Api, bob: Client, built_app: str) -> None:
    api.leader.paused = True
    answer = await bob.delete(f"{built_app}/", headers=ASYNC)
    async with watching(bob, answer.json) as stream:
        assert (await stream.next())[2]["phase"] == "queued"
        api.leader.paused = False
        *_, (name, _, data) = await stream.rest()
    assert (name, data["kind"], data["outcome"]) == ("end", "destroy", "done")
    assert (await bob.get(f"/v1/operations/{answer.json['id']}/")).status == 404


async def test_a_change_whose_app_goes_is_watched_to_its_end(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    made = await accept(bob, f"{built_app}/config/", {})
    async with watching(bob, made) as stream:
        await stream.next()
        async with api.leader.database.transaction("the app goes at once") as conn:
            await conn.execute("SELECT pg_notify('phases', $1)", made["id"])
            await conn.execute("DELETE FROM apps")
        *_, (name, _, data) = await stream.rest()
    assert (name, data["outcome"], data["reason"]) == ("end", "failed", "the app was destroyed")


async def test_a_silent_stream_says_that_it_is_alive(
    api: Api, bob: Client, built_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every 15 s; a tenth of a second here, so that nobody has to wait."""
    monkeypatch.setattr("deis_control.api.events._ALIVE", 0.1)
    api.leader.paused = True
    made = await accept(bob, f"{built_app}/config/", {})
    async with watching(bob, made) as stream:
        await stream.next()
        assert await stream.part() == ": alive\n"
        assert await stream.part() == ": alive\n"


async def test_a_watcher_that_goes_away_takes_nothing_along(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    made = await accept(bob, f"{built_app}/config/", {"values": {"A": "1"}})
    async with watching(bob, made) as stream:
        await stream.next()
        stream.response.close()
    api.leader.paused = False
    assert (await ended(bob, made))["outcome"] == "done"
    async with watching(bob, made) as stream:
        assert (await stream.rest())[-1][0] == "end", "and it can be watched again"


async def test_many_watch_one(api: Api, bob: Client, built_app: str) -> None:
    api.leader.paused = True
    made = await accept(bob, f"{built_app}/config/", {})

    async def watch() -> list[Event]:
        async with watching(bob, made) as stream:
            return await stream.rest()

    async with asyncio.TaskGroup() as group:
        watchers = [spawn(group, f"watcher {number}", watch()) for number in range(30)]
        api.leader.paused = False
    assert len({str(watcher.result()) for watcher in watchers}) == 1


async def test_head_and_other_kinds_of_answers(bob: Client, built_app: str) -> None:
    made = await accept(bob, f"{built_app}/config/", {})
    path = f"/v1/operations/{made['id']}/"
    stream = {"Accept": "text/event-stream"}
    head = await bob.call("HEAD", path, headers=stream)
    assert (head.status, head.text) == (200, "")
    assert (await bob.get(path, headers={"Accept": "application/json"})).json["id"] == made["id"]
    assert (await bob.get("/v1/apps/", headers=stream)).status == 406


async def test_an_operation_is_cancelled(api: Api, bob: Client, built_app: str) -> None:
    api.leader.paused = True
    made = await accept(bob, f"{built_app}/config/", {"values": {"A": "1"}})
    for _ in range(2):
        answer = await bob.post(f"/v1/operations/{made['id']}/cancel/")
        assert (answer.status, answer.json) == (202, made | {"cancel": True})
    api.leader.paused = False
    shown = await ended(bob, made)
    assert (shown["phase"], shown["outcome"]) == ("failed", "cancelled")
    assert shown["reason"] == "the change was cancelled"
    assert (await bob.get(f"{built_app}/config/")).json["values"] == {}


async def test_who_waits_for_a_cancelled_change_is_told(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    async with asyncio.TaskGroup() as group:
        call = spawn(group, "call", bob.post(f"{built_app}/config/", {}))
        await eventually(lambda: _is_open(bob, built_app))
        (made,) = (await bob.get(f"{built_app}/operations/?open=true")).json["results"]
        await bob.post(f"/v1/operations/{made['id']}/cancel/")
        api.leader.paused = False
    answer: Answer = call.result()
    assert (answer.status, answer.json) == (503, {"detail": "the change was cancelled"})


async def test_what_has_ended_cannot_be_cancelled(
    api: Api, admin: Client, bob: Client, built_app: str
) -> None:
    made = await accept(bob, f"{built_app}/config/", {})
    await ended(bob, made)
    answer = await bob.post(f"/v1/operations/{made['id']}/cancel/")
    assert (answer.status, answer.reason) == (409, "CONFLICT")
    assert answer.json == {"detail": "The operation has ended: done."}
    trail = (await admin.get("/v1/audit/?action=operation.cancel")).json
    assert trail["count"] == 0


async def test_a_cancelled_destroy_leaves_an_app_that_takes_changes(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    made = (await bob.delete(f"{built_app}/", headers=ASYNC)).json
    assert (await bob.post(f"/v1/operations/{made['id']}/cancel/")).status == 202
    api.leader.paused = False
    assert (await ended(bob, made))["outcome"] == "cancelled"
    assert (await bob.post(f"{built_app}/config/", {})).status == 201


async def _is_open(client: Client, app: str) -> bool:
    return bool((await client.get(f"{app}/operations/?open=true")).json["count"])
