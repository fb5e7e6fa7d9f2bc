"""Accounts over HTTP: passwords, ends, the list, who administers (api.md 2.4 to 2.7)."""

import pytest

from tests.fixtures.control import Answer, Api, Client

PASSWD = "/v1/auth/passwd/"
CANCEL = "/v1/auth/cancel/"
ADMINS = "/v1/admin/perms/"
FORBIDDEN = {"detail": "You do not have permission to perform this action."}


async def _may_log_in(api: Api, username: str, password: str) -> bool:
    body = {"username": username, "password": password}
    return (await api.anonymous.post("/v1/auth/login/", body)).status == 200


@pytest.mark.parametrize("named", [{}, {"username": "bob"}])
async def test_2_4_ones_own_password(api: Api, bob: Client, named: dict[str, str]) -> None:
    body = {"password": "secret", "new_password": "other"} | named
    changed = await bob.post(PASSWD, body)
    assert (changed.status, changed.json) == (200, {"status": "password set"})
    assert await _may_log_in(api, "bob", "other")
    assert not await _may_log_in(api, "bob", "secret")
    assert (await bob.get("/v1/")).status == 200, "the token stays"


async def test_2_4_the_current_password_must_be_right(api: Api, bob: Client) -> None:
    refused = await bob.post(PASSWD, {"password": "wrong", "new_password": "other"})
    assert (refused.status, refused.json) == (400, {"detail": "Current password does not match"})
    assert await _may_log_in(api, "bob", "secret")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"new_password": "x"}, {"password": ["This field is required."]}),
        ({"password": "secret"}, {"new_password": ["This field is required."]}),
        (
            {"password": "secret", "new_password": ""},
            {"new_password": ["This field may not be blank."]},
        ),
        (None, {"new_password": ["This field is required."]}),
    ],
)
async def test_2_4_what_is_left_out_is_named(
    bob: Client, body: object, errors: dict[str, list[str]]
) -> None:
    answer = await bob.post(PASSWD, body)
    assert (answer.status, answer.json) == (400, errors)


async def test_2_4_somebody_elses_is_for_superusers(api: Api, admin: Client, bob: Client) -> None:
    refused = await bob.post(PASSWD, {"username": "admin", "new_password": "other"})
    assert (refused.status, refused.json) == (403, FORBIDDEN)
    assert (await bob.post(PASSWD, {"username": "nobody", "new_password": "x"})).status == 403
    unknown = await admin.post(PASSWD, {"username": "nobody", "new_password": "x"})
    assert (unknown.status, unknown.json) == (404, {"detail": "Not found"})
    assert (await admin.post(PASSWD, {"username": "bob", "new_password": "other"})).status == 200
    assert await _may_log_in(api, "bob", "other")


async def test_2_4_a_password_that_an_admin_sends_is_the_targets(
    api: Api, admin: Client, bob: Client
) -> None:
    await admin.post(PASSWD, {"password": "secret", "new_password": "the admin's"})
    body = {"username": "bob", "new_password": "other"}
    refused = await admin.post(PASSWD, body | {"password": "the admin's"})
    assert (refused.status, refused.json) == (400, {"detail": "Current password does not match"})
    assert (await admin.post(PASSWD, body | {"password": "secret"})).status == 200


async def test_2_4_an_admin_may_leave_his_own_out(api: Api, admin: Client) -> None:
    assert (await admin.post(PASSWD, {"new_password": "other"})).status == 200
    assert await _may_log_in(api, "admin", "other")


@pytest.mark.parametrize("body", [None, {}, {"username": "bob"}])
async def test_2_5_ones_own_account_ends(api: Api, bob: Client, body: object) -> None:
    gone = await bob.delete(CANCEL, data=b"") if body is None else await _delete(bob, body)
    assert (gone.status, gone.text) == (204, "")
    assert (await bob.get("/v1/")).status == 401
    assert not await _may_log_in(api, "bob", "secret")


async def test_2_5_somebody_elses_is_for_superusers(admin: Client, bob: Client) -> None:
    refused = await _delete(bob, {"username": "admin"})
    assert (refused.status, refused.json) == (403, FORBIDDEN)
    assert (await _delete(admin, {"username": "nobody"})).json == {"detail": "Not found"}
    assert (await _delete(admin, {"username": "bob"})).status == 204


async def test_2_5_cancel_is_409_while_apps_are_owned(
    admin: Client, bob: Client, fresh_app: str
) -> None:
    text = "bob still has applications assigned. Delete or transfer ownership"
    for refused in (await bob.delete(CANCEL), await _delete(admin, {"username": "bob"})):
        assert (refused.status, refused.reason, refused.json) == (409, "CONFLICT", {"detail": text})
    assert (await bob.post(f"{fresh_app}/", {"owner": "admin"})).status == 200
    assert (await bob.delete(CANCEL)).status == 204


async def test_2_5_keys_and_certs_and_grants_go_with_the_account(
    api: Api, admin: Client, bob: Client
) -> None:
    key = {"id": "bob@box", "public": "ssh-rsa AAAAB3NzaC1yc2E= bob@box"}
    assert (await bob.post("/v1/keys/", key)).status == 201
    await admin.post("/v1/apps/", {"id": "shared"})
    await admin.post("/v1/apps/shared/perms/", {"username": "bob"})
    await bob.delete(CANCEL)
    assert (await admin.get("/v1/apps/shared/perms/")).json == {"users": []}
    assert (await admin.post("/v1/keys/", key)).status == 201, "the key is free again"


async def test_2_5_what_was_made_in_others_apps_is_their_owners_then(
    api: Api, bob: Client, built_app: str
) -> None:
    eve = await api.user("eve")
    await bob.post(f"{built_app}/perms/", {"username": "eve"})
    await eve.post(f"{built_app}/config/", {"values": {"A": "1"}})
    await eve.post(f"{built_app}/builds/", {"image": "other"})
    await eve.post(f"{built_app}/domains/", {"domain": "www.example.org"})
    assert (await eve.delete(CANCEL)).status == 204
    for path in ("releases", "builds", "domains"):
        found = (await bob.get(f"{built_app}/{path}/")).json["results"]
        assert {item["owner"] for item in found} == {"bob"}
    assert (await bob.get(f"{built_app}/config/")).json["values"] == {"A": "1"}
    assert (await bob.post(f"{built_app}/config/", {})).status == 201
    actors = (await bob.get(f"{built_app}/operations/")).json["results"]
    assert {operation["actor"] for operation in actors} == {"bob"}


async def test_2_6_everybody_is_listed_for_superusers(admin: Client, bob: Client) -> None:
    assert (await bob.get("/v1/users/")).json == FORBIDDEN
    page = (await admin.get("/v1/users/?page_size=100")).json
    assert page["count"] == 2
    assert [user["username"] for user in page["results"]] == ["admin", "bob"]
    made = await admin.post("/v1/auth/register/", {"username": "eve", "password": "x"})
    assert (await admin.get("/v1/users/?page=last&page_size=1")).json["results"] == [made.json]


async def test_2_7_who_administers_is_listed(admin: Client, bob: Client) -> None:
    page = (await admin.get(ADMINS)).json
    assert page["results"] == [{"username": "admin", "is_superuser": True}]
    assert (await bob.get(ADMINS)).status == 403


async def test_2_7_only_active_ones(api: Api, admin: Client, bob: Client) -> None:
    await admin.post(ADMINS, {"username": "bob"})
    async with api.leader.database.connection() as conn:
        await conn.execute("UPDATE users SET is_active = false WHERE username = 'bob'")
    assert (await admin.get(ADMINS)).json["count"] == 1


async def test_2_7_a_grant_makes_a_superuser(admin: Client, bob: Client) -> None:
    assert (await bob.post(ADMINS, {"username": "bob"})).status == 403
    granted = await admin.post(ADMINS, {"username": "bob"})
    assert (granted.status, granted.text) == (201, "")
    assert (await bob.get("/v1/users/")).json["results"][1]["is_staff"] is True
    assert (await bob.delete(f"{ADMINS}admin")).status == 204
    assert (await admin.get("/v1/users/")).status == 403


async def test_2_7_unknown_is_404_and_a_missing_key_400(admin: Client) -> None:
    assert (await admin.post(ADMINS, {"username": "nobody"})).json == {"detail": "Not found"}
    assert (await admin.delete(f"{ADMINS}nobody")).status == 404
    missing = await admin.post(ADMINS, {})
    assert (missing.status, missing.json) == (400, {"username": ["This field is required."]})


@pytest.mark.parametrize("name", ["e.v+e@x-y_z", "bob.", "@bob"])
async def test_2_7_names_in_urls_are_whole_names(
    api: Api, admin: Client, bob: Client, name: str
) -> None:
    """The original acted on the user whose name is the part before the first odd character."""
    await api.user(name)
    await admin.post(ADMINS, {"username": name})
    await admin.post(ADMINS, {"username": "bob"})
    assert (await admin.delete(f"{ADMINS}{name}")).status == 204
    left = (await admin.get(ADMINS)).json["results"]
    assert [user["username"] for user in left] == ["admin", "bob"]


async def test_2_7_the_last_admin_may_step_down(admin: Client) -> None:
    assert (await admin.delete(f"{ADMINS}admin")).status == 204
    assert (await admin.get(ADMINS)).status == 403


async def _delete(client: Client, body: object) -> Answer:
    return await client.call("DELETE", CANCEL, body)


async def test_a_grant_that_changes_nothing_leaves_no_line(admin: Client, bob: Client) -> None:
    for _ in range(2):
        assert (await admin.post("/v1/admin/perms/", {"username": "bob"})).status == 201
    assert (await admin.get("/v1/audit/?action=admin.grant")).json["count"] == 1
