"""Where copies run, why there, and how they do, over HTTP."""

from typing import Any

import pytest

from deis_control.scheduler.world import Observed
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Instance, LastExit, Phase, PlacementState
from tests.fixtures.control import Api, Client
from tests.worlds import make_copy, make_placed

LAST = LastExit(137, signal=9, oom=True, finished="2026-01-01T00:00:00Z", lines=("out", "of it"))
CRASHED = Instance(
    Phase.CRASHED, container_id="c1", restarts=5, last_exit=LAST, error="web.2 ran out of memory"
)


def seen(
    copy: CopyName, instance: Instance | None = None, state: str = "up", **facts: Any
) -> Observed:
    return Observed(make_placed(copy, **facts), instance, state)


@pytest.fixture
def observed(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[Observed]:
    """What the cluster's view shows of every app."""
    shown: list[Observed] = []
    monkeypatch.setattr(api.leader, "observed", lambda _: tuple(shown))
    return shown


async def names(client: Client, path: str) -> list[str]:
    answer = await client.get(path)
    assert answer.status == 200, answer.text
    return [process["process"] for process in answer.json["processes"]]


async def test_a_copy_is_explained_as_specified(
    bob: Client, built_app: str, observed: list[Observed]
) -> None:
    copy = make_copy(num=2, generation=3)
    why = "fewest copies of web (0) among 3 hosts that fit; host-2 is not tagged ssd=true"
    observed.append(seen(copy, CRASHED, "crashed", why=why, memory=1 << 29, cpu=512))
    found = (await bob.get(f"{built_app}/explain/?process=web.2")).json
    assert {key: value for key, value in found.items() if key != "processes"} == {
        "app": "hello",
        "release": 2,
        "structure": {"web": 1},
        "stopped": [],
        "missing": [],
    }
    placement = observed[0].placed.placement
    assert found["processes"] == [
        {
            "process": "web.2",
            "container": "hello_v2.web.2.g3",
            "type": "web",
            "num": 2,
            "release": 2,
            "generation": 3,
            "host": "host-1",
            "why": why,
            "state": "crashed",
            "waits": None,
            "phase": "crashed",
            "ready": False,
            "address": None,
            "restarts": 5,
            "last_exit": {
                "code": 137,
                "signal": 9,
                "oom": True,
                "finished": "2026-01-01T00:00:00Z",
                "why": None,
                "lines": ["out", "of it"],
            },
            "error": "web.2 ran out of memory",
            "image": placement.image,
            "command": ["/bin/sh", "-c", "serve"],
            "memory": 1 << 29,
            "cpu": 512,
            "created": "2024-01-01T00:00:00Z",
        }
    ]


async def test_what_is_not_known_is_null(
    bob: Client, built_app: str, observed: list[Observed]
) -> None:
    observed.append(seen(make_copy(), None, "created", command=None))
    (process,) = (await bob.get(f"{built_app}/explain")).json["processes"]
    unknown = ("why", "phase", "address", "last_exit", "error", "command", "memory", "cpu")
    assert [process[key] for key in unknown] == [None] * len(unknown)
    assert (process["ready"], process["restarts"]) == (False, 0)


async def test_copies_are_shown_oldest_first_and_chosen_by_type_or_number(
    bob: Client, built_app: str, observed: list[Observed]
) -> None:
    observed += [
        seen(make_copy("worker"), created="2024-01-03T00:00:00UTC"),
        seen(make_copy(num=2), created="2024-01-02T00:00:00UTC"),
        seen(make_copy(num=1), created="2024-01-04T00:00:00UTC"),
        seen(make_copy("run", 7)),
        Observed(make_placed(make_copy(num=9), state=PlacementState.STOP), None, "destroyed"),
    ]
    assert await names(bob, f"{built_app}/explain/") == ["web.2", "worker.1", "web.1"]
    assert await names(bob, f"{built_app}/explain/?process=web") == ["web.2", "web.1"]
    assert await names(bob, f"{built_app}/explain/?process=web.1") == ["web.1"]
    assert await names(bob, f"{built_app}/explain/?process=run") == ["run.7"]
    assert await names(bob, f"{built_app}/explain/?process=run.7") == ["run.7"]


@pytest.mark.parametrize(
    "process", ["web.2", "other", "run", "", "web.", ".1", "web.1.1", "%00", "web%0a"]
)
async def test_an_unknown_process_is_404(bob: Client, built_app: str, process: str) -> None:
    assert (await bob.get(f"{built_app}/explain/?process={process}")).status == 404


async def test_a_stopped_type_is_known_though_it_has_no_copies(bob: Client, built_app: str) -> None:
    await bob.post(f"{built_app}/containers/web/stop/")
    found = (await bob.get(f"{built_app}/explain/?process=web")).json
    assert (found["stopped"], found["structure"], found["processes"]) == (["web"], {"web": 1}, [])


async def test_strangers_get_no_explanation(api: Api, built_app: str) -> None:
    eve = await api.user("eve")
    assert (await eve.get(f"{built_app}/explain/")).status == 403
    assert (await eve.get("/v1/apps/nothing/explain/")).status == 404


async def test_what_a_copy_waits_for_is_told(
    bob: Client, built_app: str, observed: list[Observed]
) -> None:
    withdrawn = make_copy(release=1)
    observed += [
        seen(make_copy()),
        Observed(make_placed(withdrawn, state=PlacementState.WITHDRAW), None, "up"),
    ]
    found = (await bob.get(f"{built_app}/explain/")).json
    waits = {item["container"]: item["waits"] for item in found["processes"]}
    assert waits == {
        make_copy().container: "host-1 has not taken it up yet",
        withdrawn.container: "requests may be in flight on it",
    }
    assert found["missing"] == []


async def test_a_copy_that_no_host_takes_is_explained_too(
    api: Api, admin: Client, bob: Client, built_app: str, observed: list[Observed]
) -> None:
    observed.append(seen(make_copy()))
    await bob.post(f"{built_app}/scale/", {"web": 2})
    observed[:] = [seen(make_copy())]
    for host in ("host-1", "host-2"):
        await admin.call("PATCH", f"/v1/hosts/{host}/", {"cordoned": True})
    found = (await bob.get(f"{built_app}/explain/?process=web.2")).json
    why = "no host takes it: host-1 is cordoned; host-2 is cordoned"
    assert (found["processes"], found["missing"]) == (
        [],
        [{"name": "web.2", "release": 2, "waits": why}],
    )
