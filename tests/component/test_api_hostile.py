"""Hostile input: every entry of faults.md E.4 through every string field of every body, bodies
without bound, and what is barely HTTP.

A value is refused with a 4xx that names the field, or kept exactly as it was given.
"""

import asyncio
import gzip
import io
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from deis_control.api.bodies import BODY_LIMIT
from deis_control.api.permissions import Who
from deis_control.api.routes import PARTS, ROUTES, Route
from deis_control.rules.coerce import text_form
from tests.fixtures.certificates import issue
from tests.fixtures.control import Answer, Api, Client

SHELL = ["; x", "|x", "& x", "$(x)", "`x`", "'", '"', "\\", "${VAR}", "-x", "--upload-pack=x"]
SHELL += ["-oProxyCommand=x", "ext::x", "{{x}}", "}", "{", "#"]
CONTROLS = ["a\nb", "a\rb", "\x00", "a\x00", "\t", "x\t", "x\n", "", " "]
PATHS = ["file:///etc/passwd", "../../x", "/etc/passwd", "%2e%2e%00", "//host"]
LONG = ["x" * 65, "x" * 256, "x" * 65_537, "é" * 40_000, "x" * 2**20, "a." * 126 + "a"]
UNICODE = ["а", "рaypal", "\u202e", "x\u200f", "😀", "\ud800", "bücher"]
HOSTS = ["xn--a", "*", "*.", "*.x", "_", "x.", "X.Y", "example.com", "deis.example.com", "deis"]
HOSTS += ["localhost", "169.254.169.254", "10.0.0.1", "::1", "[::1]", "hello.example.com"]
NUMBERS = ["0", "-1", "1.5", '"1"', str(2**31), str(2**63), "1e309", "NaN", "true", "False"]
OTHERS: list[Any] = [None, True, 0, -1, 2**31, 2**63, 10**400, 1.5, 1e300, -0.0]
NESTED: list[Any] = [[], {}, ["x"], {"x": "y"}, {"\x00": "\x00"}, {"web": "\x00"}, {"\ud800": 1}]
HOSTILE: list[Any] = [
    *(*SHELL, *CONTROLS, *PATHS, *LONG, *UNICODE, *HOSTS, *NUMBERS),
    *(*OTHERS, *NESTED),
]

UNSEEN = object()
"""Stands for what is never answered."""

READ_BACK = Callable[[Client, Answer, str], Awaitable[Any]]


async def _answered(_: Client, answer: Answer, field: str) -> Any:
    """What became of a field is in the answer itself."""
    return answer.json[field]


async def _registered(_: Client, answer: Answer, field: str) -> Any:
    """Passwords are never answered; a test of their own reads them back."""
    return answer.json[field] if field != "password" else UNSEEN


async def _config(client: Client, _: Answer, field: str) -> Any:
    return (await client.get("/v1/apps/hello/config/")).json[field]


async def _newest_build(client: Client, _: Answer, field: str) -> Any:
    return (await client.get("/v1/apps/hello/builds/")).json["results"][0][field]


async def _structure(client: Client, _: Answer, field: str) -> Any:
    return str((await client.get("/v1/apps/hello/")).json["structure"][field])


@dataclass(frozen=True)
class Body:
    """A body that is accepted, and where to look for what became of it.

    `{n}` in it is another number each time, so that nothing is refused for being taken.
    """

    path: str
    valid: dict[str, Any]
    kept: READ_BACK | None = _answered
    by: str = "bob"
    method: str = "POST"

    def make(self, number: int, field: str, value: Any) -> dict[str, Any]:
        """The body with a hostile field."""
        return {
            name: text.replace("{n}", str(number)) if isinstance(text, str) else text
            for name, text in self.valid.items()
        } | {field: value}


ACCOUNT = {"username": "eve{n}", "password": "x", "email": "", "first_name": "", "last_name": ""}
RECEIVER = {"receive_user": "bob", "receive_repo": "hello"}
PUSH = RECEIVER | dict.fromkeys(
    ("sha", "fingerprint", "ssh_connection", "ssh_original_command"), "a"
)
BUILD = {"image": "x", "sha": "", "procfile": {}, "dockerfile": ""}
CERT = issue("www.example.org") | {"common_name": "n{n}.example.org"}

BODIES = [
    Body("/v1/auth/register/", ACCOUNT, _registered),
    Body("/v1/auth/login/", {"username": "bob", "password": "x"}, None),
    Body("/v1/auth/passwd/", {"password": "secret", "new_password": "x", "username": "bob"}, None),
    Body("/v1/auth/tokens/", {"username": "nobody"}, None, "admin"),
    Body("/v1/auth/cancel/", {"username": "nobody"}, None, "admin", "DELETE"),
    Body("/v1/admin/perms/", {"username": "nobody"}, None, "admin"),
    Body("/v1/tokens/", {"name": "n{n}", "scope": "read", "app": "hello", "expires": "1d"}),
    Body("/v1/keys/", {"id": "key{n}", "public": "ssh-rsa AAAAB3NzaC1yc2EA"}),
    Body("/v1/certs/", CERT),
    Body("/v1/apps/", {"id": "other{n}"}),
    Body("/v1/apps/hello/", {"owner": "nobody"}, None),
    Body("/v1/apps/hello/perms/", {"username": "nobody"}, None),
    Body("/v1/apps/hello/domains/", {"domain": "n{n}.example.org"}),
    Body("/v1/apps/hello/config/", {"values": {}, "memory": {}, "cpu": {}, "tags": {}}, _config),
    Body("/v1/apps/hello/builds/", BUILD),
    Body("/v1/apps/hello/releases/rollback/", {"version": 1}, None),
    Body("/v1/apps/hello/scale/", {"web": 1}, _structure),
    Body("/v1/apps/hello/run", {"command": "true"}, None),
    Body("/v1/hooks/push/", PUSH, by="builder"),
    Body("/v1/hooks/config/", RECEIVER, None, "builder"),
    Body("/v1/hooks/build/", RECEIVER | BUILD | {"sha": "a"}, _newest_build, "builder"),
]
"""Every route that reads a body."""

CONTRACTS_TEXTS = re.compile(
    r"Not found|Unable to log in|Current password does not match|version |Invalid scaling format"
    r"|\[u'Must be|You do not have permission"
)
"""Refusals that name what is wrong without naming the field, as the contract has them."""

OBJECTS = {"values", "memory", "cpu", "tags", "procfile"}


def _fields() -> list[Any]:
    pairs = [(body, field) for body in BODIES for field in body.valid]
    return [pytest.param(*pair, id=f"{pair[0].path}{pair[1]}") for pair in pairs]


def _names(answer: Answer, field: str) -> bool:
    texts = answer.json.get("detail", answer.json.get("non_field_errors", [""])[0])
    return field in answer.json or CONTRACTS_TEXTS.match(texts) is not None


def _kept_form(body: Body, field: str, value: Any) -> Any:
    """What the value is where it is kept: text, as v1 spelled it, and hosts in one spelling."""
    if field in OBJECTS:
        return {} if value == "" else value
    text = text_form(value)
    if field in ("domain", "common_name"):
        return text.lower().removesuffix(".")
    if body.path.endswith("/scale/"):
        return str(int(float(text))) if value is not True else "1"
    return text


@pytest.mark.parametrize(("body", "field"), _fields())
async def test_e4_a_value_is_refused_by_name_or_kept_exactly(
    api: Api, admin: Client, bob: Client, built_app: str, body: Body, field: str
) -> None:
    client = {"bob": bob, "admin": admin, "builder": api.builder()}[body.by]
    for number, value in enumerate(HOSTILE):
        async with api.leader.database.connection() as conn:
            await conn.execute("DELETE FROM login_failures")
            await conn.execute("DELETE FROM ssh_keys")
        sent = json.dumps(body.make(number, field, value)).encode()
        answer = await client.call(body.method, body.path, sent)
        shown = (ascii(value)[:80], answer.status, answer.text[:300])
        if answer.status >= 300:
            assert 400 <= answer.status < 500, shown
            assert _names(answer, field), shown
        elif body.kept is not None:
            kept = await body.kept(bob, answer, field)
            assert kept in (_kept_form(body, field, value), UNSEEN), shown


async def test_e4_a_password_is_kept_exactly(api: Api, admin: Client) -> None:
    """It is read back by logging in: at registration, and when it is changed."""
    texts = [text for text in HOSTILE if isinstance(text, str)]
    known = 0
    for number, text in enumerate(texts):
        account = {"username": f"user{number}", "password": text}
        made = await api.anonymous.post("/v1/auth/register/", account)
        change = {"username": "admin", "new_password": text}
        changed = await admin.post("/v1/auth/passwd/", change)
        assert (made.status, changed.status) in ((201, 200), (400, 400)), ascii(text)[:80]
        if made.status == 201:
            known += 1
            for body in (account, {"username": "admin", "password": text}):
                assert (await api.anonymous.post("/v1/auth/login/", body)).status == 200
        else:
            assert (list(made.json), list(changed.json)) == (["password"], ["new_password"])
    assert known > 40


@pytest.mark.parametrize("section", ["values", "memory", "cpu", "tags"])
async def test_e4_every_entry_of_a_config(bob: Client, fresh_app: str, section: str) -> None:
    texts = [value for value in HOSTILE if isinstance(value, str)]
    name = "KEY" if section == "values" else "web"
    for entry in [*({name: value} for value in HOSTILE), *({text: "1"} for text in texts)]:
        answer = await bob.post(f"{fresh_app}/config/", json.dumps({section: entry}).encode())
        shown = (ascii(entry)[:80], answer.text[:300])
        if answer.status == 400:
            assert list(answer.json) == [section], shown
            continue
        assert answer.status == 201, shown
        for key, value in entry.items():
            assert _same(section, answer.json[section].get(key), value), shown


def _same(section: str, kept: Any, given: Any) -> bool:
    if given is None:
        return kept is None
    if section == "cpu":
        return bool(kept == int(given))
    return bool(kept == text_form(given))


async def test_e4_every_command_of_a_procfile(bob: Client, fresh_app: str) -> None:
    for value in HOSTILE:
        body = {"image": "x", "procfile": {"web": value}}
        answer = await bob.post(f"{fresh_app}/builds/", json.dumps(body).encode())
        if answer.status == 400:
            assert list(answer.json) == ["procfile"], ascii(value)[:80]
        else:
            assert answer.json["procfile"] == {"web": text_form(value)}, ascii(value)[:80]


@pytest.mark.parametrize("text", [t for t in HOSTILE if isinstance(t, str) and len(t) < 300])
async def test_e4_every_field_of_a_query(bob: Client, built_app: str, text: str) -> None:
    if text == "\ud800":
        return  # no address can hold it
    for path, names in (
        ("/v1/audit/", ("app", "actor", "action", "outcome", "since", "until")),
        (f"{built_app}/operations/", ("open",)),
        ("/v1/apps/", ("page", "page_size")),
    ):
        for name in names:
            answer = await bob.get(f"{path}?{urlencode({name: text})}")
            assert answer.status in (200, 400, 404), answer.text
            if answer.status == 400:
                assert list(answer.json) == [name]


READING = [route for route in ROUTES if route.method in ("POST", "DELETE")]
SAMPLES = dict.fromkeys(PARTS, "1") | {"app": "hello"}


@pytest.mark.parametrize("route", READING, ids=lambda route: f"{route.method} {route.path}")
async def test_e4_a_body_beyond_the_bound_is_413_on_every_route(
    api: Api, admin: Client, built_app: str, route: Route
) -> None:
    client = api.builder() if route.who is Who.BUILDER else admin
    body = io.BytesIO(b" " * (BODY_LIMIT + 1))
    answer = await client.call(route.method, route.path.format(**SAMPLES), data=body)
    assert (answer.status, answer.reason) == (413, "REQUEST ENTITY TOO LARGE")
    assert answer.json == {"detail": "Request body too large."}
    assert answer.headers["DEIS_API_VERSION"] == "1.7"


async def test_e4_a_bomb_of_gzip_is_413(bob: Client) -> None:
    bomb = gzip.compress(b" " * (64 * 2**20))
    answer = await bob.post("/v1/apps/", bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status == 413
    assert (await bob.get("/v1/")).status == 200


async def test_e4_gzip_is_read_and_what_only_says_so_is_400(bob: Client) -> None:
    packed = gzip.compress(b'{"id": "packed"}')
    made = await bob.post("/v1/apps/", packed, headers={"Content-Encoding": "gzip"})
    assert (made.status, made.json["id"]) == (201, "packed")
    answer = await bob.post("/v1/apps/", b"not packed", headers={"Content-Encoding": "gzip"})
    assert answer.status == 400


@pytest.mark.parametrize("levels", [65, 400, 900, 10_000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
async def test_e4_deep_json_is_400(
    bob: Client, fresh_app: str, levels: int, pair: tuple[str, str]
) -> None:
    deep = pair[0] * levels + "1" + pair[1] * levels
    for path, field in (("config/", "values"), ("builds/", "procfile"), ("scale/", "web")):
        for value in (deep, json.dumps(deep)):
            body = f'{{"image": "x", "{field}": {value}}}' if path == "builds/" else ""
            body = body or f'{{"{field}": {value}}}'
            answer = await bob.post(f"{fresh_app}/{path}", body.encode())
            assert answer.status == 400
            named = field in answer.json or "detail" in answer.json
            assert named, answer.text[:200]


async def test_e4_of_a_key_that_comes_twice_the_last_counts(bob: Client) -> None:
    made = await bob.post("/v1/apps/", b'{"id": "one", "id": "two"}')
    assert made.json["id"] == "two"


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Length: 100\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\nff\r\n{}\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"Content-Length: -1\r\n\r\n{}",
        b"Content-Length: 2\r\nX: " + b"x" * 100_000 + b"\r\n\r\n{}",
        b"Content-Length: 2\r\nHost: a@b c\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Type: multipart/form-data\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Type: ;;;\r\n\r\n{}",
        b"Content-Length: 2\r\nExpect: nothing\r\n\r\n{}",
        b"Content-Length: 2\r\nAuthorization: token \xff\xfe\r\n\r\n{}",
    ],
)
async def test_e4_what_is_barely_http_ends_its_own_request(
    api: Api, bob: Client, raw: bytes
) -> None:
    host, port = api.anonymous.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/apps/ HTTP/1.1\r\nHost: x\r\nAuthorization: token {bob.token}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n" + raw)
    writer.write_eof()
    async with asyncio.timeout(20):
        answered = await reader.read()
    writer.close()
    assert not answered.startswith(b"HTTP/1.1 5"), answered[:200]
    assert (await bob.get("/v1/")).status == 200


@pytest.mark.parametrize("text", ["%00", "%0a", "..%2f..", "%ff", "%ed%a0%80", "a%2fb", "'", "{"])
async def test_e4_no_path_breaks_the_server(admin: Client, built_app: str, text: str) -> None:
    for route in ROUTES:
        parts = [name for name in PARTS if f"{{{name}}}" in route.path]
        if parts in ([], ["app"]) and route.method != "GET":
            continue
        names = dict.fromkeys(PARTS, text)
        for path in (route.path.format(**names), route.path.format(**names | {"app": "hello"})):
            answer = await admin.call(route.method, path)
            known = 500 if "logs" in route.path else 499
            assert answer.status <= known, (route.method, path, answer.text)
