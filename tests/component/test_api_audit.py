"""The audit trail over HTTP: who did what to which app, when, from where."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from tests.fixtures.certificates import issue
from tests.fixtures.control import Api, Client

AUDIT = "/v1/audit/"
FIELDS = {
    *("id", "at", "actor", "address", "token", "action", "app", "target", "before", "after"),
    "outcome",
}
KEY = {"id": "bob@box", "public": "ssh-rsa AAAAB3NzaC1yc2E= bob@box"}
SECRET = "treasure-4711"


async def lines(client: Client, query: str = "") -> list[dict[str, Any]]:
    """The trail, newest first."""
    answer = await client.get(f"{AUDIT}?page_size=1000{query}")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json["results"]
    return found


async def _post(client: Client, path: str, body: Any = None) -> None:
    answer = await client.post(path, body)
    assert answer.status < 300, answer.text


async def _delete(client: Client, path: str, body: Any = None) -> None:
    answer = await client.call("DELETE", path, body)
    assert answer.status < 300, answer.text


async def _cancel(client: Client, app: str) -> None:
    async_ = {"Prefer": "respond-async"}
    made = await client.post(f"{app}/config/", {"values": {"A": "1"}}, headers=async_)
    await _post(client, f"/v1/operations/{made.json['id']}/cancel/")


Act = Callable[[Client, str], Awaitable[Any]]
"""What somebody does to the built app."""

ACTS: dict[str, tuple[Act, dict[str, Any]]] = {
    "logout": (lambda who, app: _post(who, "/v1/auth/logout/"), {"target": ""}),
    "token.create": (
        lambda who, app: _post(who, "/v1/tokens/", {"name": "ci", "scope": "read", "app": "hello"}),
        {"target": "ci", "app": "hello", "after": {"scope": "read", "expires": None}},
    ),
    "token.regenerate": (lambda who, app: _post(who, "/v1/auth/tokens/"), {"target": "bob"}),
    "passwd": (
        lambda who, app: _post(
            who, "/v1/auth/passwd/", {"password": "secret", "new_password": SECRET}
        ),
        {"target": "bob"},
    ),
    "app.create": (lambda who, app: _post(who, "/v1/apps/", {"id": "other"}), {"app": "other"}),
    "app.transfer": (
        lambda who, app: _post(who, f"{app}/", {"owner": "eve"}),
        {"app": "hello", "before": {"owner": "bob"}, "after": {"owner": "eve"}},
    ),
    "app.destroy": (lambda who, app: _delete(who, f"{app}/"), {"app": "hello", "after": {}}),
    "config.change": (
        lambda who, app: _post(
            who,
            f"{app}/config/",
            {"values": {"NEW": SECRET, "OLD": None}, "memory": {"web": "1M"}, "tags": {"a": "b"}},
        ),
        {
            "app": "hello",
            "before": {"set": ["OLD"], "memory": {"web": None}, "tags": {"a": None}},
            "after": {
                "set": ["NEW"],
                "unset": ["OLD"],
                "memory": {"web": "1M"},
                "tags": {"a": "b"},
            },
        },
    ),
    "config.read": (lambda who, app: who.get(f"{app}/config/"), {"app": "hello"}),
    "build": (
        lambda who, app: _post(who, f"{app}/builds/", {"image": "example/go"}),
        {"app": "hello", "before": {"version": 3}},
    ),
    "rollback": (
        lambda who, app: _post(who, f"{app}/releases/rollback/", {"version": 1}),
        {"app": "hello", "before": {"version": 3}, "after": {"version": 1}},
    ),
    "scale": (
        lambda who, app: _post(who, f"{app}/scale/", {"web": 2, "cmd": 1}),
        {
            "app": "hello",
            "before": {"structure": {"web": 1, "cmd": 0}},
            "after": {"structure": {"web": 2, "cmd": 1}},
        },
    ),
    "restart": (
        lambda who, app: _post(who, f"{app}/containers/web/1/restart/"),
        {"app": "hello", "after": {"process": "web.1"}},
    ),
    "domain.add": (
        lambda who, app: _post(who, f"{app}/domains/", {"domain": "WWW.example.org"}),
        {"app": "hello", "target": "www.example.org"},
    ),
    "domain.remove": (
        lambda who, app: _delete(who, f"{app}/domains/old.example.org"),
        {"app": "hello", "target": "old.example.org"},
    ),
    "perm.grant": (
        lambda who, app: _post(who, f"{app}/perms/", {"username": "carl"}),
        {"app": "hello", "target": "carl"},
    ),
    "perm.revoke": (
        lambda who, app: _delete(who, f"{app}/perms/eve"),
        {"app": "hello", "target": "eve"},
    ),
    "key.add": (
        lambda who, app: _post(
            who, "/v1/keys/", KEY | {"id": "new", "public": "ssh-rsa AAAABBBBCCCC"}
        ),
        {"target": "new"},
    ),
    "key.remove": (lambda who, app: _delete(who, "/v1/keys/bob@box"), {"target": "bob@box"}),
    "cert.add": (
        lambda who, app: _post(who, "/v1/certs/", issue("www.example.org")),
        {"target": "www.example.org"},
    ),
    "cert.remove": (
        lambda who, app: _delete(who, "/v1/certs/old.example.org"),
        {"target": "old.example.org"},
    ),
}


@pytest.fixture
async def world(api: Api, bob: Client, built_app: str) -> str:
    """Bob's app with something of everything that can be removed; release v3."""
    for name in ("eve", "carl"):
        await api.user(name)
    await _post(bob, f"{built_app}/config/", {"values": {"OLD": SECRET}})
    await _post(bob, f"{built_app}/domains/", {"domain": "old.example.org"})
    await _post(bob, f"{built_app}/perms/", {"username": "eve"})
    await _post(bob, "/v1/keys/", KEY)
    await _post(bob, "/v1/certs/", issue("old.example.org"))
    return built_app


@pytest.mark.parametrize("action", sorted(ACTS))
async def test_each_act_is_one_line(admin: Client, bob: Client, world: str, action: str) -> None:
    act, expected = ACTS[action]
    before = await lines(admin)
    bob.headers = {"X-Forwarded-For": "192.0.2.7"}
    await act(bob, world)
    after = await lines(admin)
    (line,) = after[: len(after) - len(before)]
    assert set(line) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line["at"])
    wanted = {"app": None, "action": action, "actor": "bob", "outcome": "ok", "token": None}
    wanted |= {"address": "192.0.2.7"} | expected
    assert {name: line[name] for name in wanted} == wanted
    assert SECRET not in str(after)
    assert "PRIVATE KEY" not in str(after)


async def test_acts_of_superusers_name_whom_they_are_about(
    api: Api, admin: Client, bob: Client
) -> None:
    await _post(admin, "/v1/admin/perms/", {"username": "bob"})
    await _delete(admin, "/v1/admin/perms/bob")
    await _post(admin, "/v1/auth/passwd/", {"username": "bob", "new_password": SECRET})
    await _post(admin, "/v1/auth/tokens/", {"username": "bob"})
    await _delete(admin, "/v1/auth/cancel/", {"username": "bob"})
    await _post(admin, "/v1/auth/register/", {"username": "dora", "password": SECRET})
    await _post(admin, "/v1/auth/tokens/", {"all": True})
    again = {"username": "admin", "password": "secret"}
    admin.token = (await api.anonymous.post("/v1/auth/login/", again)).json["token"]
    shown = [line for line in await lines(admin) if line["actor"] == "admin"][:8]
    assert [(line["action"], line["target"], line["before"], line["after"]) for line in shown] == [
        ("login", "", None, None),
        ("token.regenerate", "(everybody)", None, None),
        ("register", "dora", None, {"superuser": False}),
        ("account.cancel", "bob", None, None),
        ("token.regenerate", "bob", None, None),
        ("passwd", "bob", None, None),
        ("admin.revoke", "bob", {"superuser": True}, {"superuser": False}),
        ("admin.grant", "bob", {"superuser": False}, {"superuser": True}),
    ]
    assert SECRET not in str(shown)


async def test_registering_and_logging_in_are_lines(api: Api, admin: Client, bob: Client) -> None:
    shown = [line for line in await lines(admin) if line["actor"] == "bob"]
    assert [(line["action"], line["target"], line["outcome"]) for line in shown] == [
        ("login", "", "ok"),
        ("register", "bob", "ok"),
    ]
    assert {line["address"] for line in shown} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("username", "actor"), [("bob", "bob"), ("nobody", "nobody"), ("a b", "(no user name)")]
)
async def test_failed_logins_are_lines(
    api: Api, admin: Client, bob: Client, username: str, actor: str
) -> None:
    body = {"username": username, "password": SECRET}
    assert (await api.anonymous.post("/v1/auth/login/", body)).status == 400
    newest, *_ = await lines(admin)
    assert (newest["action"], newest["actor"], newest["outcome"]) == ("login", actor, "refused")
    assert SECRET not in str(newest)
    seen = [line for line in await lines(bob) if line["outcome"] == "refused"]
    assert len(seen) == (actor == "bob"), "one sees who tried one's own account"


async def test_a_cancelled_operation_is_a_line_of_its_own(
    api: Api, admin: Client, bob: Client, built_app: str
) -> None:
    api.leader.paused = True
    await _cancel(bob, built_app)
    newest, change, *_ = await lines(admin)
    assert (newest["action"], newest["app"], newest["target"]) == (
        "operation.cancel",
        "hello",
        "config: set A",
    )
    assert change["action"] == "config.change"


async def test_the_builders_look_at_a_config_is_a_line(
    api: Api, admin: Client, fresh_app: str
) -> None:
    body = {"receive_user": "bob", "receive_repo": "hello"}
    assert (await api.builder().post("/v1/hooks/config", body)).status == 200
    newest, *_ = await lines(admin)
    assert (newest["action"], newest["actor"], newest["app"]) == ("config.read", "bob", "hello")


async def test_what_is_refused_or_changes_nothing_is_none(
    api: Api, admin: Client, bob: Client, world: str
) -> None:
    before = await lines(admin)
    stranger = await api.user("stranger")
    await stranger.post(f"{world}/config/", {"values": {"A": "1"}})
    await bob.post(f"{world}/config/", {"values": {"1": "1"}})
    await bob.post(f"{world}/scale/", {"nothing": 1})
    await bob.post(f"{world}/scale/", {})
    await bob.post(f"{world}/perms/", {"username": "eve"})
    await bob.post(f"{world}/domains/", {"domain": "old.example.org"})
    await bob.delete(f"{world}/perms/carl")
    await bob.get(f"{world}/")
    new = (await lines(admin))[: -len(before)]
    assert [line["action"] for line in new] == ["login", "register"], "the stranger's"


async def test_a_named_token_is_named(admin: Client, bob: Client, built_app: str) -> None:
    made = await bob.post("/v1/tokens/", {"name": "ci", "scope": "deploy", "app": "hello"})
    ci = Client(bob.session, bob.url, made.json["token"])
    await _post(ci, f"{built_app}/scale/", {"web": 2})
    await _delete(bob, f"/v1/tokens/{made.json['id']}/")
    removed, scaled, created, *_ = await lines(admin)
    assert (scaled["action"], scaled["actor"], scaled["token"]) == ("scale", "bob", "ci")
    assert (removed["action"], removed["target"], removed["token"]) == ("token.remove", "ci", None)
    assert made.json["token"] not in str(created)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'x'",
        "UPDATE audit SET actor = 'x' WHERE false",
        "DELETE FROM audit",
        "TRUNCATE audit",
    ],
)
async def test_the_trail_refuses_to_change(
    api: Api, admin: Client, bob: Client, statement: str
) -> None:
    before = await lines(admin)
    async with api.leader.database.connection() as conn:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await conn.execute(statement)
    assert await lines(admin) == before


async def test_filters(api: Api, admin: Client, bob: Client, fresh_app: str) -> None:
    await _post(admin, "/v1/apps/", {"id": "other"})
    await api.anonymous.post("/v1/auth/login/", {"username": "bob", "password": "x"})
    everything = await lines(admin)
    for query, name, value in (
        ("app=hello", "app", "hello"),
        ("actor=bob", "actor", "bob"),
        ("action=app.create", "action", "app.create"),
        ("outcome=refused", "outcome", "refused"),
    ):
        assert await lines(admin, f"&{query}") == [
            line for line in everything if line[name] == value
        ]
    both = await lines(admin, "&actor=bob&action=login&outcome=ok")
    assert len(both) == 1
    assert await lines(admin, "&action=nothing") == []


async def test_since_and_until(admin: Client, bob: Client, fresh_app: str) -> None:
    everything = await lines(admin)
    middle = everything[2]["at"]
    assert await lines(admin, f"&since={middle}") == everything[:3]
    assert await lines(admin, f"&until={middle}") == everything[3:]
    assert await lines(admin, "&since=2999-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("until=2030-01-01T00:00:00", "until"),
        ("since=0001-01-01T00:00:00%2B23:59", "since"),
        ("until=9999-12-31T23:59:59-23:59", "until"),
        ("actor=%00", "actor"),
        ("app=" + "x" * 300, "app"),
        ("action=", None),
    ],
)
async def test_filters_that_cannot_be_are_named(bob: Client, query: str, field: str | None) -> None:
    answer = await bob.get(f"{AUDIT}?{query}")
    expected = (200, None) if field is None else (400, [field])
    assert (answer.status, list(answer.json) if field else None) == expected


async def test_the_trail_comes_in_pages_newest_first(admin: Client, bob: Client) -> None:
    everything = await lines(admin)
    assert [line["id"] for line in everything] == sorted(
        (line["id"] for line in everything), reverse=True
    )
    page = (await admin.get(f"{AUDIT}?page_size=1&page=2&outcome=ok")).json
    assert (page["count"], page["results"]) == (len(everything), everything[1:2])
    assert page["next"].endswith("/v1/audit/?page=3&page_size=1&outcome=ok")


async def test_who_sees_what(api: Api, admin: Client, bob: Client, fresh_app: str) -> None:
    eve, stranger = await api.user("eve"), await api.user("stranger")
    await _post(bob, f"{fresh_app}/perms/", {"username": "eve"})
    await _post(eve, "/v1/apps/", {"id": "hers"})
    assert (await api.anonymous.get(AUDIT)).status == 401
    assert {line["actor"] for line in await lines(stranger)} == {"stranger"}
    assert {(line["actor"], line["app"]) for line in await lines(eve)} == {
        ("eve", None),
        ("eve", "hers"),
        ("bob", "hello"),
    }
    assert {line["app"] for line in await lines(bob)} == {None, "hello"}
    assert {line["actor"] for line in await lines(bob)} == {"bob"}
    assert {line["actor"] for line in await lines(admin)} == {"admin", "bob", "eve", "stranger"}
    await _delete(bob, f"{fresh_app}/perms/eve")
    assert {line["actor"] for line in await lines(eve)} == {"eve"}


async def test_an_apps_id_in_new_hands_tells_nothing_of_the_old(
    api: Api, admin: Client, bob: Client, fresh_app: str
) -> None:
    await _post(bob, f"{fresh_app}/config/", {"values": {"OLD_NAME": "x"}})
    await _delete(bob, f"{fresh_app}/")
    eve = await api.user("eve")
    await _post(eve, "/v1/apps/", {"id": "hello"})
    made = await eve.post("/v1/tokens/", {"name": "ci", "scope": "read", "app": "hello"})
    ci = Client(eve.session, eve.url, made.json["token"])
    for client in (eve, ci):
        for query in ("", "&app=hello"):
            shown = await lines(client, query)
            assert {line["actor"] for line in shown} == {"eve"}
            assert "OLD_NAME" not in str(shown)
    assert {line["actor"] for line in await lines(admin, "&app=hello")} == {"bob", "eve"}
    assert "config.change" in {line["action"] for line in await lines(bob)}, "his own acts stay"


async def test_a_name_in_new_hands_tells_nothing_of_the_old(api: Api, bob: Client) -> None:
    await _post(bob, "/v1/keys/", KEY)
    await _delete(bob, "/v1/auth/cancel/")
    other = await api.user("bob")
    assert "key.add" not in {line["action"] for line in await lines(other)}
