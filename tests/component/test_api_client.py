"""What the original Go client sends, and what it insists on in the reply: a test for each row of
client.md and of the checklist in api.md section 15.
"""

import json
from typing import Any

import pytest

from deis_node.runtime.tasks import Tasks
from tests.fixtures.certificates import issue
from tests.fixtures.control import Api, Client
from tests.fixtures.go_client import GoClient, Reply
from tests.fixtures.logger import RunningLogger

BOB = '{"username":"bob","password":"secret"}'
KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB alice@box\n"


@pytest.fixture
async def go(api: Api, bob: Client) -> GoClient:
    """Bob's client, with the token that a login has saved."""
    client = GoClient(bob.url)
    client.token = bob.token
    return client


@pytest.fixture
async def go_admin(api: Api, admin: Client) -> GoClient:
    client = GoClient(admin.url)
    client.token = admin.token
    return client


def accepted(reply: Reply) -> Reply:
    """The client takes 200 to 399 for success, and warns of other versions of the API."""
    assert 200 <= reply.status < 400, (reply.line, reply.body)
    assert not reply.warned
    return reply


def an_object(reply: Reply) -> dict[str, Any]:
    """Where the client decodes an object, an empty or other body ends it."""
    found = accepted(reply).json
    assert isinstance(found, dict)
    return found


def a_list(reply: Reply) -> list[dict[str, Any]]:
    """The client panics without a number in `count`, and fails on a bare array."""
    found = an_object(reply)
    assert type(found["count"]) is int
    results = found["results"]
    assert isinstance(results, list)
    assert len(results) == found["count"]
    return results


async def test_the_probe_wants_401_exactly(api: Api) -> None:
    reply = await GoClient(api.anonymous.url).probe()
    assert reply.line == "401 UNAUTHORIZED"
    assert "DEIS_API_VERSION" in reply.headers


async def test_register_and_login(api: Api) -> None:
    go = GoClient(api.anonymous.url)
    assert (await go.probe()).status == 401
    body = '{"username":"bob","password":"secret","email":""}'
    accepted(await go.ask("POST", "/v1/auth/register/", body))
    found = an_object(await go.ask("POST", "/v1/auth/login/", BOB))
    assert len(found["token"]) == 40
    go.token = found["token"]
    assert a_list(await go.ask("GET", "/v1/apps/?page_size=100")) == []


async def test_register_with_the_token_of_another_profile(go: GoClient) -> None:
    body = '{"username":"eve","password":"secret","email":"eve@example.com"}'
    accepted(await go.ask("POST", "/v1/auth/register/", body))
    go.token = "0" * 40
    accepted(await go.ask("POST", "/v1/auth/register/", body.replace("eve", "dora")))


async def test_passwd(go: GoClient, go_admin: GoClient) -> None:
    own = '{"password":"secret","new_password":"other"}'
    accepted(await go.ask("POST", "/v1/auth/passwd/", own))
    others = '{"username":"bob","new_password":"secret"}'
    accepted(await go_admin.ask("POST", "/v1/auth/passwd/", others))
    go.token = None
    assert an_object(await go.ask("POST", "/v1/auth/login/", BOB))["token"]


async def test_regenerate(go: GoClient, go_admin: GoClient) -> None:
    found = an_object(await go.ask("POST", "/v1/auth/tokens/"))
    go.token = found["token"]
    accepted(await go.ask("GET", "/v1/apps/?page_size=100"))
    accepted(await go_admin.ask("POST", "/v1/auth/tokens/", '{"username":"bob"}'))
    accepted(await go_admin.ask("POST", "/v1/auth/tokens/", '{"all":true}'))


@pytest.mark.parametrize("body", [None, '{"username":"bob"}'])
async def test_cancel(go: GoClient, body: str | None) -> None:
    saved, go.token = go.token, None
    assert (await go.probe()).status == 401
    accepted(await go.ask("POST", "/v1/auth/login/", BOB))
    go.token = saved
    assert accepted(await go.ask("DELETE", "/v1/auth/cancel/", body)).line == "204 NO CONTENT"


async def test_cancel_with_apps_prints_the_conflict(go: GoClient, fresh_app: str) -> None:
    reply = await go.ask("DELETE", "/v1/auth/cancel/")
    assert reply.line == "409 CONFLICT"
    assert all(isinstance(text, str) for text in reply.json.values())


async def test_apps_create_list_info_destroy(go: GoClient) -> None:
    assert an_object(await go.ask("POST", "/v1/apps/", '{"id":"demo"}'))["id"] == "demo"
    drawn = an_object(await go.ask("POST", "/v1/apps/"))
    buildpack = '{"values":{"BUILDPACK_URL":"https://example.com/x.git"}}'
    an_object(await go.ask("POST", "/v1/apps/demo/config/", buildpack))
    listed = a_list(await go.ask("GET", "/v1/apps/?page_size=100"))
    assert {app["id"] for app in listed} == {"demo", drawn["id"]}
    shown = an_object(await go.ask("GET", "/v1/apps/demo/"))
    assert {type(shown[name]) for name in ("id", "owner", "url", "uuid", "updated")} == {str}
    assert a_list(await go.ask("GET", "/v1/apps/demo/containers/?page_size=100")) == []
    assert a_list(await go.ask("GET", "/v1/apps/demo/domains/?page_size=100")) == []
    assert accepted(await go.ask("DELETE", "/v1/apps/demo/")).line == "204 NO CONTENT"
    assert (await go.ask("GET", "/v1/apps/demo/")).line == "404 NOT FOUND"


async def test_apps_transfer(api: Api, go: GoClient, fresh_app: str) -> None:
    await api.user("eve")
    accepted(await go.ask("POST", f"{fresh_app}/", '{"owner":"eve"}'))
    assert (await go.ask("GET", f"{fresh_app}/")).line == "403 FORBIDDEN"


@pytest.mark.parametrize("built", [True, False])
async def test_config_set_list_unset(go: GoClient, fresh_app: str, built: bool) -> None:
    path = f"{fresh_app}/config/"
    if built:
        an_object(await go.ask("POST", f"{fresh_app}/builds/", '{"image":"bb"}'))
    made = an_object(await go.ask("POST", path, '{"values":{"BAZ":"1","FOO":"bar"}}'))
    assert made["values"].get("DEIS_RELEASE") == ("v3" if built else None)
    shown = an_object(await go.ask("GET", path))
    assert shown["values"] == {"BAZ": "1", "FOO": "bar"}
    an_object(await go.ask("POST", path, '{"values":{"FOO":null}}'))
    assert an_object(await go.ask("GET", path))["values"] == {"BAZ": "1"}


async def test_config_with_nothing_parsed_makes_a_release(go: GoClient, fresh_app: str) -> None:
    """As TestConfig of the original suite needs it."""
    an_object(await go.ask("POST", f"{fresh_app}/config/", "{}"))
    newest, *_ = a_list(await go.ask("GET", f"{fresh_app}/releases/?page_size=100"))
    assert newest["version"] == 2


async def test_limits_and_tags(go: GoClient, fresh_app: str) -> None:
    path = f"{fresh_app}/config/"
    for body, section, value in (
        ('{"memory":{"web":"128M"}}', "memory", {"web": "128M"}),
        ('{"cpu":{"web":"512"}}', "cpu", {"web": 512}),
        ('{"tags":{"rack":"1"}}', "tags", {"rack": "1"}),
        ('{"memory":{"web":null}}', "memory", {}),
        ('{"cpu":{"web":null}}', "cpu", {}),
        ('{"tags":{"rack":null}}', "tags", {}),
    ):
        an_object(await go.ask("POST", path, body))
        shown = an_object(await go.ask("GET", path))
        assert shown[section] == value
        assert all(type(share) is int for share in shown["cpu"].values())


async def test_ps_scale_list_restart(go: GoClient, built_app: str) -> None:
    listing = f"{built_app}/containers/?page_size=100"
    accepted(await go.ask("POST", f"{built_app}/scale/", '{"web":2,"worker":1}'))
    copies = a_list(await go.ask("GET", listing))
    assert len(copies) == 3
    assert all(type(copy["num"]) is int for copy in copies)
    assert {type(copy[name]) for copy in copies for name in ("type", "state", "release")} == {str}
    for part, number in (("", 3), ("web/", 2), ("web/1/", 1)):
        restarted = accepted(await go.ask("POST", f"{built_app}/containers/{part}restart/"))
        assert isinstance(restarted.json, list)
        assert len(restarted.json) == number
        assert len(a_list(await go.ask("GET", listing))) == 3


async def test_logs(api: Api, go: GoClient, fresh_app: str, logger: RunningLogger) -> None:
    api.log_address, api.event_address = logger.settings.http, logger.settings.tcp
    nothing = accepted(await go.ask("GET", f"{fresh_app}/logs"))
    assert (nothing.status, nothing.body) == (204, b"")
    for text in ("one", "two"):
        api.events.send("hello", text)
    async with Tasks() as tasks:
        tasks.start("events", api.events.run())
        await logger.has(2)
    lines = accepted(await go.ask("GET", f"{fresh_app}/logs")).body.decode().split("\n")
    assert [line[-5:] for line in lines] == [": one", ": two", ""], "real newlines, no JSON"
    short = accepted(await go.ask("GET", f"{fresh_app}/logs?log_lines=1")).body.decode()
    assert short.endswith(": two\n")
    assert short.count("\n") == 1


async def test_releases(go: GoClient, built_app: str) -> None:
    listed = a_list(await go.ask("GET", f"{built_app}/releases/?page_size=100"))
    assert [type(release["version"]) for release in listed] == [int, int]
    assert an_object(await go.ask("GET", f"{built_app}/releases/v1/"))["version"] == 1
    back = an_object(await go.ask("POST", f"{built_app}/releases/rollback/", '{"version":1}'))
    assert back == {"version": 3}
    again = an_object(await go.ask("POST", f"{built_app}/releases/rollback/"))
    assert again == {"version": 4}


async def test_domains(go: GoClient, fresh_app: str) -> None:
    path = f"{fresh_app}/domains/"
    made = an_object(await go.ask("POST", path, '{"domain":"www.example.org"}'))
    assert a_list(await go.ask("GET", f"{path}?page_size=100")) == [made]
    accepted(await go.ask("DELETE", f"{path}www.example.org"))
    assert a_list(await go.ask("GET", f"{path}?page_size=100")) == []


@pytest.mark.parametrize("name", [None, "one.example.org"])
async def test_certs(go: GoClient, name: str | None) -> None:
    body = issue("www.example.org") | ({"common_name": name} if name else {})
    made = an_object(await go.ask("POST", "/v1/certs/", json.dumps(body)))
    (listed,) = a_list(await go.ask("GET", "/v1/certs/?page_size=100"))
    assert listed == made
    assert type(listed["id"]) is int
    assert listed["common_name"] == (name or "www.example.org")
    assert isinstance(listed["expires"], str)
    accepted(await go.ask("DELETE", f"/v1/certs/{listed['common_name']}"))


async def test_perms(api: Api, go: GoClient, fresh_app: str) -> None:
    await api.user("eve")
    path = f"{fresh_app}/perms/"
    accepted(await go.ask("POST", path, '{"username":"eve"}'))
    assert an_object(await go.ask("GET", path)) == {"users": ["eve"]}
    accepted(await go.ask("DELETE", f"{path}eve"))


async def test_perms_of_admins(api: Api, go_admin: GoClient) -> None:
    await api.user("eve")
    accepted(await go_admin.ask("POST", "/v1/admin/perms/", '{"username":"eve"}'))
    listed = a_list(await go_admin.ask("GET", "/v1/admin/perms/?page_size=100"))
    assert [user["username"] for user in listed] == ["admin", "eve"]
    accepted(await go_admin.ask("DELETE", "/v1/admin/perms/eve"))


async def test_keys(go: GoClient) -> None:
    body = json.dumps({"id": "alice@box", "public": KEY})
    made = an_object(await go.ask("POST", "/v1/keys/", body))
    (listed,) = a_list(await go.ask("GET", "/v1/keys/?page_size=100"))
    assert (listed, listed["public"]) == (made, KEY)
    assert len(listed["public"]) >= 16
    accepted(await go.ask("DELETE", "/v1/keys/alice@box"))


@pytest.mark.parametrize("procfile", ["", ',"procfile":{"web":"sleep 1"}'])
async def test_builds_and_pull(go: GoClient, fresh_app: str, procfile: str) -> None:
    path = f"{fresh_app}/builds/"
    made = an_object(await go.ask("POST", path, f'{{"image":"bb"{procfile}}}'))
    assert all(isinstance(command, str) for command in made["procfile"].values())
    assert a_list(await go.ask("GET", f"{path}?page_size=100")) == [made]


async def test_users(go_admin: GoClient) -> None:
    (listed,) = a_list(await go_admin.ask("GET", "/v1/users/?page_size=100"))
    assert (listed["username"], listed["is_superuser"]) == ("admin", True)


@pytest.mark.parametrize("limit", [1, 2, 250])
async def test_count_is_that_of_the_whole_list(go: GoClient, limit: int) -> None:
    for name in ("one", "two", "three"):
        accepted(await go.ask("POST", "/v1/apps/", f'{{"id":"{name}"}}'))
    page = an_object(await go.ask("GET", f"/v1/apps/?page_size={limit}"))
    assert (page["count"], len(page["results"])) == (3, min(limit, 3))


@pytest.mark.parametrize(
    ("method", "path", "body", "line"),
    [
        ("POST", "/v1/apps/", '{"id":"UPPER"}', "400 BAD REQUEST"),
        ("POST", "/v1/apps/hello/scale/", '{"web":-1}', "400 BAD REQUEST"),
        ("POST", "/v1/apps/hello/config/", '{"values":{"1":"x"}}', "400 BAD REQUEST"),
        ("GET", "/v1/users/?page_size=100", None, "403 FORBIDDEN"),
        ("GET", "/v1/apps/nothing/", None, "404 NOT FOUND"),
        ("DELETE", "/v1/keys/nothing", None, "404 NOT FOUND"),
        ("DELETE", "/v1/certs/nothing", None, "404 NOT FOUND"),
        ("GET", "/v1/apps/hello/releases/v9/", None, "404 NOT FOUND"),
    ],
)
async def test_errors_are_flat_objects_under_a_status_line_in_capitals(
    go: GoClient, fresh_app: str, method: str, path: str, body: str | None, line: str
) -> None:
    reply = await go.ask(method, path, body)
    assert reply.line == line
    for value in reply.json.values():
        assert isinstance(value, str) or {type(item) for item in value} == {str}


async def test_a_reply_is_plain_and_ends_its_connection(go: GoClient) -> None:
    reply = accepted(await go.ask("GET", "/v1/apps/?page_size=100"))
    assert "Content-Encoding" not in reply.headers
    assert "Transfer-Encoding" not in reply.headers
    assert reply.headers["Connection"] == "close"
