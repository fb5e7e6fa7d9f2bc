"""Grants on apps over HTTP (api.md section 11)."""

import pytest

from tests.fixtures.control import Api, Client
from tests.fixtures.events import events_of
from tests.fixtures.logger import RunningLogger

FORBIDDEN = {"detail": "You do not have permission to perform this action."}


@pytest.fixture
async def eve(api: Api, admin: Client) -> Client:
    return await api.user("eve")


@pytest.fixture
async def perms(bob: Client, eve: Client, fresh_app: str) -> str:
    """The path of the grants on bob's app, which is shared with eve."""
    path = f"{fresh_app}/perms/"
    granted = await bob.post(path, {"username": "eve"})
    assert (granted.status, granted.reason, granted.text) == (201, "CREATED", "")
    return path


async def test_11_grantees_are_listed_without_the_owner(
    admin: Client, bob: Client, eve: Client, perms: str
) -> None:
    for client in (admin, bob, eve):
        answer = await client.get(perms)
        assert (answer.status, answer.json) == (200, {"users": ["eve"]})


async def test_11_superusers_are_listed_if_granted(bob: Client, perms: str) -> None:
    await bob.post(perms, {"username": "admin"})
    assert (await bob.get(perms)).json == {"users": ["admin", "eve"]}


async def test_11_a_grant_twice_is_one(bob: Client, eve: Client, perms: str) -> None:
    assert (await bob.post(perms, {"username": "eve"})).status == 201
    assert (await bob.get(perms)).json == {"users": ["eve"]}
    assert (await bob.delete(f"{perms}eve")).status == 204
    assert (await eve.get("/v1/apps/hello/")).status == 403


async def test_11_owners_and_superusers_grant(
    api: Api, admin: Client, bob: Client, eve: Client, perms: str
) -> None:
    stranger = await api.user("stranger")
    for client in (eve, stranger):
        refused = await client.post(perms, {"username": "stranger"})
        assert (refused.status, refused.json) == (403, FORBIDDEN)
    assert (await admin.post(perms, {"username": "stranger"})).status == 201
    assert (await stranger.get("/v1/apps/hello/")).status == 200


async def test_11_unknown_is_404_and_a_missing_key_400(bob: Client, perms: str) -> None:
    unknown = await bob.post(perms, {"username": "nobody"})
    assert (unknown.status, unknown.json) == (404, {"detail": "Not found"})
    missing = await bob.post(perms, {})
    assert (missing.status, missing.json) == (400, {"username": ["This field is required."]})


async def test_11_a_grantee_gives_up_his_own(bob: Client, eve: Client, perms: str) -> None:
    assert (await eve.delete(f"{perms}eve")).status == 204
    assert (await bob.get(perms)).json == {"users": []}
    assert (await eve.delete(f"{perms}eve")).status == 403, "she is a stranger now"


async def test_11_a_collaborator_revokes_nobody_else(
    api: Api, bob: Client, eve: Client, perms: str
) -> None:
    await api.user("carl")
    await bob.post(perms, {"username": "carl"})
    assert (await eve.delete(f"{perms}carl")).json == FORBIDDEN
    assert (await eve.delete(f"{perms}admin")).status == 403
    assert (await bob.get(perms)).json == {"users": ["carl", "eve"]}


async def test_11_without_a_grant_there_is_nothing_to_revoke(
    api: Api, admin: Client, bob: Client, perms: str
) -> None:
    await api.user("stranger")
    for client in (bob, admin):
        refused = await client.delete(f"{perms}stranger")
        assert (refused.status, refused.json) == (403, FORBIDDEN)
    assert (await bob.delete(f"{perms}nobody")).json == {"detail": "Not found"}


async def test_11_a_superuser_always_has_the_permission(bob: Client, perms: str) -> None:
    assert (await bob.delete(f"{perms}admin")).status == 204


@pytest.mark.parametrize("name", ["eve@x", "eve.v", "eve+1"])
async def test_11_names_in_urls_are_whole_names(
    api: Api, bob: Client, perms: str, name: str
) -> None:
    await api.user(name)
    await bob.post(perms, {"username": name})
    assert (await bob.delete(f"{perms}{name}")).status == 204
    assert (await bob.get(perms)).json == {"users": ["eve"]}


async def test_1_9_a_collaborator_does_all_but_delete_and_share(
    bob: Client, eve: Client, built_app: str
) -> None:
    await bob.post(f"{built_app}/perms/", {"username": "eve"})
    for path in ("", "config/", "builds/", "releases/", "containers/", "domains/", "perms/"):
        assert (await eve.get(f"{built_app}/{path}")).status == 200, path
    for path, body in (
        ("builds/", {"image": "x"}),
        ("config/", {"values": {"A": "1"}}),
        ("scale/", {"cmd": 1}),
        ("containers/restart/", None),
        ("releases/rollback/", None),
        ("domains/", {"domain": "www.example.org"}),
    ):
        assert (await eve.post(f"{built_app}/{path}", body)).status < 300, path
    assert (await eve.delete(f"{built_app}/domains/www.example.org")).status == 403
    assert (await eve.delete(f"{built_app}/")).status == 403
    assert (await eve.post(f"{built_app}/perms/", {"username": "admin"})).status == 403
    assert (await eve.post(f"{built_app}/", {"owner": "eve"})).status == 403


async def test_semantics_9_grants_are_lines_in_the_apps_log(
    api: Api, bob: Client, eve: Client, fresh_app: str, logger: RunningLogger
) -> None:
    async with events_of(api, logger) as lines:
        for _ in range(2):
            await bob.post(f"{fresh_app}/perms/", {"username": "eve"})
        await bob.delete(f"{fresh_app}/perms/eve")
        await bob.delete(f"{fresh_app}/perms/eve")
    assert lines == [
        "User eve was granted access to hello",
        "User eve was revoked access to hello",
    ]
