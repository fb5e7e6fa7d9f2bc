"""Who may call what: every route of the table, asked by everybody (api.md 1.5 and 1.9)."""

import pytest

from deis_control.api.permissions import Endpoint, Who
from deis_control.api.routes import ROUTES, Route
from deis_control.db import apps
from tests.fixtures.control import Api, Client

SAMPLES = {
    "app": "hello",
    "id": "some-key",
    "num": "1",
    "other": "1",
    "type": "web",
    "uuid": "11111111-2222-4333-8444-555555555555",
    "version": "1",
}
DELETES_APPS = [route for route in ROUTES if route.who is Who.APP_USER]


def path_of(route: Route) -> str:
    return route.path.format(**SAMPLES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_every_route_declares_who_may(route: Route) -> None:
    assert isinstance(route.endpoint, Endpoint)
    assert isinstance(route.who, Who)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_routes_about_an_app_ask_for_its_users(route: Route) -> None:
    assert ("{app}" in route.path) == (route.who is Who.APP_USER)


async def test_nobody_gets_in_without_a_token(api: Api, fresh_app: str) -> None:
    for route in ROUTES:
        answer = await api.anonymous.call(route.method, path_of(route), {})
        closed = route.who not in (Who.ANYBODY, Who.GUEST, Who.VISITOR)
        assert (answer.status == 401) == closed, route


async def test_strangers_get_403_for_an_app_and_404_without_it(api: Api, fresh_app: str) -> None:
    eve = await api.user("eve")
    for route in DELETES_APPS:
        path = path_of(route)
        assert (await eve.call(route.method, path, {})).status == 403, route
        missing = path.replace("/hello/", "/nothing/")
        assert (await eve.call(route.method, missing, {})).status == 404, route


async def test_collaborators_may_do_all_but_delete(api: Api, fresh_app: str) -> None:
    eve = await api.user("eve")
    await _grant(api, "eve")
    for route in DELETES_APPS:
        status = (await eve.call(route.method, path_of(route), {})).status
        assert (status == 403) == (route.method == "DELETE"), route
    assert (await eve.post(f"{fresh_app}/", {"owner": "eve"})).status == 403
    assert (await eve.get("/v1/apps/")).json["count"] == 1


async def test_superusers_may_do_all(admin: Client, fresh_app: str) -> None:
    for route in DELETES_APPS:
        if route.method != "DELETE":
            status = (await admin.call(route.method, path_of(route), {})).status
            assert status not in (401, 403), route
    assert (await admin.delete(f"{fresh_app}/")).status == 204


async def test_what_a_collaborator_makes_is_his(api: Api, fresh_app: str) -> None:
    eve = await api.user("eve")
    await _grant(api, "eve")
    made = await eve.post(f"{fresh_app}/builds/", {"image": "x"})
    assert made.json["owner"] == "eve"
    assert (await eve.get(f"{fresh_app}/releases/v2/")).json["owner"] == "eve"
    assert (await eve.get(f"{fresh_app}/containers/")).json["results"][0]["owner"] == "bob"


async def _grant(api: Api, username: str) -> None:
    async with api.leader.database.transaction("grant") as conn:
        app = await apps.find(conn, "hello")
        await conn.execute(
            "INSERT INTO app_users SELECT $1, id FROM users WHERE username = $2",
            app.uuid,
            username,
        )
