"""The builder's hooks over HTTP (api.md section 14)."""

from dataclasses import replace
from uuid import uuid4

import pytest

from deis_control.db import apps, refs
from deis_control.deltas import RefUpdate
from deis_control.services.builds import NewBuild
from tests.fixtures.control import Api, Client

PUSH = {
    "sha": "a" * 40,
    "receive_user": "bob",
    "receive_repo": "hello",
    "fingerprint": "aa:bb",
    "ssh_connection": "10.0.0.1 1 10.0.0.2 2",
    "ssh_original_command": "git-receive-pack 'hello.git'",
}
BUILD = {
    "receive_user": "bob",
    "receive_repo": "hello",
    "image": "hello",
    "sha": "a" * 8,
    "procfile": {"web": "serve"},
    "dockerfile": "",
}


async def test_a_push_is_recorded(api: Api, fresh_app: str) -> None:
    made = await api.builder().post("/v1/hooks/push", PUSH)
    assert made.status == 201
    assert {name: made.json[name] for name in PUSH} == PUSH
    assert (made.json["owner"], made.json["app"]) == ("bob", "hello")


async def test_a_built_push_is_released(api: Api, bob: Client, fresh_app: str) -> None:
    made = await api.builder().post("/v1/hooks/build", BUILD)
    assert (made.status, made.json) == (
        200,
        {"release": {"version": 2}, "domains": ["hello.example.com"]},
    )
    assert (await bob.get(f"{fresh_app}/releases/v2/")).json["summary"] == "bob deployed aaaaaaa"
    assert (await bob.get(f"{fresh_app}/")).json["structure"] == {"web": 1}


async def test_both_spellings_of_the_build_hook_work(api: Api, fresh_app: str) -> None:
    for path in ("/v1/hooks/build", "/v1/hooks/build/", "/v1/hooks/builds"):
        assert (await api.builder().post(path, BUILD)).status == 200


async def test_a_failed_deploy_is_told_to_the_builder(api: Api, fresh_app: str) -> None:
    api.leader.reason = "web.1 exited with code 1"
    answer = await api.builder().post("/v1/hooks/build", BUILD)
    assert (answer.status, answer.json) == (503, {"detail": "web.1 exited with code 1"})


async def test_the_config_is_that_of_the_latest_release(
    api: Api, bob: Client, fresh_app: str
) -> None:
    await bob.post(f"{fresh_app}/config/", {"values": {"A": "1"}})
    body = {"receive_user": "bob", "receive_repo": "hello"}
    assert (await api.builder().post("/v1/hooks/config", body)).json["values"] == {"A": "1"}


@pytest.mark.parametrize("path", ["push", "config", "build"])
async def test_only_the_builder_is_let_in(api: Api, bob: Client, fresh_app: str, path: str) -> None:
    body = PUSH | BUILD
    assert (await api.anonymous.post(f"/v1/hooks/{path}", body)).status == 401
    assert (await bob.post(f"/v1/hooks/{path}", body)).status == 403
    wrong = {"X-Deis-Builder-Auth": "wrong"}
    assert (await api.anonymous.post(f"/v1/hooks/{path}", body, headers=wrong)).status == 401


@pytest.mark.parametrize("path", ["push", "config", "build"])
async def test_who_pushes_must_be_let_into_the_app(api: Api, fresh_app: str, path: str) -> None:
    await api.user("eve")
    body = PUSH | BUILD
    for change, status in (
        ({"receive_user": "nobody"}, 404),
        ({"receive_repo": "nothing"}, 404),
        ({"receive_user": "eve"}, 403),
        ({"receive_user": None}, 400),
    ):
        assert (await api.builder().post(f"/v1/hooks/{path}", body | change)).status == status


async def test_an_empty_procfile_as_null_is_refused(api: Api, fresh_app: str) -> None:
    answer = await api.builder().post("/v1/hooks/build", BUILD | {"procfile": None})
    assert (answer.status, answer.json) == (400, {"procfile": ["This field may not be null."]})


async def test_a_push_asked_twice_is_released_once(api: Api, bob: Client, fresh_app: str) -> None:
    user, app = await api.services.access.named("bob", "hello")
    new = NewBuild("hello", "a" * 40, {"web": "serve"})
    ref = RefUpdate("refs/heads/master", "0" * 40, "a" * 40)
    push = uuid4()
    reference = "127.0.0.1:5000/hello@sha256:" + "b" * 64
    one = await api.services.builds.from_push(
        app, user, new, push=push, reference=reference, ref=ref
    )
    two = await api.services.builds.from_push(
        app, user, new, push=push, reference=reference, ref=ref
    )
    assert one == two
    assert (await bob.get(f"{fresh_app}/releases/")).json["count"] == 2
    async with api.leader.database.connection() as conn:
        found = await apps.find(conn, "hello")
        assert await refs.of_app(conn, found.uuid) == {"refs/heads/master": "a" * 40}


async def test_the_ref_stays_when_the_release_fails(api: Api, fresh_app: str) -> None:
    user, app = await api.services.access.named("bob", "hello")
    api.leader.reason = "no"
    ref = RefUpdate("refs/heads/master", "0" * 40, "a" * 40)
    operation = await api.services.builds.accept(
        app, user, NewBuild("hello", "a" * 40), "reference", key="push:1", ref=ref
    )
    assert (await api.services.operations.ended(operation)).reason == "no"
    async with api.leader.database.connection() as conn:
        assert await refs.of_app(conn, app.uuid) == {}


async def test_14_a_push_has_the_contracts_fields(api: Api, fresh_app: str) -> None:
    made = await api.builder().post("/v1/hooks/push", PUSH)
    assert set(made.json) == {*PUSH, "uuid", "owner", "app", "created", "updated"}


@pytest.mark.parametrize("field", list(PUSH))
@pytest.mark.parametrize("value", ["", None, "x" * 256])
async def test_14_every_field_of_a_push_is_required_and_bounded(
    api: Api, fresh_app: str, field: str, value: object
) -> None:
    answer = await api.builder().post("/v1/hooks/push", PUSH | {field: value})
    assert (answer.status, list(answer.json)) == (400, [field])
    left = {name: text for name, text in PUSH.items() if name != field}
    missing = await api.builder().post("/v1/hooks/push", left)
    assert (missing.status, missing.json) == (400, {field: ["This field is required."]})


@pytest.mark.parametrize("sha", ["a", "a" * 40, "not hexadecimal"])
async def test_14_a_pushed_sha_may_be_any_text_of_40(api: Api, fresh_app: str, sha: str) -> None:
    made = await api.builder().post("/v1/hooks/push", PUSH | {"sha": sha})
    assert (made.status, made.json["sha"]) == (201, sha)


@pytest.mark.parametrize("path", ["config", "build"])
async def test_14_missing_receivers_are_named(api: Api, fresh_app: str, path: str) -> None:
    required = ["This field is required."]
    answer = await api.builder().post(f"/v1/hooks/{path}", {"image": "x"})
    assert (answer.status, answer.json) == (
        400,
        {"receive_user": required, "receive_repo": required},
    )


@pytest.mark.parametrize("path", ["push", "config", "build", "builds"])
async def test_14_hooks_are_posted(api: Api, path: str) -> None:
    assert (await api.builder().get(f"/v1/hooks/{path}")).status == 405


async def test_14_with_a_users_token_the_builder_is_still_let_in(
    api: Api, bob: Client, fresh_app: str
) -> None:
    both = Client(bob.session, bob.url, bob.token, api.builder().headers)
    assert (await both.post("/v1/hooks/push", PUSH)).status == 201


async def test_14_without_a_key_of_the_platform_nobody_is_a_builder(
    api: Api, fresh_app: str
) -> None:
    api.platform = replace(api.platform, builder_key="")
    for key in ("", "builder-key"):
        headers = {"X-Deis-Builder-Auth": key}
        answer = await api.anonymous.post("/v1/hooks/push", PUSH, headers=headers)
        assert answer.status == 401


async def test_14_a_dockerfile_is_true_or_nothing(api: Api, bob: Client, fresh_app: str) -> None:
    await api.builder().post("/v1/hooks/build", BUILD | {"dockerfile": "true", "procfile": {}})
    (build,) = (await bob.get(f"{fresh_app}/builds/")).json["results"]
    assert (build["dockerfile"], build["owner"], build["image"]) == ("true", "bob", "hello")


async def test_14_collaborators_push_too(api: Api, bob: Client, fresh_app: str) -> None:
    await api.user("eve")
    await bob.post(f"{fresh_app}/perms/", {"username": "eve"})
    made = await api.builder().post("/v1/hooks/build", BUILD | {"receive_user": "eve"})
    assert made.json["release"] == {"version": 2}
    assert (await bob.get(f"{fresh_app}/releases/v2/")).json["owner"] == "eve"
