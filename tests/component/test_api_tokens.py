"""Named tokens over HTTP: for scripts and CI jobs, with a scope, for one app, for some time."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fixtures.control import Api, Client
from tests.fixtures.waiting import eventually

TOKENS = "/v1/tokens/"
FIELDS = {"id", "name", "scope", "app", "created", "last_used", "expires", "current"}
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


async def make(client: Client, **fields: Any) -> tuple[dict[str, Any], Client]:
    """A named token as it was answered, and a client that has it."""
    made = await client.post(TOKENS, {"name": "ci", "scope": "admin"} | fields)
    assert made.status == 201, made.text
    return made.json, Client(client.session, client.url, made.json["token"])


async def test_a_token_is_answered_with_its_digits_once(bob: Client, fresh_app: str) -> None:
    made, ci = await make(bob, scope="deploy", app="hello", expires="90d")
    assert set(made) == FIELDS | {"token"}
    assert re.fullmatch("[0-9a-f]{40}", made["token"])
    assert (made["name"], made["scope"], made["app"]) == ("ci", "deploy", "hello")
    assert (made["current"], made["last_used"]) == (False, None)
    for name in ("created", "expires"):
        assert re.fullmatch(ISO, made[name])
    span = datetime.fromisoformat(made["expires"]) - datetime.fromisoformat(made["created"])
    assert abs(span - timedelta(days=90)) < timedelta(minutes=1)
    listed = await bob.get(TOKENS)
    assert made["token"] not in listed.text
    assert all(set(token) == FIELDS for token in listed.json["results"])
    assert (await ci.get(f"{fresh_app}/")).status == 200


async def test_ones_own_are_listed_with_those_of_logins(admin: Client, bob: Client) -> None:
    made, ci = await make(bob)
    login, named = (await bob.get(TOKENS)).json["results"]
    assert (login["name"], login["scope"], login["current"]) == ("", "admin", True)
    assert (named["id"], named["current"]) == (made["id"], False)
    assert [token["current"] for token in (await ci.get(TOKENS)).json["results"]] == [False, True]
    assert (await admin.get(TOKENS)).json["count"] == 1


async def test_only_a_digest_lies_in_the_database(api: Api, bob: Client) -> None:
    made, _ = await make(bob)
    async with api.leader.database.connection() as conn:
        tables = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for row in tables:
            text = await conn.fetchval(
                f'SELECT coalesce(string_agg(t::text, $1), $1) FROM "{row[0]}" t', ""
            )
            assert made["token"] not in text, row[0]
            assert made["token"].encode().hex() not in text, row[0]


async def test_a_name_is_an_accounts_once(admin: Client, bob: Client) -> None:
    await make(bob)
    again = await bob.post(TOKENS, {"name": "ci", "scope": "read"})
    assert (again.status, again.json) == (400, {"name": ["This field must be unique."]})
    await make(admin)


async def test_a_removed_token_is_over_and_its_name_free(bob: Client) -> None:
    made, ci = await make(bob)
    gone = await bob.delete(f"{TOKENS}{made['id']}/")
    assert (gone.status, gone.text) == (204, "")
    refused = await ci.get("/v1/")
    assert (refused.status, refused.json) == (401, {"detail": "Invalid token"})
    assert (await bob.delete(f"{TOKENS}{made['id']}/")).status == 404
    await make(bob)


async def test_nobody_removes_anothers_token(admin: Client, bob: Client) -> None:
    made, ci = await make(bob)
    assert (await admin.delete(f"{TOKENS}{made['id']}/")).status == 404
    for unknown in ("not-a-uuid", "11111111-2222-4333-8444-555555555555"):
        assert (await bob.delete(f"{TOKENS}{unknown}/")).json == {"detail": "Not found"}
    assert (await ci.get("/v1/")).status == 200


async def test_a_token_is_over_when_its_time_is(bob: Client) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    _, ci = await make(bob, expires=soon)
    assert (await ci.get("/v1/")).status == 200

    async def over() -> bool:
        return (await ci.get("/v1/")).status == 401

    await eventually(over)
    assert (await ci.get("/v1/")).json == {"detail": "Token has expired"}
    await make(bob)  # the name of one that is over is free


@pytest.mark.parametrize(
    ("text", "seconds"), [("90d", 7_776_000), ("12h", 43_200), ("30m", 1800), ("1m", 60)]
)
async def test_spans_of_time(bob: Client, text: str, seconds: int) -> None:
    made, _ = await make(bob, expires=text)
    span = datetime.fromisoformat(made["expires"]) - datetime.now(UTC)
    assert seconds - 30 < span.total_seconds() <= seconds


@pytest.mark.parametrize("zone", ["Z", "+02:00", "-07:00"])
async def test_times_with_their_zone(bob: Client, zone: str) -> None:
    text = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S") + zone
    made, _ = await make(bob, expires=text)
    assert datetime.fromisoformat(made["expires"]) == datetime.fromisoformat(text)


async def test_without_an_end_it_lives_on(bob: Client) -> None:
    made, _ = await make(bob)
    assert made["expires"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "-x"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"scope": "all"}, "scope"),
        ({"scope": ""}, "scope"),
        ({"scope": "ADMIN"}, "scope"),
        ({"expires": "soon"}, "expires"),
        ({"expires": "90"}, "expires"),
        ({"expires": "-1d"}, "expires"),
        ({"expires": "0d"}, "expires"),
        ({"expires": "999999d"}, "expires"),
        ({"expires": "2001-01-01T00:00:00Z"}, "expires"),
        ({"expires": "2100-01-01T00:00:00Z"}, "expires"),
        ({"expires": "2027-06-01T00:00:00"}, "expires"),
        ({"expires": "0001-01-01T00:00:00+23:59"}, "expires"),
        ({"expires": "9999-12-31T23:59:59-23:59"}, "expires"),
        ({"app": ""}, "app"),
        ({"app": ["hello"]}, "app"),
    ],
)
async def test_what_a_token_may_not_be(bob: Client, change: dict[str, object], field: str) -> None:
    answer = await bob.post(TOKENS, {"name": "ci", "scope": "read"} | change)
    assert (answer.status, list(answer.json)) == (400, [field])


async def test_what_is_missing_is_named(bob: Client) -> None:
    required = ["This field is required."]
    assert (await bob.post(TOKENS, {})).json == {"name": required, "scope": required}


async def test_the_app_must_be_there_and_ones_own(api: Api, bob: Client, fresh_app: str) -> None:
    stranger = await api.user("stranger")
    body = {"name": "ci", "scope": "read"}
    assert (await bob.post(TOKENS, body | {"app": "nothing"})).status == 404
    assert (await stranger.post(TOKENS, body | {"app": "hello"})).status == 403
    await bob.post(f"{fresh_app}/perms/", {"username": "stranger"})
    _, theirs = await make(stranger, app="hello")
    assert (await theirs.get(f"{fresh_app}/")).status == 200
    await bob.delete(f"{fresh_app}/perms/stranger")
    assert (await theirs.get(f"{fresh_app}/")).status == 403
    assert (await theirs.get("/v1/apps/")).json["count"] == 0


async def test_scopes_include_one_another(bob: Client, built_app: str) -> None:
    """A call that needs each scope, by tokens of all; the matrix goes through every route."""
    clients = {s: (await make(bob, name=s, scope=s))[1] for s in ("read", "deploy", "admin")}
    calls = {
        "read": ("GET", f"{built_app}/", None),
        "deploy": ("GET", f"{built_app}/config/", None),
        "admin": ("GET", "/v1/tokens/", None),
    }
    calls["admin"] = ("POST", f"{built_app}/", {"owner": "bob"})
    order = list(clients)
    for scope, client in clients.items():
        for needed, (method, path, body) in calls.items():
            answer = await client.call(method, path, body)
            enough = order.index(scope) >= order.index(needed)
            assert (answer.status == 200) == enough, (scope, needed)
            if not enough:
                text = f"The token's scope is {scope}; this needs {needed}."
                assert (answer.status, answer.json) == (403, {"detail": text})


async def test_a_limited_token_makes_no_better_one(bob: Client, fresh_app: str) -> None:
    for fields in ({"scope": "deploy"}, {"scope": "admin", "app": "hello"}):
        _, limited = await make(bob, name="-".join(fields.values()).replace("-", "x"), **fields)
        assert (await limited.post(TOKENS, {"name": "more", "scope": "admin"})).status == 403
        assert (await limited.post("/v1/auth/tokens/")).status == 403
        assert (await limited.post("/v1/auth/passwd/", {"new_password": "x"})).status == 403


async def test_the_last_use_is_noted_at_most_once_a_minute(api: Api, bob: Client) -> None:
    made, ci = await make(bob)

    async def last_used() -> Any:
        found = {token["id"]: token for token in (await bob.get(TOKENS)).json["results"]}
        return found[made["id"]]["last_used"]

    assert await last_used() is None
    await ci.get("/v1/")
    first = await last_used()
    assert re.fullmatch(ISO, first)
    await ci.get("/v1/")
    assert await last_used() == first
    async with api.leader.database.connection() as conn:
        query = "UPDATE tokens SET last_used = last_used - interval '61 seconds' WHERE name = 'ci'"
        await conn.execute(query)
    await ci.get("/v1/")
    assert await last_used() > first


async def test_regenerating_ends_named_tokens_too(bob: Client) -> None:
    _, ci = await make(bob)
    await bob.post("/v1/auth/tokens/")
    assert (await ci.get("/v1/")).status == 401


async def test_a_logout_with_a_named_token_ends_it(bob: Client) -> None:
    _, ci = await make(bob, scope="read")
    assert (await ci.post("/v1/auth/logout/")).status == 204
    assert (await ci.get("/v1/")).status == 401
    assert (await bob.get("/v1/")).status == 200
