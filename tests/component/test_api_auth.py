"""Accounts and tokens over HTTP (api.md section 2)."""

import re
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


async def test_2_1_the_account_as_registered(api: Api, admin: Client) -> None:
    names = {"first_name": "Eve", "last_name": "Smith"}
    forbidden = {"is_superuser": True, "is_staff": True, "id": 7, "groups": ["x"]}
    made = await api.anonymous.post("/v1/auth/register/", NEW | names | forbidden)
    assert made.status == 201
    assert {name: made.json[name] for name in (*names, "username", "email")} == {
        **names,
        "username": "eve",
        "email": "eve@example.com",
    }
    flags = ("is_superuser", "is_staff", "is_active", "groups", "user_permissions")
    assert [made.json[name] for name in flags] == [False, False, True, [], []]
    assert not {"token", "password", "id"} & set(made.json)


@pytest.mark.parametrize("email", [{"email": ""}, {}])
async def test_2_1_email_may_be_blank_or_missing(api: Api, email: dict[str, str]) -> None:
    body = {"username": "eve", "password": "secret"} | email
    made = await api.anonymous.post("/v1/auth/register/", body)
    assert (made.status, made.json["email"]) == (201, "")


@pytest.mark.parametrize(
    "change",
    [
        {"username": "a" * 30},
        {"username": "Az09@.+-_"},
        {"username": "Admin"},
        {"password": "x"},
        {"password": "p" * 128},
        {"email": "a" * 63 + "@example.com"},
        {"first_name": "n" * 30, "last_name": "n" * 30},
    ],
)
async def test_2_1_what_an_account_may_just_be(
    api: Api, admin: Client, change: dict[str, str]
) -> None:
    body = NEW | change
    assert (await api.anonymous.post("/v1/auth/register/", body)).status == 201
    login = {"username": body["username"], "password": body["password"]}
    assert (await api.anonymous.post("/v1/auth/login/", login)).status == 200


@pytest.mark.parametrize(
    ("field", "limit"),
    [("username", 30), ("password", 128), ("first_name", 30), ("last_name", 30), ("email", 75)],
)
async def test_2_1_bounds_of_an_account(api: Api, field: str, limit: int) -> None:
    long = "a" * (limit + 1 - 10) + "@examp.com" if field == "email" else "a" * (limit + 1)
    answer = await api.anonymous.post("/v1/auth/register/", NEW | {field: long})
    text = f"Ensure this field has no more than {limit} characters."
    assert (answer.status, answer.json) == (400, {field: [text]})


async def test_2_1_only_posts_register(bob: Client) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert (await bob.call(method, "/v1/auth/register/")).status == 405


async def test_2_1_admins_only_tells_a_bad_token_from_none(
    api: Api, admin: Client, bob: Client
) -> None:
    api.platform = replace(api.platform, registration_mode="admin_only")
    stale = Client(admin.session, admin.url, "0" * 40)
    for client in (stale, bob):
        refused = await client.post("/v1/auth/register/", NEW)
        text = "You do not have permission to perform this action."
        assert (refused.status, refused.json) == (403, {"detail": text})


async def test_2_1_with_no_superuser_left_the_next_account_is_one(api: Api, admin: Client) -> None:
    assert (await admin.delete("/v1/admin/perms/admin")).status == 204
    made = await api.anonymous.post("/v1/auth/register/", NEW)
    assert made.json["is_superuser"] is True


async def test_2_2_a_token_is_40_hexadecimal_digits(bob: Client) -> None:
    assert re.fullmatch("[0-9a-f]{40}", bob.token or "")


@pytest.mark.parametrize("left_out", ["username", "password"])
async def test_2_2_missing_fields_are_named(api: Api, bob: Client, left_out: str) -> None:
    body = {"username": "bob", "password": "secret"}
    del body[left_out]
    answer = await api.anonymous.post("/v1/auth/login/", body)
    assert (answer.status, answer.json) == (400, {left_out: ["This field is required."]})


async def test_2_2_an_account_that_is_not_active_cannot_log_in(api: Api, bob: Client) -> None:
    async with api.leader.database.connection() as conn:
        await conn.execute("UPDATE users SET is_active = false WHERE username = 'bob'")
    body = {"username": "bob", "password": "secret"}
    answer = await api.anonymous.post("/v1/auth/login/", body)
    expected = {"non_field_errors": ["User account is disabled."]}
    assert (answer.status, answer.json) == (400, expected)
    wrong = await api.anonymous.post("/v1/auth/login/", body | {"password": "wrong"})
    assert wrong.json == {"non_field_errors": ["Unable to log in with provided credentials."]}


async def test_2_2_a_valid_token_beside_a_login_is_ignored(admin: Client, bob: Client) -> None:
    made = await admin.post("/v1/auth/login/", {"username": "bob", "password": "secret"})
    mine = Client(bob.session, bob.url, made.json["token"])
    assert (await mine.get("/v1/users/")).status == 403, "it is bob's"


async def test_2_2_a_login_leaves_last_login(api: Api, admin: Client) -> None:
    before = (await admin.get("/v1/users/")).json["results"][0]["last_login"]
    body = {"username": "admin", "password": "secret"}
    assert (await api.anonymous.post("/v1/auth/login/", body)).status == 200
    assert (await admin.get("/v1/users/")).json["results"][0]["last_login"] == before


@pytest.mark.parametrize("body", [None, {}])
async def test_2_3_an_empty_body_regenerates_ones_own(bob: Client, body: object) -> None:
    made = await bob.post("/v1/auth/tokens/", body)
    assert made.status == 200
    assert set(made.json) == {"token"}
    assert (await bob.get("/v1/")).json == {"detail": "Invalid token"}


async def test_2_3_a_name_is_for_superusers_even_ones_own(admin: Client, bob: Client) -> None:
    assert (await bob.post("/v1/auth/tokens/", {"username": "bob"})).status == 403
    made = await admin.post("/v1/auth/tokens/", {"username": "admin"})
    assert made.status == 200
    admin.token = made.json["token"]
    assert (await admin.get("/v1/users/")).status == 200


@pytest.mark.parametrize("value", [True, False, None, "true", 0])
async def test_2_3_the_key_all_counts_whatever_its_value(
    admin: Client, bob: Client, value: object
) -> None:
    made = await admin.post("/v1/auth/tokens/", {"all": value})
    assert (made.status, made.text) == (200, '""')
    for client in (admin, bob):
        assert (await client.get("/v1/")).status == 401


async def test_2_3_without_a_token_it_is_401(api: Api, bob: Client) -> None:
    assert (await api.anonymous.post("/v1/auth/tokens/", {})).status == 401
