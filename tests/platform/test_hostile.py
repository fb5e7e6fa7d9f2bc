"""Text that users send may hold anything, and changes nothing but its own app."""

import http.client
import json

import pytest

from tests.fixtures.platform import App, Platform, run

HOSTS = (
    "; drop",
    "a|b",
    "$(id).localhost",
    "`id`.localhost",
    "'\".localhost",
    "../../etc/passwd",
    "%2e%2e.localhost",
    "{{7*7}}.localhost",
    "}{#.localhost",
    "${VAR}.localhost",
    "x" * 300 + ".localhost",
    "-oProxyCommand=x",
    "*.localhost",
    "_.localhost",
    "127.0.0.1",
    "[::1]",
    "169.254.169.254",
    "xn--nxasmq6b.localhost",
    "hello@nobody.localhost",
)


TEXTS = (
    ";",
    "|id",
    "&",
    "$(id)",
    "`id`",
    "'",
    '"',
    "\\",
    "a\nb",
    "a\rb",
    "\t",
    "-x",
    "--upload-pack=id",
    "-oProxyCommand=id",
    "ext::sh",
    "file:///etc/passwd",
    "../",
    "/etc/passwd",
    "%2e%2e/",
    "//hello.localhost/",
    "{{x}}",
    "} server { listen 1; } {",
    "# x",
    "${VAR}",
    " ",
    "\u202e\u0430",
    "\U0001f600",
    "xn--nxasmq6b",
    "*",
    "_",
    "localhost",
    "169.254.169.254",
    "[::1]",
    "0.0.0.0/0",
    "-1",
    "1e309",
    "x" * 65536,
)


def post_config(platform: Platform, app: str, body: bytes) -> tuple[int, str]:
    profile = json.loads((platform.home / "user" / ".deis" / "client.json").read_text())
    host = profile["controller"].removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=120)
    headers = {"Authorization": f"token {profile['token']}", "Content-Type": "application/json"}
    connection.request("POST", f"/v1/apps/{app}/config/", body=body, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_config_values_arrive_unchanged(platform: Platform, app: App) -> None:
    values = {
        "NEWLINES": "a\nb\r\n\tc\n",
        "QUOTES": "'\"`$HOME ${HOME} $(id) \\ \\n",
        "CONTROL": "".join(map(chr, range(1, 32))) + "\x7f",
        "EMOJI": "\U0001f600 ünïcødé \u202e\u0000".rstrip("\u0000"),
        "EMPTY": "",
        "EQUALS": "=a=b=",
        "LONG": "x" * 65536,
    }
    status, text = post_config(platform, app.name, json.dumps({"values": values}).encode())
    assert status == 201, text
    found = app.environment()
    assert {key: found.get(key) for key in values} == values


@pytest.mark.parametrize(
    "value", ["a\u0000b", "\ud800", "x" * 65537], ids=["NUL", "surrogate", "too long"]
)
def test_values_that_cannot_be_kept_are_refused_by_name(platform: Platform, value: str) -> None:
    body = json.dumps({"values": {"BAD_KEY": value}}).encode()
    status, text = post_config(platform, "hello", body)
    assert status == 400
    assert "BAD_KEY" in text


@pytest.mark.parametrize("host", HOSTS)
def test_a_hostile_host_header_changes_nothing(platform: Platform, host: str) -> None:
    before = platform.get("hello.localhost")[0]
    status, _ = platform.get(host)
    assert status in (400, 404, 414)
    assert (before, platform.get("hello.localhost")[0]) == (200, 200)


@pytest.mark.parametrize(
    "text", ["; } server { listen 1; }", "1.2.3.4\n\r\"'`$x{}#", "\\", "0/0:x y"]
)
def test_a_hostile_route_record_harms_its_own_app_at_most(
    platform: Platform, app: App, text: str
) -> None:
    record = {
        "app": "evil",
        "releases": {"2": 100},
        "domains": [text, "hello.localhost\n", f"{text}.example.com"],
        "whitelist": [text],
    }
    before = app.get()
    etcdctl(platform, "put", "/deis/routes/evil", json.dumps(record))
    try:
        platform.get("evil.localhost")
        assert app.get() == before
        assert platform.get("hello.localhost")[0] == 200
    finally:
        etcdctl(platform, "del", "/deis/routes/evil")


def test_an_app_with_a_wrong_whitelist_keeps_the_others_reachable(
    platform: Platform, app: App
) -> None:
    platform.deis("config:set", "DEIS_WHITELIST=10.0.0.0/8:office", "-a", app.name)
    assert app.get()[0] == 403
    assert platform.get("hello.localhost")[0] == 200
    platform.deis("config:set", "DEIS_WHITELIST=127.0.0.0/8", "-a", app.name)
    assert app.get()[0] == 200


@pytest.mark.timeout(240)
def test_hostile_guards_of_one_app_leave_the_others_alone(platform: Platform, app: App) -> None:
    platform.deis("ps:scale", "web=0", "-a", app.name)
    before = platform.get("hello.localhost")
    for text in TEXTS:
        values = {"DEIS_WHITELIST": text, "HEALTHCHECK_URL": text}
        status, said = post_config(platform, app.name, json.dumps({"values": values}).encode())
        assert status in (201, 400), (text[:50], said)
        assert app.get()[0] in (403, 503)
        assert platform.get("hello.localhost") == before
    platform.deis("config:unset", "DEIS_WHITELIST", "HEALTHCHECK_URL", "-a", app.name)
    platform.deis("ps:scale", "web=1", "-a", app.name)
    assert app.get()[0] == 200


@pytest.mark.usefixtures("rests")
@pytest.mark.timeout(240)
def test_a_hostile_health_check_fails_its_own_release_at_most(platform: Platform, app: App) -> None:
    before = platform.get("hello.localhost")
    check = "//hello.localhost/x y?\r\nHost: hello"
    values = {"HEALTHCHECK_URL": check, "DEIS_DEPLOY_TIMEOUT": "15"}
    status, said = post_config(platform, app.name, json.dumps({"values": values}).encode())
    assert status in (201, 400, 503), said
    assert platform.get("hello.localhost") == before
    assert app.get()[0] == 200


@pytest.mark.parametrize(
    "name", ["-dash", "UPPER", "a b", "a/b", "$(id)", "../x", "deis", "x" * 65]
)
def test_hostile_app_names_are_refused(platform: Platform, name: str) -> None:
    made = platform.deis("apps:create", "--no-remote", "--", name, check=False)
    assert made.returncode == 1
    assert "400 BAD REQUEST" in made.stderr


def etcdctl(platform: Platform, *arguments: str) -> None:
    done = run(["etcdctl", "--endpoints", platform.etcd_url, *arguments], ETCDCTL_API="3")
    assert done.returncode == 0, done.stderr
