"""Builds over HTTP (api.md section 5)."""

from uuid import uuid4

import pytest

from tests.fixtures.control import Api, Client


async def test_a_pulled_image_is_built_released_and_scaled(bob: Client, fresh_app: str) -> None:
    made = await bob.post(f"{fresh_app}/builds/", {"image": "example/go:1"})
    assert (made.status, made.headers["Deis-Release"]) == (201, "2")
    assert (made.json["image"], made.json["procfile"], made.json["sha"]) == ("example/go:1", {}, "")
    assert (await bob.get(f"{fresh_app}/")).json["structure"] == {"cmd": 1}
    release = (await bob.get(f"{fresh_app}/releases/v2/")).json
    assert (release["summary"], release["build"]) == (
        "bob deployed example/go:1",
        made.json["uuid"],
    )


async def test_a_build_is_shown_by_its_own_uuid(bob: Client, built_app: str) -> None:
    listed = (await bob.get(f"{built_app}/builds/")).json["results"]
    second = (await bob.post(f"{built_app}/builds/", {"image": "other"})).json
    assert (await bob.get(f"{built_app}/builds/{listed[0]['uuid']}/")).json == listed[0]
    newest = (await bob.get(f"{built_app}/builds/")).json["results"][0]
    assert newest == second
    for unknown in (uuid4(), "not-a-uuid"):
        assert (await bob.get(f"{built_app}/builds/{unknown}/")).status == 404


async def test_a_procfile_may_be_json_text(bob: Client, fresh_app: str) -> None:
    body = {"image": "x", "procfile": '{"web": "sleep 1"}'}
    made = await bob.post(f"{fresh_app}/builds/", body)
    assert made.json["procfile"] == {"web": "sleep 1"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"image": None}, "image"),
        ({"image": ""}, "image"),
        ({"image": "a" * 257}, "image"),
        ({"image": "--upload-pack=x"}, "image"),
        ({"image": "a b"}, "image"),
        ({"sha": "a" * 41}, "sha"),
        ({"sha": "../x"}, "sha"),
        ({"procfile": None}, "procfile"),
        ({"procfile": []}, "procfile"),
        ({"procfile": {"web": None}}, "procfile"),
        ({"procfile": {"we/b": "x"}}, "procfile"),
        ({"procfile": {"\x00": "x"}}, "procfile"),
        ({"procfile": {"web": "a\x00"}}, "procfile"),
        ({"procfile": {"web": "\ud800"}}, "procfile"),
        ({"procfile": {"web": "x" * 65537}}, "procfile"),
        ({"dockerfile": "\x00"}, "dockerfile"),
    ],
)
async def test_what_a_build_may_not_be(
    bob: Client, fresh_app: str, change: dict[str, object], field: str
) -> None:
    answer = await bob.post(f"{fresh_app}/builds/", {"image": "example/go"} | change)
    assert answer.status == 400
    assert list(answer.json) == [field]


async def test_platform_images_are_refused(bob: Client, fresh_app: str) -> None:
    answer = await bob.post(f"{fresh_app}/builds/", {"image": "host:5000/deis/builder:v1"})
    assert (answer.status, answer.json) == (
        403,
        {"detail": "Repository name host:5000/deis/builder is not allowed"},
    )
    assert (await bob.get(f"{fresh_app}/releases/")).json["count"] == 1


async def test_an_image_that_cannot_be_had_leaves_nothing(bob: Client, fresh_app: str) -> None:
    answer = await bob.post(f"{fresh_app}/builds/", {"image": "missing"})
    assert (answer.status, answer.json) == (400, {"detail": "missing: manifest unknown"})
    assert (await bob.get(f"{fresh_app}/releases/")).json["count"] == 1
    assert (await bob.get(f"{fresh_app}/builds/")).json["count"] == 0


async def test_a_failed_deploy_is_503_and_its_number_is_not_used_again(
    api: Api, bob: Client, built_app: str
) -> None:
    api.leader.reason = "web.1 exited with code 1"
    failed = await bob.post(f"{built_app}/builds/", {"image": "broken"})
    assert (failed.status, failed.json) == (503, {"detail": "web.1 exited with code 1"})
    assert (await bob.get(f"{built_app}/releases/")).json["count"] == 2
    api.leader.reason = None
    assert (await bob.post(f"{built_app}/builds/", {"image": "x"})).headers["Deis-Release"] == "4"
    assert (await bob.get(f"{built_app}/releases/v3/")).json["summary"] == "bob deployed broken"


BUILD_FIELDS = {
    *("owner", "app", "image", "sha", "procfile", "dockerfile", "created", "updated", "uuid"),
}


async def test_5_a_build_has_the_contracts_fields(bob: Client, fresh_app: str) -> None:
    body = {"image": "hello", "sha": "a" * 40, "procfile": {"web": "x"}, "dockerfile": "FROM x"}
    made = await bob.post(f"{fresh_app}/builds/", body)
    assert set(made.json) == BUILD_FIELDS
    assert {name: made.json[name] for name in body} == body
    assert (made.json["owner"], made.json["app"]) == ("bob", "hello")
    assert (made.headers["Deis-Release"], made.headers["X-Deis-Release"]) == ("2", "2")
    assert (await bob.get(f"{fresh_app}/builds/")).json["results"] == [made.json]


async def test_5_builds_come_newest_first(bob: Client, fresh_app: str) -> None:
    for image in ("one", "two", "three"):
        await bob.post(f"{fresh_app}/builds/", {"image": image})
    listed = (await bob.get(f"{fresh_app}/builds/")).json["results"]
    assert [build["image"] for build in listed] == ["three", "two", "one"]


@pytest.mark.parametrize("body", [None, {}])
async def test_5_without_an_image_it_is_400(bob: Client, fresh_app: str, body: object) -> None:
    answer = await bob.post(f"{fresh_app}/builds/", body)
    assert (answer.status, answer.json) == (400, {"image": ["This field is required."]})


@pytest.mark.parametrize(
    "body",
    [
        {"image": "a" * 256},
        {"image": "host:5000/a/b@sha256:" + "a" * 64},
        {"image": "x", "sha": "a" * 40},
        {"image": "x", "procfile": ""},
        {"image": "x", "dockerfile": "FROM x\nRUN y\n"},
        {"image": "x", "procfile": {"web": "a 'b' \"c\"\n$D"}},
    ],
)
async def test_5_what_a_build_may_be(bob: Client, fresh_app: str, body: dict[str, object]) -> None:
    made = await bob.post(f"{fresh_app}/builds/", body)
    assert made.status == 201
    wanted = body | ({"procfile": {}} if body.get("procfile") == "" else {})
    assert {name: made.json[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("body", "structure"),
    [
        ({"image": "x"}, {"cmd": 1}),
        ({"image": "x", "procfile": {"web": "y"}}, {"cmd": 1}),
        ({"image": "x", "sha": "a" * 8, "dockerfile": "true"}, {"cmd": 1}),
        ({"image": "x", "sha": "a" * 8, "procfile": {"worker": "y"}}, {"cmd": 1}),
        ({"image": "x", "sha": "a" * 8, "procfile": {"web": "y"}}, {"web": 1}),
        ({"image": "x", "sha": "a" * 8}, {"web": 1}),
    ],
)
async def test_5_the_default_scale(
    bob: Client, fresh_app: str, body: dict[str, object], structure: dict[str, int]
) -> None:
    """As semantics.md section 4, step 5, has it."""
    await bob.post(f"{fresh_app}/builds/", body)
    assert (await bob.get(f"{fresh_app}/")).json["structure"] == structure
