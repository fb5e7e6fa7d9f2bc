"""The API's description: complete, valid, served, and true of every answer.

Routes are called with the document's own examples, so these are true as well. Shapes are closed
for the comparison: a field that nobody declared fails.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema_rs
import pytest
import schemathesis

from deis_control.api.bodies import BODY_LIMIT, FORM, JSON
from deis_control.api.openapi.document import Undescribed, document
from deis_control.api.openapi.reading import Reader
from deis_control.api.permissions import Who, may
from deis_control.api.routes import ROUTES, Route
from deis_control.rules import accounts, builds, certs, tokens
from deis_control.rules.domains import DOMAIN_LIMIT
from deis_control.rules.scaling import COPIES_LIMIT, VERSION_LIMIT
from deis_control.rules.sections import CPU_LIMIT
from deis_node.cluster import keys
from deis_node.cluster.names import APP_ID_LIMIT
from deis_node.cluster.records import HostConf, Intent
from tests.fixtures.certificates import Authority
from tests.fixtures.control import Answer, Api, Client
from tests.fixtures.logger import RunningLogger
from tests.fixtures.openapi import closed

Json = dict[str, Any]

DOCUMENT = json.loads(json.dumps(document()))
READER = Reader(DOCUMENT)

FIRST = ("auth_register", "apps_create", "builds_create", "containers_scale")
"""What the others need; then come the other POSTs, then GETs."""
LAST = (
    "releases_rollback",
    "hosts_forget",
    "tokens_remove",
    "certs_remove",
    "keys_remove",
    "domains_remove",
    "perms_revoke",
    "users_revoke_admin",
    "apps_update",
    "apps_destroy",
    "users_cancel",
    "auth_regenerate",
    "auth_logout",
)


@dataclass(frozen=True)
class Row:
    """A route with its description."""

    route: Route

    @property
    def told(self) -> Json:
        found: Json = DOCUMENT["paths"][self.route.path][self.route.method.lower()]
        return found

    @property
    def name(self) -> str:
        return str(self.told["operationId"])

    @property
    def parts(self) -> dict[str, str]:
        found = (READER.whole(parameter) for parameter in self.told["parameters"])
        return {each["name"]: each["example"] for each in found if each["in"] == "path"}

    @property
    def body(self) -> Mapping[str, Any] | None:
        """The schema of its body."""
        if "requestBody" not in self.told:
            return None
        return READER.whole(self.told["requestBody"]["content"][JSON]["schema"])

    def path(self, **changed: str) -> str:
        return self.route.path.format(**self.parts | changed)

    def answer(self, status: int) -> Mapping[str, Any]:
        assert str(status) in self.told["responses"], f"{self.name}: {status} is not declared"
        return READER.whole(self.told["responses"][str(status)])


ROWS = [Row(route) for route in ROUTES]


def in_turn() -> list[Row]:
    """All routes, in an order in which each finds what it is about."""

    def rank(row: Row) -> tuple[int, int]:
        if row.name in FIRST:
            return 0, FIRST.index(row.name)
        if row.name in LAST:
            return 3, LAST.index(row.name)
        return (1 if row.route.method == "POST" else 2), 0

    return sorted(ROWS, key=rank)


def mistakes(row: Row, answer: Answer) -> Iterator[str]:
    """In what an answer is not as it is declared."""
    told = row.answer(answer.status)
    for name, header in told["headers"].items():
        if READER.whole(header)["required"] and name not in answer.headers:
            yield f"no header {name}"
    content = told.get("content", {})
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if not content or answer.text == "":
        if content or answer.text:
            yield f"the body is {answer.text!r}"
        return
    if kind not in content:
        yield f"content type {kind}"
    elif kind == JSON and content[kind]["schema"] != {"type": "object"}:
        schema = {**closed(content[kind]["schema"]), "components": closed(DOCUMENT["components"])}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        yield from (str(error) for error in validator.iter_errors(answer.json))


def test_the_document_is_openapi_3_1() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_every_route_is_described_and_nothing_else() -> None:
    told = {(method.upper(), path) for path, found in DOCUMENT["paths"].items() for method in found}
    assert told == {(route.method, route.path) for route in ROUTES}
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


def test_a_route_that_nobody_described_is_named() -> None:
    @may(Who.USER)
    async def forgotten(_: Any) -> Any: ...

    with pytest.raises(Undescribed, match="GET /v1/forgotten/"):
        document([*ROUTES, Route("GET", "/v1/forgotten/", forgotten)])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_description_iswhole(row: Row) -> None:
    assert row.told["summary"]
    assert row.told["x-deis-who"] == row.route.who or row.route.method == "DELETE"
    assert [status for status in row.told["responses"] if int(status) < 400]
    for parameter in map(READER.whole, row.told["parameters"]):
        assert parameter["description"]
    for kinds in (row.told.get("requestBody", {}), *map(READER.whole, _answers(row))):
        for content in kinds.get("content", {}).values():
            _documented(READER.whole(content["schema"]))


def _answers(row: Row) -> list[Any]:
    return list(row.told["responses"].values())


def _documented(schema: Mapping[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        assert field.get("description") or "$ref" in field, schema


def test_limits_are_those_of_the_rules() -> None:
    def bound(shape: str, field: str, name: str = "maxLength") -> Any:
        return DOCUMENT["components"]["schemas"][shape]["properties"][field][name]

    assert bound("Registration", "username") == accounts.USERNAME_LIMIT
    assert bound("Registration", "password") == accounts.PASSWORD_LIMIT
    assert bound("Registration", "email") == accounts.EMAIL_LIMIT
    assert bound("Registration", "first_name") == accounts.NAME_LIMIT
    assert bound("NewToken", "name") == tokens.NAME_LIMIT
    assert bound("NewKey", "id") == accounts.KEY_ID_LIMIT
    assert bound("NewKey", "public") == accounts.KEY_LIMIT
    assert bound("NewCertificate", "certificate") == certs.PEM_LIMIT
    assert bound("NewApp", "id") == APP_ID_LIMIT
    assert bound("NewBuild", "image") == builds.IMAGE_LIMIT
    assert bound("NewBuild", "sha") == builds.SHA_LIMIT
    assert bound("NewDomain", "domain") == DOMAIN_LIMIT
    assert bound("Rollback", "version", "maximum") == VERSION_LIMIT
    assert bound("ConfigChange", "cpu", "additionalProperties")["maximum"] == CPU_LIMIT
    scale = DOCUMENT["components"]["schemas"]["Scale"]
    assert scale["additionalProperties"]["maximum"] == COPIES_LIMIT


async def test_the_document_is_served_to_anybody(api: Api) -> None:
    answer = await api.anonymous.get("/v1/openapi.json")
    assert (answer.status, answer.json) == (200, DOCUMENT)
    assert answer.headers["Content-Type"].partition(";")[0] == JSON
    known = {"If-None-Match": answer.headers["ETag"]}
    again = await api.anonymous.get("/v1/openapi.json", headers=known)
    assert (again.status, again.text, again.headers["ETag"]) == (304, "", answer.headers["ETag"])
    other = await api.anonymous.get("/v1/openapi.json", headers={"If-None-Match": '"other"'})
    assert other.status == 200


@pytest.mark.parametrize("path", ["/v1/docs", "/v1/docs/"])
async def test_the_page_needs_nothing_from_elsewhere(api: Api, path: str) -> None:
    answer = await api.anonymous.get(path, headers={"Accept": "text/html"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for loading in ("<script", "<link", "<img", "@import", "url(", " src=", " style="):
        assert loading not in answer.text
    for row in ROWS:
        assert f'<article id="{row.name}">' in answer.text


@dataclass
class World:
    """Everybody who calls, and what examples cannot know."""

    api: Api
    clients: dict[Who, Client]
    pem: tuple[str, str]

    def client(self, row: Row) -> Client:
        return self.clients.get(row.route.who, self.clients[Who.USER])

    def body(self, row: Row) -> Any:
        """The example, with what must be real."""
        if row.body is None:
            return None
        found = READER.example(row.body)
        if row.name == "certs_add":
            found["certificate"], found["key"] = self.pem
        return found | ({"receive_user": "bob"} if "receive_user" in found else {})

    async def parts(self, row: Row) -> dict[str, str]:
        """Ids that the platform draws."""
        bob = self.clients[Who.USER]
        if row.name == "tokens_remove":
            found = (await bob.get("/v1/tokens/")).json["results"]
            return {"uuid": next(token["id"] for token in found if not token["current"])}
        if row.name == "hosts_forget":
            self.api.leader.cluster.store.put(keys.hostconf("host-9"), HostConf(cordoned=True))
            return {"host": "host-9"}
        if row.name == "database_accept":
            self.api.leader.cluster.store.put(keys.INTENT, Intent(1000))
        if row.name == "builds_show":
            return {"uuid": (await bob.get("/v1/apps/hello/builds/")).json["results"][0]["uuid"]}
        if row.name == "operations_cancel":
            self.api.leader.paused = True
            prefer = {"Prefer": "respond-async"}
            accepted = await bob.post("/v1/apps/hello/scale/", {"web": 1}, headers=prefer)
            return {"operation": accepted.json["id"]}
        if "operation" in row.parts:
            found = (await bob.get("/v1/apps/hello/operations/")).json["results"]
            return {"operation": found[0]["id"]}
        return {}

    async def call(self, row: Row) -> Answer:
        path = row.path(**await self.parts(row))
        answer = await self.client(row).call(row.route.method, path, self.body(row))
        self.api.leader.paused = False
        return answer


@pytest.fixture
async def world(
    api: Api, admin: Client, bob: Client, logger: RunningLogger, tmp_path: Path
) -> World:
    api.log_address, api.event_address = logger.settings.http, logger.settings.tcp
    pem = [path.read_text() for path in Authority(tmp_path).issue("www.example.org")]
    clients = dict.fromkeys((Who.ANYBODY, Who.GUEST, Who.VISITOR), api.anonymous)
    clients |= {Who.USER: bob, Who.SUPERUSER: admin, Who.BUILDER: api.builder()}
    return World(api, clients, (pem[0], pem[1]))


async def test_every_route_answers_its_example_as_declared(world: World) -> None:
    wrong: dict[str, list[str]] = {}
    for row in in_turn():
        if row.name in ("users_passwd", "users_cancel", "apps_destroy"):
            world.clients[Who.USER] = world.clients[Who.SUPERUSER]
        answer = await world.call(row)
        world.clients[Who.USER] = await _bob(world)
        found = list(mistakes(row, answer))
        if answer.status >= 400:
            found.append(f"{answer.status} {answer.text}")
        if found:
            wrong[row.name] = found
    assert wrong == {}


async def _bob(world: World) -> Client:
    """Bob with a token that nothing has ended."""
    fields = {"username": "bob", "password": "secret"}
    anonymous = world.api.anonymous
    token = (await anonymous.post("/v1/auth/login/", fields)).json["token"]
    return Client(anonymous.session, anonymous.url, token)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_change_accepted_at_once_is_as_declared(world: World, row: Row) -> None:
    if "202" not in row.told["responses"] or row.name == "operations_cancel":
        return
    for made in (made for made in in_turn() if made.name in FIRST):
        assert (await world.call(made)).status in (201, 204)
    prefer = {"Prefer": "respond-async"}
    client = world.clients[Who.USER]
    answer = await client.call(row.route.method, row.path(), world.body(row), headers=prefer)
    assert (answer.status, list(mistakes(row, answer))) == (202, [])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_refusals_are_declared(world: World, row: Row) -> None:
    """What anybody can get out of a route without knowing it."""
    for client in (world.api.anonymous, world.client(row)):
        sent: list[Json] = [
            {"headers": {"DEIS-VERSION": "2"}},
            {"headers": {"Accept": "application/xml"}},
            {"headers": {"Authorization": "token " + "0" * 40}},
            {},
            {"body": b"{", "headers": {"Content-Type": JSON}},
            {"body": b"[]", "headers": {"Content-Type": JSON}},
            {"body": b"<a/>", "headers": {"Content-Type": "text/xml"}},
            {"data": io.BytesIO(b" " * (BODY_LIMIT + 1))} if row.name == "apps_create" else {},
        ]
        for more in sent:
            if row.route.method == "GET" and more.keys() & {"body", "data"}:
                continue
            if client is not world.api.anonymous and row.name in ("auth_logout", "auth_regenerate"):
                continue
            answer = await client.call(row.route.method, row.path(), **more)
            assert list(mistakes(row, answer)) == [], (more, answer)


FIELDS = [(row, name) for row in ROWS for name in (row.body or {}).get("properties", {})]


@pytest.mark.parametrize(
    ("row", "field"), FIELDS, ids=lambda value: value if isinstance(value, str) else value.name
)
async def test_every_field_of_a_body_is_read(world: World, row: Row, field: str) -> None:
    """Left out where it is required, a list in its place, one character or one too many."""
    for made in ROWS:
        if made.name == "apps_create":
            assert (await world.call(made)).status == 201
    assert row.body is not None
    body, schema = world.body(row), row.body["properties"][field]
    bad: list[Json] = [] if field == "all" else [body | {field: []}]
    if field in row.body["required"]:
        bad.append({name: value for name, value in body.items() if name != field})
    if "maxLength" in schema:
        bad.append(body | {field: "a" * (schema["maxLength"] + 1)})
    for wrong in bad:
        client = world.client(row)
        if row.name in ("auth_regenerate", "users_passwd"):
            client = world.clients[Who.SUPERUSER]
        answer = await client.call(row.route.method, row.path(), wrong)
        assert answer.status == 400, answer.text
        assert field in (answer.json if field != "version" else answer.text), answer.text
        assert list(mistakes(row, answer)) == []
    if field == "all":
        everybody = await world.clients[Who.SUPERUSER].post(row.path(), {"all": False})
        assert (everybody.status, everybody.json) == (200, "")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_forms_are_read_where_they_are_declared(world: World, row: Row) -> None:
    if row.body is None or FORM not in row.told["requestBody"]["content"]:
        return
    required = row.body.get("required", [])
    form = aiohttp.FormData({"something": "else"})
    client = world.clients[Who.SUPERUSER] if row.name.startswith("auth_r") else world.client(row)
    answer = await client.call(row.route.method, row.path(), data=form)
    assert answer.status != 415
    assert not required or answer.status in (400, 404), answer.text
