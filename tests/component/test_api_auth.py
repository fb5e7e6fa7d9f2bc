"""Accounts and tokens over HTTP (api.md section 2)."""

from dataclasses import replace

import pytest

from deis_control.db.pool import Database
from tests.fixtures.control import Api, Client

NEW = {"username": "eve", "password": "secret", "email": "eve@example.com"}


async def test_the_first_account_is_superuser_and_no_other(api: Api) -> None:
    first = await api.anonymous.post("/v1/auth/register/", NEW)
    assert first.status == 201
    assert (first.json["is_superuser"], first.json["is_staff"]) == (True, True)
    second = await api.anonymous.post("/v1/auth/register/", NEW | {"username": "bob"})
    assert second.json["is_superuser"] is False


async def test_the_account_has_the_contracts_fields(api: Api) -> None:
    made = await api.anonymous.post("/v1/auth/register/", NEW | {"is_superuser": False})
    assert set(made.json) == {
        "email",
        "username",
        "first_name",
        "last_name",
        "is_superuser",
        "is_staff",
        "groups",
        "user_permissions",
        "last_login",
        "date_joined",
        "is_active",
    }
    assert made.json["date_joined"].endswith("Z")


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"username": ""}, {"username": ["This field may not be blank."]}),
        ({"username": "a b"}, {"username": ["Enter a valid username."]}),
        (
            {"username": "a" * 31},
            {"username": ["Ensure this field has no more than 30 characters."]},
        ),
        ({"username": None}, {"username": ["This field may not be null."]}),
        ({"username": "admin"}, {"username": ["This field must be unique."]}),
        ({"email": "nowhere"}, {"email": ["Enter a valid email address."]}),
        ({"password": ""}, {"password": ["This field may not be blank."]}),
        ({"username": "a\x00"}, {"username": ["This field may not contain NUL."]}),
        ({"first_name": "\ud800"}, {"first_name": ["This field may not contain lone surrogates."]}),
    ],
)
async def test_what_an_account_may_not_be(
    api: Api, admin: Client, change: dict[str, object], errors: dict[str, list[str]]
) -> None:
    answer = await api.anonymous.post("/v1/auth/register/", NEW | change)
    assert (answer.status, answer.json) == (400, errors)


async def test_missing_fields_are_all_named(api: Api) -> None:
    answer = await api.anonymous.post("/v1/auth/register/", {})
    required = ["This field is required."]
    assert answer.json == {"username": required, "password": required}


async def test_registration_can_be_closed(api: Api, admin: Client, bob: Client) -> None:
    api.platform = replace(api.platform, registration_mode="disabled")
    refused = await admin.post("/v1/auth/register/", NEW)
    assert (refused.status, refused.json) == (403, {"detail": "Registration is disabled"})
    api.platform = replace(api.platform, registration_mode="admin_only")
    nobody = await api.anonymous.post("/v1/auth/register/", NEW)
    assert nobody.json == {"detail": "Authentication credentials were not provided."}
    assert (nobody.status, (await bob.post("/v1/auth/register/", NEW)).status) == (403, 403)
    assert (await admin.post("/v1/auth/register/", NEW)).status == 201


async def test_a_mistyped_mode_lets_nobody_in(api: Api, admin: Client) -> None:
    api.platform = replace(api.platform, registration_mode="admins")
    assert (await admin.post("/v1/auth/register/", NEW)).status == 403


async def test_a_wrong_token_counts_as_none_when_registering(api: Api, admin: Client) -> None:
    stale = Client(admin.session, admin.url, "0" * 40)
    assert (await stale.post("/v1/auth/register/", NEW)).status == 201


async def test_each_login_makes_a_token_and_older_ones_stay(api: Api, bob: Client) -> None:
    fields = {"username": "bob", "password": "secret"}
    again = (await api.anonymous.post("/v1/auth/login/", fields)).json["token"]
    assert len(again) == 40
    assert again != bob.token
    assert (await bob.get("/v1/")).status == 200


@pytest.mark.parametrize("fields", [{"password": "wrong"}, {"username": "nobody"}])
async def test_a_wrong_login_says_the_same_of_both(
    api: Api, bob: Client, fields: dict[str, str]
) -> None:
    body = {"username": "bob", "password": "secret"} | fields
    answer = await api.anonymous.post("/v1/auth/login/", body)
    texts = ["Unable to log in with provided credentials."]
    assert (answer.status, answer.json) == (400, {"non_field_errors": texts})


async def test_a_wrong_token_beside_a_login_is_401(admin: Client) -> None:
    stale = Client(admin.session, admin.url, "0" * 40)
    body = {"username": "admin", "password": "secret"}
    assert (await stale.post("/v1/auth/login/", body)).status == 401


async def test_a_logout_ends_its_own_token_and_no_other(api: Api, bob: Client) -> None:
    fields = {"username": "bob", "password": "secret"}
    again = (await api.anonymous.post("/v1/auth/login/", fields)).json["token"]
    left = await bob.post("/v1/auth/logout/")
    assert (left.status, left.text) == (204, "")
    assert (await bob.get("/v1/")).status == 401
    assert (await bob.post("/v1/auth/logout/")).status == 401
    bob.token = again
    assert (await bob.get("/v1/")).status == 200


async def test_regenerating_ends_all_older_tokens(api: Api, bob: Client) -> None:
    made = await bob.post("/v1/auth/tokens/")
    assert (await bob.get("/v1/")).status == 401
    bob.token = made.json["token"]
    assert (await bob.get("/v1/")).status == 200


async def test_only_superusers_regenerate_others(api: Api, admin: Client, bob: Client) -> None:
    for body in ({"username": "bob"}, {"all": False}):
        assert (await bob.post("/v1/auth/tokens/", body)).status == 403
    made = await admin.post("/v1/auth/tokens/", {"username": "bob"})
    assert len(made.json["token"]) == 40
    assert (await bob.get("/v1/")).status == 401
    assert (await admin.post("/v1/auth/tokens/", {"username": "nobody"})).status == 404
    everybody = await admin.post("/v1/auth/tokens/", {"all": True})
    assert (everybody.status, everybody.json) == (200, "")
    assert (await admin.get("/v1/")).status == 401


async def test_no_token_and_no_password_lies_in_the_database(
    database: Database, bob: Client
) -> None:
    async with database.connection() as conn:
        digests = [row["digest"] for row in await conn.fetch("SELECT digest FROM tokens")]
        hashes = await conn.fetch("SELECT password FROM users")
    assert bob.token is not None
    assert bytes.fromhex(bob.token) not in digests
    assert bob.token.encode() not in digests
    assert all(row["password"].startswith("$argon2") for row in hashes)
