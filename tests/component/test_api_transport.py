"""What all endpoints have in common: headers, phrases, slashes, bodies (api.md section 1)."""

import asyncio
import io

import aiohttp
import pytest

from deis_control.api.bodies import BODY_LIMIT
from tests.fixtures.control import Api, Client

VERSIONS = {
    "DEIS_API_VERSION": "1.7",
    "X_DEIS_API_VERSION": "1.7",
    "DEIS_PLATFORM_VERSION": "1.13.4",
    "X_DEIS_PLATFORM_VERSION": "1.13.4",
    "Deis-Builder-Port": "2022",
    "Deis-Router-Port": "8080",
}


@pytest.mark.parametrize("path", ["/healthz", "/v1/", "/v1/nothing", "/v1/apps/nothing/", "/"])
async def test_every_response_carries_versions_and_ports(api: Api, path: str) -> None:
    answer = await api.anonymous.get(path)
    assert {name: answer.headers[name] for name in VERSIONS} == VERSIONS


async def test_header_names_go_out_with_underscores_as_written(api: Api) -> None:
    host, port = api.anonymous.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /v1/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    raw = await reader.read()
    writer.close()
    assert raw.startswith(b"HTTP/1.1 401 UNAUTHORIZED\r\n")
    assert b"\r\nDEIS_API_VERSION: 1.7\r\n" in raw


async def test_the_connection_check_needs_a_token(api: Api, bob: Client) -> None:
    refused = await api.anonymous.get("/v1/")
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Token")
    assert (await bob.get("/v1/")).json == {}


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (None, "Authentication credentials were not provided."),
        ("Basic abc", "Authentication credentials were not provided."),
        ("token", "Invalid token header. No credentials provided."),
        ("token a b", "Invalid token header. Token string should not contain spaces."),
        ("token " + "0" * 40, "Invalid token"),
    ],
)
async def test_texts_of_401(api: Api, header: str | None, text: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await api.anonymous.get("/v1/apps/", headers=headers)
    assert (answer.status, answer.reason, answer.json) == (401, "UNAUTHORIZED", {"detail": text})


async def test_the_scheme_is_read_in_any_case(bob: Client) -> None:
    answer = await bob.get("/v1/", headers={"Authorization": f"TOKEN {bob.token}"})
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/v1", "/v1/auth/login", "/v1/auth/tokens", "/v1/nothing/"])
async def test_paths_that_do_not_exist_answer_a_page(bob: Client, path: str) -> None:
    answer = await bob.post(path)
    assert (answer.status, answer.reason) == (404, "NOT FOUND")
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/v1/apps", "/v1/apps/", "/v1/keys", "/v1/keys/"])
async def test_the_trailing_slash_is_optional(bob: Client, path: str) -> None:
    assert (await bob.get(path)).status == 200


async def test_a_wrong_method_is_405_for_those_who_are_let_in(api: Api, bob: Client) -> None:
    refused = await bob.call("PATCH", "/v1/apps/")
    assert (refused.status, refused.reason) == (405, "METHOD NOT ALLOWED")
    assert refused.json == {"detail": "Method 'PATCH' not allowed."}
    assert refused.headers["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert (await api.anonymous.call("PATCH", "/v1/apps/")).status == 401
    assert (await api.anonymous.get("/v1/auth/register/")).status == 405


async def test_health_is_plain(api: Api) -> None:
    answer = await api.anonymous.get("/healthz")
    assert (answer.status, answer.text) == (200, "OK")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    refused = await api.anonymous.post("/healthz")
    assert (refused.status, refused.text) == (405, "")


async def test_head_and_options_work(api: Api, bob: Client) -> None:
    head = await bob.call("HEAD", "/v1/apps/")
    assert (head.status, head.text) == (200, "")
    options = await bob.call("OPTIONS", "/v1/apps/")
    assert options.status == 200
    assert "application/json" in options.json["renders"]
    assert (await api.anonymous.call("OPTIONS", "/v1/apps/")).status == 401


async def test_browsers_are_told_what_they_may(api: Api) -> None:
    asked = {"Origin": "http://a.example", "Access-Control-Request-Method": "POST"}
    preflight = await api.anonymous.call("OPTIONS", "/v1/apps/", headers=asked)
    assert (preflight.status, preflight.text) == (200, "")
    assert preflight.headers["Access-Control-Max-Age"] == "86400"
    plain = await api.anonymous.get("/v1/apps/", headers={"Origin": "http://a.example"})
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert "DEIS_API_VERSION" in plain.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("name", ["DEIS-VERSION", "DEIS_VERSION"])
async def test_clients_of_another_version_are_refused(api: Api, name: str) -> None:
    answer = await api.anonymous.get("/v1/", headers={name: "2"})
    assert answer.status == 405
    assert answer.json == {
        "error": "Client and server versions do not match. Client version: 2 Server version: 1"
    }
    assert (await api.anonymous.get("/v1/", headers={name: "1"})).status == 401


async def test_only_json_is_given(bob: Client) -> None:
    for accept in ("text/html", "application/xml"):
        assert (await bob.get("/v1/apps/", headers={"Accept": accept})).status == 406
    for accept in ("*/*", "text/html, application/json;q=0.5", "application/*"):
        assert (await bob.get("/v1/apps/", headers={"Accept": accept})).status == 200


async def test_other_bodies_are_415(bob: Client) -> None:
    answer = await bob.post("/v1/apps/", b"<a/>", headers={"Content-Type": "text/xml"})
    assert (answer.status, answer.json) == (
        415,
        {"detail": "Unsupported media type 'text/xml' in request."},
    )
    empty = await bob.post("/v1/apps/", b"", headers={"Content-Type": "text/xml"})
    assert empty.status == 201


async def test_forms_are_read_as_json_is(bob: Client) -> None:
    form = await bob.call("POST", "/v1/apps/", data={"id": "from-form"})
    assert form.json["id"] == "from-form"
    parts = aiohttp.FormData({"id": "from-parts"}, default_to_multipart=True)
    multipart = await bob.call("POST", "/v1/apps/", data=parts)
    assert multipart.json["id"] == "from-parts"


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[" * 100_000, b'{"id": NaN}', b'{"id": "\x00"}', b"1" * 5000]
)
async def test_what_is_no_json_is_400(bob: Client, body: bytes) -> None:
    answer = await bob.post("/v1/apps/", body)
    assert answer.status == 400
    assert answer.json["detail"].startswith("JSON parse error - ")


@pytest.mark.parametrize("body", [b'""', b"[]", b"1", b"true"])
async def test_json_that_is_no_object_is_400(bob: Client, body: bytes) -> None:
    answer = await bob.post("/v1/apps/", body)
    assert answer.status == 400
    assert answer.json["non_field_errors"][0].startswith("Invalid data. Expected a dictionary")


async def test_a_body_beyond_the_bound_is_413_as_json(bob: Client) -> None:
    body = io.BytesIO(b" " * (BODY_LIMIT + 1))
    answer = await bob.call("POST", "/v1/apps/", data=body)
    assert (answer.status, answer.json) == (413, {"detail": "Request body too large."})


async def test_lists_come_in_pages(bob: Client) -> None:
    for number in range(3):
        await bob.post("/v1/apps/", {"id": f"app-{number}"})
    page = (await bob.get("/v1/apps/?page_size=1&page=2&x=y", headers={"Host": "deis.x"})).json
    assert (page["count"], [app["id"] for app in page["results"]]) == (3, ["app-1"])
    assert page["next"] == "http://deis.x/v1/apps/?page=3&page_size=1&x=y"
    assert page["previous"] == "http://deis.x/v1/apps/?page=1&page_size=1&x=y"
    last = (await bob.get("/v1/apps/?page_size=2&page=last")).json
    assert ([app["id"] for app in last["results"]], last["next"]) == (["app-2"], None)


async def test_page_addresses_follow_the_proxys_scheme(bob: Client) -> None:
    for number in range(2):
        await bob.post("/v1/apps/", {"id": f"app-{number}"})
    headers = {"Host": "deis.x", "X-Forwarded-Proto": "https"}
    page = (await bob.get("/v1/apps/?page_size=1", headers=headers)).json
    assert page["next"].startswith("https://deis.x/")


@pytest.mark.parametrize("size", ["0", "-1", "x", "", "9" * 40])
async def test_a_senseless_page_size_is_100(bob: Client, size: str) -> None:
    await bob.post("/v1/apps/", {"id": "hello"})
    assert (await bob.get(f"/v1/apps/?page_size={size}")).json["count"] == 1


@pytest.mark.parametrize("page", ["0", "2", "-1", "x", "9" * 17, "9" * 40])
async def test_a_page_that_does_not_exist_is_404(bob: Client, page: str) -> None:
    answer = await bob.get(f"/v1/apps/?page={page}")
    assert (answer.status, answer.json) == (404, {"detail": "Not found"})


@pytest.mark.parametrize(
    "part",
    [
        b"no header",
        b"X: 1\r\n\r\n1",
        b'Content-Disposition: form-data; name="a\x08b"\r\n\r\n1',
        b'Content-Disposition: form-data; name="id"\r\n\r\n\xff',
        b'Content-Disposition: form-data; name="id"\r\nContent-Type: text/a; charset=x\r\n\r\n1',
        b'Content-Disposition: form-data; name="id"\r\nContent-Transfer-Encoding: x\r\n\r\n1',
        b'Content-Disposition: form-data; name="id"\r\nContent-Type: multipart/mixed\r\n\r\n1',
    ],
)
async def test_a_broken_multipart_form_is_400(bob: Client, part: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    answer = await bob.post("/v1/apps/", b"--B\r\n" + part + b"\r\n--B--\r\n", headers=headers)
    assert answer.status == 400, answer.text
    assert answer.json["detail"].startswith("Multipart form parse error - ")


async def test_a_body_that_is_not_compressed_as_it_says_is_400(bob: Client) -> None:
    headers = {"Content-Encoding": "gzip"}
    answer = await bob.post("/v1/apps/", b'{"id": "hello"}', headers=headers)
    assert answer.status == 400, answer.text
