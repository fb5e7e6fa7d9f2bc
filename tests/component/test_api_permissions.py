"""The permission matrix: every route of the table, asked by everybody (api.md 1.5 and 1.9).

What is expected is declared beside each handler by `@may`; this table says what each declaration
means for whom.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from deis_control.api.permissions import APP_ROLES, Endpoint, Who
from deis_control.api.routes import ROUTES, Route
from deis_control.db import apps, users
from deis_control.db import tokens as db_tokens
from deis_control.model import App, Scope
from deis_control.rules.tokens import digest
from tests.fixtures.control import Api, Client

SAMPLES = {
    "app": "hello",
    "common_name": "www.example.org",
    "domain": "www.example.org",
    "host": "host-1",
    "id": "some-key",
    "num": "1",
    "other": "2",
    "type": "web",
    "username": "eve",
    "uuid": "11111111-2222-4333-8444-555555555555",
    "version": "1",
}

ACTORS = ("anonymous", "expired", "builder", "stranger", "eve", "bob", "admin")
"""Nobody, one whose token is over, a builder, a user, a collaborator, the owner, a superuser."""

DENIED: Mapping[Who, Mapping[str, int]] = {
    Who.ANYBODY: {},
    Who.GUEST: {},
    Who.VISITOR: {"expired": 401},
    Who.USER: {"anonymous": 401, "expired": 401, "builder": 401},
    Who.SUPERUSER: {
        **dict.fromkeys(("anonymous", "expired", "builder"), 401),
        **dict.fromkeys(("stranger", "eve", "bob"), 403),
    },
    Who.APP_USER: {**dict.fromkeys(("anonymous", "expired", "builder"), 401), "stranger": 403},
    Who.APP_MEMBER: {**dict.fromkeys(("anonymous", "expired", "builder"), 401), "stranger": 403},
    Who.APP_OWNER: {
        **dict.fromkeys(("anonymous", "expired", "builder"), 401),
        **dict.fromkeys(("stranger", "eve"), 403),
    },
    Who.BUILDER: {
        **dict.fromkeys(("anonymous", "expired"), 401),
        **dict.fromkeys(("stranger", "eve", "bob", "admin"), 403),
    },
}


@dataclass
class World:
    """An app of bob's, shared with eve, and everybody who might call."""

    api: Api
    app: App
    clients: dict[str, Client]
    operation: str

    def path(self, route: Route) -> str:
        return route.path.format(**SAMPLES, operation=self.operation)

    async def grant(self) -> None:
        """Share the app with eve, as it was, unless one of them is gone."""
        async with self.api.leader.database.transaction("grant") as conn:
            await conn.execute(
                """INSERT INTO app_users SELECT apps.uuid, users.id FROM apps, users
                WHERE apps.id = 'hello' AND users.username = 'eve' ON CONFLICT DO NOTHING"""
            )

    async def token(self, username: str, scope: Scope, **more: object) -> Client:
        """A client with a named token."""
        digits = f"{username}-{scope}-{len(self.clients)}-{sorted(more)}"
        async with self.api.leader.database.transaction("token") as conn:
            user = await users.find(conn, username)
            await db_tokens.insert(conn, user.id, digest(digits), name=digits, scope=scope, **more)  # type: ignore[arg-type]
        return Client(self.api.anonymous.session, self.api.anonymous.url, digits)


@pytest.fixture
async def world(api: Api, built_app: str, admin: Client, bob: Client) -> World:
    clients = {"anonymous": api.anonymous, "bob": bob, "admin": admin, "builder": api.builder()}
    clients["eve"] = await api.user("eve")
    clients["stranger"] = await api.user("stranger")
    found = (await bob.get(f"{built_app}/operations/")).json["results"][0]
    async with api.leader.database.connection() as conn:
        app = await apps.find(conn, "hello")
    world = World(api, app, clients, found["id"])
    over = datetime.now(UTC) - timedelta(seconds=1)
    clients["expired"] = await world.token("bob", Scope.ADMIN, expires=over)
    await world.grant()
    return world


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_every_route_declares_who_may(route: Route) -> None:
    assert isinstance(route.endpoint, Endpoint)
    assert set(DENIED[route.who]) <= set(ACTORS)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_routes_about_an_app_ask_for_its_users(route: Route) -> None:
    about = "{app}" in route.path or "{operation}" in route.path
    assert about == (route.who in APP_ROLES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
async def test_who_may_call(world: World, route: Route) -> None:
    denied = dict(DENIED[route.who])
    if route.who is Who.APP_USER and route.method == "DELETE":
        denied["eve"] = 403
    for actor in sorted(ACTORS, key=lambda name: name not in denied):
        await world.grant()
        answer = await world.clients[actor].call(route.method, world.path(route), {})
        if actor in denied:
            assert answer.status == denied[actor], (actor, answer.text)
        else:
            assert answer.status not in (401, 403), (actor, answer.text)
            assert answer.status < 500 or "logs" in route.path, (actor, answer.text)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
async def test_which_tokens_may_call(world: World, route: Route) -> None:
    """Tokens of each scope and of one app alone: bob's, or the superuser's where one is needed."""
    username = "admin" if route.who is Who.SUPERUSER else "bob"
    counts = route.who in APP_ROLES | {Who.USER, Who.SUPERUSER}
    if not counts:
        return
    for scope in (scope for scope in Scope if not scope.covers(route.endpoint.scope)):
        narrow = await world.token(username, scope)
        assert (await narrow.call(route.method, world.path(route), {})).status == 403, scope
    mine = await world.token(username, Scope.ADMIN, app=world.app.uuid)
    status = (await mine.call(route.method, world.path(route), {})).status
    assert (status == 403) == (not route.endpoint.confined), status
    await world.grant()
    enough = await world.token(username, route.endpoint.scope)
    assert (await enough.call(route.method, world.path(route), {})).status not in (401, 403)


async def test_a_token_of_one_app_is_no_good_for_another(world: World, bob: Client) -> None:
    assert (await bob.post("/v1/apps/", {"id": "other"})).status == 201
    mine = await world.token("bob", Scope.ADMIN, app=world.app.uuid)
    assert (await mine.get("/v1/apps/hello/")).status == 200
    answer = await mine.get("/v1/apps/other/")
    expected = {"detail": "The token is good for the app hello only."}
    assert (answer.status, answer.json) == (403, expected)
    assert [app["id"] for app in (await mine.get("/v1/apps/")).json["results"]] == ["hello"]
    assert {line["app"] for line in (await mine.get("/v1/audit/")).json["results"]} == {"hello"}


async def test_a_token_of_one_app_ends_with_the_grant(world: World) -> None:
    mine = await world.token("eve", Scope.READ, app=world.app.uuid)
    assert (await mine.get("/v1/audit/")).json["count"] > 0
    assert (await world.clients["bob"].delete("/v1/apps/hello/perms/eve")).status == 204
    assert (await mine.get("/v1/audit/")).json["count"] == 0
    assert (await mine.get("/v1/apps/")).json["count"] == 0
    assert (await mine.get("/v1/apps/hello/")).status == 403


async def test_a_limited_token_registers_nobody_for_an_admin(world: World) -> None:
    world.api.platform = replace(world.api.platform, registration_mode="admin_only")
    new = {"username": "new", "password": "secret"}
    limited = await world.token("admin", Scope.DEPLOY)
    assert (await limited.post("/v1/auth/register/", new)).status == 403
    assert (await world.clients["admin"].post("/v1/auth/register/", new)).status == 201


async def test_strangers_get_404_where_there_is_no_app(world: World) -> None:
    for route in ROUTES:
        if "{app}" in route.path:
            missing = world.path(route).replace("/hello/", "/nothing/")
            answer = await world.clients["stranger"].call(route.method, missing, {})
            assert answer.status == 404, route


async def test_what_a_collaborator_makes_is_his(world: World) -> None:
    eve = world.clients["eve"]
    made = await eve.post("/v1/apps/hello/builds/", {"image": "x"})
    assert made.json["owner"] == "eve"
    assert (await eve.get("/v1/apps/hello/releases/v3/")).json["owner"] == "eve"
    shown = (await eve.get("/v1/apps/hello/containers/")).json["results"]
    assert shown[0]["owner"] == "bob"
    assert (await eve.post("/v1/apps/hello/", {"owner": "eve"})).status == 403
    assert (await eve.get("/v1/apps/")).json["count"] == 1
