"""What all endpoints have in common, row by row (api.md 1.1 to 1.8); see test_api_transport."""

import re

import pytest

from deis_control.api.routes import ROUTES, Route, Slash
from tests.fixtures.control import Api, Client

V1_DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC"
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

SAMPLE_PARTS = {
    "app": "hello",
    "common_name": "a.b",
    "domain": "a.b",
    "host": "host-1",
    "id": "key",
    "num": "1",
    "operation": "0",
    "type": "web",
    "username": "eve",
    "uuid": "0",
    "other": "1",
    "version": "1",
}
VERSIONS = {
    "DEIS_API_VERSION": "1.7",
    "X_DEIS_API_VERSION": "1.7",
    "DEIS_PLATFORM_VERSION": "1.13.4",
    "X_DEIS_PLATFORM_VERSION": "1.13.4",
}


@pytest.mark.parametrize("path", ["/", "/v1/whatever", "/v1/apps/hello/whatever/", "/v1/appsXYZ"])
async def test_1_1_unmatched_paths_are_a_page_and_match_whole(bob: Client, path: str) -> None:
    answer = await bob.get(path)
    assert (answer.status, answer.reason) == (404, "NOT FOUND")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/v1/auth/login", "/v1/auth/tokens"])
async def test_1_1_login_and_tokens_need_their_slash(bob: Client, path: str) -> None:
    assert (await bob.post(path, {})).status == 404
    assert (await bob.post(f"{path}/", {"username": "x", "password": "x"})).status in (400, 403)


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.slash is Slash.EITHER],
    ids=lambda route: f"{route.method} {route.path}",
)
async def test_1_1_the_slash_is_optional_on_every_other_route(api: Api, route: Route) -> None:
    """The method that nobody has tells whether the path is one, before anybody must be known."""
    path = route.path.format(**SAMPLE_PARTS).rstrip("/")
    for spelled in (path, f"{path}/"):
        answer = await api.anonymous.call("OPTIONS", spelled, headers={"Origin": "x"})
        assert route.method in answer.headers["Allow"], spelled


@pytest.mark.parametrize(
    "path",
    [
        "/v1/apps/UPPER/",
        "/v1/apps/a_b/",
        "/v1/apps/hello/releases/5/",
        "/v1/apps/hello/releases/vx/",
        "/v1/apps/hello/containers/we%20b/",
        "/v1/apps/hello/containers/web/1.2/",
        "/v1/apps/hello/builds/a.b/",
    ],
)
async def test_1_1_pieces_of_urls_have_their_characters(bob: Client, path: str) -> None:
    answer = await bob.get(path)
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("method", "path", "body", "line"),
    [
        ("GET", "/v1/", None, "200 OK"),
        ("POST", "/v1/apps/", {"id": "other"}, "201 CREATED"),
        ("POST", "/v1/apps/", {"id": "UPPER"}, "400 BAD REQUEST"),
        ("GET", "/v1/users/", None, "403 FORBIDDEN"),
        ("GET", "/v1/apps/nothing/", None, "404 NOT FOUND"),
        ("PUT", "/v1/apps/", None, "405 METHOD NOT ALLOWED"),
        ("GET", "/v1/apps/hello/logs", None, "500 INTERNAL SERVER ERROR"),
        ("DELETE", "/v1/apps/hello/", None, "204 NO CONTENT"),
    ],
)
async def test_1_2_reason_phrases_are_in_capitals(
    bob: Client, fresh_app: str, method: str, path: str, body: object, line: str
) -> None:
    answer = await bob.call(method, path, body)
    assert f"{answer.status} {answer.reason}" == line
    assert {name: answer.headers[name] for name in VERSIONS} == VERSIONS


async def test_1_2_conflict_and_unavailable_too(api: Api, bob: Client, fresh_app: str) -> None:
    conflict = await bob.delete("/v1/auth/cancel/")
    assert (conflict.status, conflict.reason) == (409, "CONFLICT")
    api.leader.reason = "no"
    failed = await bob.post(f"{fresh_app}/config/", {})
    assert (failed.status, failed.reason) == (503, "SERVICE UNAVAILABLE")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/", "GET, HEAD, OPTIONS"),
        ("/v1/apps/hello/", "GET, POST, DELETE, HEAD, OPTIONS"),
        ("/v1/auth/login/", "POST, OPTIONS"),
        ("/v1/keys/mine", "GET, DELETE, HEAD, OPTIONS"),
    ],
)
async def test_1_2_allow_names_the_routes_methods(bob: Client, path: str, allowed: str) -> None:
    for method in ("GET", "PATCH", "OPTIONS"):
        assert (await bob.call(method, path)).headers["Allow"] == allowed


async def test_1_2_location_of_a_new_app_leads_to_it(bob: Client) -> None:
    made = await bob.post("/v1/apps/", {"id": "hello"}, headers={"Host": "deis.x"})
    assert made.headers["Location"] == "http://deis.x/v1/apps/hello/"


async def test_1_2_release_headers_are_bare_numbers_on_config_and_builds_only(
    bob: Client, fresh_app: str
) -> None:
    build = await bob.post(f"{fresh_app}/builds/", {"image": "x"})
    config = await bob.post(f"{fresh_app}/config/", {})
    back = await bob.post(f"{fresh_app}/releases/rollback/")
    for answer, number in ((build, "2"), (config, "3")):
        assert (answer.headers["Deis-Release"], answer.headers["X-Deis-Release"]) == (
            number,
            number,
        )
    assert "Deis-Release" not in back.headers


@pytest.mark.parametrize("path", ["/v1/apps/", "/v1/apps/hello/", "/v1/users/", "/v1/"])
async def test_1_3_options_describe_a_route_to_whom_it_knows(
    api: Api, admin: Client, fresh_app: str, path: str
) -> None:
    answer = await admin.call("OPTIONS", path)
    assert answer.status == 200
    assert set(answer.json) == {"name", "description", "renders", "parses", "actions"}
    assert set(answer.json["parses"]) == {
        *("application/json", "application/x-www-form-urlencoded", "multipart/form-data"),
    }
    assert ("POST" in answer.json["actions"]) == ("POST" in answer.headers["Allow"])
    refused = await api.anonymous.call("OPTIONS", path)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Token")


async def test_1_3_a_body_is_read_whatever_its_charset_says(bob: Client) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    made = await bob.post("/v1/apps/", {"id": "hello"}, headers=headers)
    assert made.status == 201


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.method == "GET" and route.path != "/v1/audit/"],
    ids=lambda route: route.path,
)
async def test_1_3_head_works_on_every_get_route(bob: Client, built_app: str, route: Route) -> None:
    operation = (await bob.get(f"{built_app}/operations/")).json["results"][0]["id"]
    path = route.path.format(**SAMPLE_PARTS | {"operation": operation})
    got, head = await bob.get(path), await bob.call("HEAD", path)
    assert (head.status, head.text) == (got.status, "")
    assert head.headers.get("Content-Length") == got.headers.get("Content-Length")


@pytest.mark.parametrize("path", ["/healthz", "/v1/", "/v1/nothing", "/v1/apps/nothing/"])
async def test_1_4_any_response_to_an_origin_is_open(bob: Client, path: str) -> None:
    answer = await bob.get(path, headers={"Origin": "http://a.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == (
        "X_DEIS_API_VERSION, X_DEIS_PLATFORM_VERSION, X-Deis-Release, DEIS_API_VERSION, "
        "DEIS_PLATFORM_VERSION, Deis-Release"
    )
    assert "Access-Control-Allow-Origin" not in (await bob.get(path)).headers


async def test_1_4_preflight_names_methods_and_headers(api: Api) -> None:
    asked = {"Origin": "http://a.example", "Access-Control-Request-Method": "DELETE"}
    answer = await api.anonymous.call("OPTIONS", "/v1/apps/hello/", headers=asked)
    assert (answer.status, answer.text) == (200, "")
    assert {
        name: value
        for name, value in answer.headers.items()
        if name.startswith("Access-Control-") and "Expose" not in name
    } == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": "content-type, accept, origin, Authorization, Host",
        "Access-Control-Max-Age": "86400",
    }


async def test_1_5_version_goes_before_authentication(api: Api) -> None:
    answer = await api.anonymous.get("/v1/apps/", headers={"DEIS-VERSION": "2"})
    assert answer.status == 405


async def test_1_5_view_permission_goes_before_the_method(bob: Client) -> None:
    assert (await bob.call("PATCH", "/v1/users/")).status == 403


async def test_1_5_the_method_goes_before_the_body(bob: Client) -> None:
    assert (await bob.call("PUT", "/v1/apps/", b"{")).status == 405


async def test_1_5_the_body_goes_before_the_object(bob: Client) -> None:
    assert (await bob.post("/v1/apps/nothing/config/", b"{")).status == 400
    assert (await bob.post("/v1/apps/nothing/config/", {"values": 1})).status == 404


async def test_1_5_the_objects_permission_goes_before_validation(api: Api, fresh_app: str) -> None:
    stranger = await api.user("stranger")
    answer = await stranger.post(f"{fresh_app}/config/", {"values": 1})
    text = "You do not have permission to perform this action."
    assert (answer.status, answer.json) == (403, {"detail": text})


async def test_1_6_an_account_that_is_not_active_is_401(api: Api, bob: Client) -> None:
    async with api.leader.database.connection() as conn:
        await conn.execute("UPDATE users SET is_active = false WHERE username = 'bob'")
    answer = await bob.get("/v1/")
    assert (answer.status, answer.json) == (401, {"detail": "User inactive or deleted"})


@pytest.mark.parametrize("path", ["/v1/apps/nothing/", "/v1/keys/nothing", "/v1/apps/?page=9"])
async def test_1_6_texts_of_404(bob: Client, path: str) -> None:
    answer = await bob.get(path)
    assert (answer.status, answer.json) == (404, {"detail": "Not found"})


async def test_1_6_errors_are_flat_so_that_the_client_can_print_them(
    bob: Client, fresh_app: str
) -> None:
    """The client prints strings and lists of strings only."""
    for path, body in (
        ("/v1/apps/", {"id": "UPPER"}),
        ("/v1/auth/register/", {}),
        (f"{fresh_app}/config/", {"values": {"1": ""}, "cpu": 1}),
        (f"{fresh_app}/builds/", {}),
        (f"{fresh_app}/scale/", {"web": 1}),
        ("/v1/keys/", {}),
        ("/v1/certs/", {}),
        ("/v1/tokens/", {}),
    ):
        answer = await bob.post(path, body)
        assert answer.status == 400
        for value in answer.json.values():
            assert isinstance(value, str) or all(isinstance(item, str) for item in value)


@pytest.mark.parametrize(
    "path",
    [
        *(f"apps/hello/{name}/" for name in ("containers", "builds", "releases", "domains")),
        *("apps/", "apps/hello/operations/", "keys/", "certs/", "users/", "admin/perms/"),
        *("tokens/", "audit/"),
    ],
)
async def test_1_7_which_lists_come_in_pages(admin: Client, built_app: str, path: str) -> None:
    page = (await admin.get(f"/v1/{path}?page_size=1")).json
    assert set(page) == {"count", "next", "previous", "results"}
    assert len(page["results"]) == min(1, page["count"])
    assert isinstance(page["count"], int)


async def test_1_7_the_default_page_has_100_and_there_is_no_upper_bound(bob: Client) -> None:
    for number in range(101):
        assert (await bob.post("/v1/apps/", {"id": f"app-{number}"})).status == 201
    first = (await bob.get("/v1/apps/?limit=5")).json
    assert (first["count"], len(first["results"])) == (101, 100)
    assert first["next"].endswith("/v1/apps/?page=2&limit=5")
    assert len((await bob.get("/v1/apps/?page_size=100000")).json["results"]) == 101


async def test_1_7_an_empty_list_has_a_first_page(bob: Client) -> None:
    empty = {"count": 0, "next": None, "previous": None, "results": []}
    for query in ("", "?page=1", "?page=last"):
        assert (await bob.get(f"/v1/apps/{query}")).json == empty


@pytest.mark.parametrize("text", ["%ff", "%ed%a0%80", "%00", "a%20b%26c"])
async def test_1_7_any_query_survives_into_the_next_page(bob: Client, text: str) -> None:
    for number in range(2):
        await bob.post("/v1/apps/", {"id": f"app-{number}"})
    page = await bob.get(f"/v1/apps/?page_size=1&x={text}")
    assert page.status == 200
    following = page.json["next"].removeprefix(bob.url)
    assert (await bob.get(following)).json["results"][0]["id"] == "app-1"


@pytest.mark.parametrize("path", ["", "config/", "builds/", "releases/", "containers/"])
async def test_1_8_dates_and_uuids_of_an_apps_things(
    bob: Client, built_app: str, path: str
) -> None:
    found = (await bob.get(f"{built_app}/{path}")).json
    for item in found.get("results", [found]):
        assert re.fullmatch(V1_DATE, item["created"])
        assert re.fullmatch(V1_DATE, item["updated"])
        assert re.fullmatch(UUID4, item["uuid"])


async def test_1_8_dates_of_users_are_iso_with_z_and_no_fraction_when_it_is_zero(
    api: Api, admin: Client
) -> None:
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"
    (user,) = (await admin.get("/v1/users/")).json["results"]
    assert re.fullmatch(form, user["last_login"])
    async with api.leader.database.connection() as conn:
        await conn.execute("UPDATE users SET date_joined = '2014-10-19 22:01:00+00'")
    (user,) = (await admin.get("/v1/users/")).json["results"]
    assert user["date_joined"] == "2014-10-19T22:01:00Z"


async def test_1_8_updated_changes_by_scale_and_transfer(
    api: Api, bob: Client, built_app: str
) -> None:
    eve = await api.user("eve")
    for path, body, who in (("scale/", {"web": 2}, bob), ("", {"owner": "eve"}, eve)):
        async with api.leader.database.connection() as conn:
            await conn.execute("UPDATE apps SET updated = '2014-01-01 00:00+00'")
        assert (await bob.post(f"{built_app}/{path}", body)).status in (200, 204)
        assert not (await who.get(f"{built_app}/")).json["updated"].startswith("2014")
