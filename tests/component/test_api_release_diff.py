"""What differs between two releases, over HTTP."""

import pytest

from tests.fixtures.control import Api, Client

NOTHING = {"added": {}, "changed": {}, "removed": {}}


@pytest.fixture
async def releases(bob: Client, built_app: str) -> str:
    """`hello` with v3 and v4 of other config and v5 of another build: the path of its releases."""
    first = {"values": {"A": "one", "B": "two"}, "memory": {"web": "1G"}, "tags": {"rack": "1"}}
    second = {
        "values": {"A": "three", "B": None, "C": "four"},
        "memory": {"web": "2G"},
        "cpu": {"web": 512},
        "tags": {"rack": None},
    }
    for body in (first, second):
        assert (await bob.post(f"{built_app}/config/", body)).status == 201
    build = {"image": "hello", "sha": "b" * 40, "procfile": {"web": "serve -v", "clock": "tick"}}
    assert (await bob.post(f"{built_app}/builds/", build)).status == 201
    return f"{built_app}/releases"


async def test_config_differs_by_names_only(bob: Client, releases: str) -> None:
    answer = await bob.get(f"{releases}/v3/diff/v4/")
    assert answer.status == 200
    for secret in ("one", "two", "three", "four"):
        assert secret not in answer.text
    build = answer.json["build"]
    assert build["from"] == build["to"]
    assert answer.json == {
        "app": "hello",
        "from": 3,
        "to": 4,
        "build": {"from": build["from"], "to": build["to"], "changed": False},
        "procfile": NOTHING,
        "values": {"added": ["C"], "changed": ["A"], "removed": ["B"]},
        "memory": {"web": ["1G", "2G"]},
        "cpu": {"web": [None, 512]},
        "tags": {"rack": ["1", None]},
    }


async def test_values_are_shown_when_asked_for(bob: Client, releases: str) -> None:
    shown = (await bob.get(f"{releases}/v3/diff/v4?values=true")).json["values"]
    assert shown == {
        "added": {"C": "four"},
        "changed": {"A": ["one", "three"]},
        "removed": {"B": "two"},
    }
    names = (await bob.get(f"{releases}/v3/diff/v4?values=false")).json["values"]
    assert names == {"added": ["C"], "changed": ["A"], "removed": ["B"]}
    for word in ("maybe", ""):
        answer = await bob.get(f"{releases}/v3/diff/v4/?values={word}")
        assert (answer.status, list(answer.json)) == (400, ["values"])


async def test_builds_and_procfiles_differ(bob: Client, releases: str) -> None:
    diff = (await bob.get(f"{releases}/v4/diff/v5/")).json
    assert diff["build"]["changed"]
    assert (diff["build"]["from"]["sha"], diff["build"]["to"]["sha"]) == ("a" * 40, "b" * 40)
    assert set(diff["build"]["to"]) == {"uuid", "image", "sha"}
    assert diff["procfile"] == {
        "added": {"clock": "tick"},
        "changed": {"web": ["serve", "serve -v"]},
        "removed": {"worker": "work"},
    }


async def test_a_release_without_a_build_has_none(bob: Client, releases: str) -> None:
    diff = (await bob.get(f"{releases}/v2/diff/v1/")).json
    assert (diff["from"], diff["to"]) == (2, 1)
    assert diff["build"]["to"] is None
    assert diff["procfile"]["removed"] == {"web": "serve", "worker": "work"}


async def test_a_failed_release_can_be_compared_too(api: Api, bob: Client, releases: str) -> None:
    api.leader.reason = "it broke"
    await bob.post(f"{releases.removesuffix('/releases')}/config/", {"values": {"D": "5"}})
    assert (await bob.get(f"{releases}/v5/diff/v6/")).json["values"]["added"] == ["D"]


@pytest.mark.parametrize("pair", ["v3/diff/v9", "v9/diff/v3", f"v3/diff/v{'9' * 30}", "v3/diff/x"])
async def test_unknown_releases_are_404(bob: Client, releases: str, pair: str) -> None:
    assert (await bob.get(f"{releases}/{pair}/")).status == 404


async def test_strangers_see_no_diff(api: Api, releases: str) -> None:
    eve = await api.user("eve")
    assert (await eve.get(f"{releases}/v2/diff/v3/")).status == 403
