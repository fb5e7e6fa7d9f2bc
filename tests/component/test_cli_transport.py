"""How `deis` reaches a controller: TLS, proxies, redirects (cli.md 1.1, client.md)."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fixtures.certificates import Authority
from tests.fixtures.command_line import Deis
from tests.fixtures.recording import TOKEN, Recorder, Reply, log_in

LOGIN = ["--username=alice", "--password=pw"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
async def secure(authority: Authority) -> AsyncIterator[str]:
    """The URL of a recording controller behind TLS."""
    recorder = Recorder()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("controller"))
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", recorder.handle)
    server = TestServer(application, scheme="https", access_log=None)
    await server.start_server(ssl=context)
    yield str(server.make_url("")).rstrip("/")
    await server.close()


async def test_cli_1_1_certificates_are_verified(deis: Deis, secure: str) -> None:
    ran = await deis("login", secure, *LOGIN)
    assert ran.status == 1
    assert "CERTIFICATE_VERIFY_FAILED" in ran.err
    looked = await deis.on_terminal("login", secure, *LOGIN, columns=400)
    assert "--ssl-verify=false" in looked.out


async def test_cli_1_1_a_known_authority_is_trusted(
    deis: Deis, secure: str, authority: Authority
) -> None:
    deis.environ["SSL_CERT_FILE"] = str(authority.path)
    assert await deis.ok("login", secure, *LOGIN) == "Logged in as alice\n"
    assert (await deis.ok("apps")).startswith("=== Apps\n")


async def test_cli_1_1_who_asks_for_it_is_not_protected(deis: Deis, secure: str) -> None:
    await deis.ok("login", secure, *LOGIN, "--ssl-verify=false")
    assert (await deis.ok("apps")).startswith("=== Apps\n")


async def test_cli_1_1_proxies_of_the_environment_are_used(deis: Deis, recorder: Recorder) -> None:
    log_in(deis, "http://controller.invalid")
    recorder.on("GET", "/v1/apps/?page_size=100", Reply(200, {"count": 0, "results": []}))
    assert await deis.ok("apps", http_proxy=recorder.url) == "=== Apps\n"
    assert recorder.requests[0].headers["Host"] == "controller.invalid"


async def test_client_md_redirects_are_followed_and_the_token_stays_home(
    alice: Deis, recorder: Recorder
) -> None:
    path = "/v1/apps/?page_size=100"
    abroad = recorder.url.replace("127.0.0.1", "localhost")
    recorder.on("GET", path, Reply(301, b"", {"Location": f"{recorder.url}/home"}))
    recorder.on("GET", "/home", Reply(302, b"", {"Location": f"{abroad}/abroad"}))
    recorder.on("GET", "/abroad", Reply(200, {"count": 0, "results": []}))
    assert await alice.ok("apps") == "=== Apps\n"
    home, abroad_request = recorder.requests[1:]
    assert home.headers["Authorization"] == f"token {TOKEN}"
    assert "Authorization" not in abroad_request.headers
