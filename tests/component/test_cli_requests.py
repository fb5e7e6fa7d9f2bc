"""What each command sends, to the byte of its request lines and bodies (client.md)."""

from typing import Any

import pytest

from tests.fixtures.command_line import Deis
from tests.fixtures.recording import TOKEN, Recorder, Reply, page

APP = "/v1/apps/demo"
PAGE = "?page_size=100"
CONTAINERS = ("GET", f"{APP}/containers/{PAGE}", None)
CONFIG = ("GET", f"{APP}/config/", None)


def config(**body: Any) -> list[Any]:
    return [("POST", f"{APP}/config/", body), CONFIG]


def row(words: str, *requests: Any) -> Any:
    return pytest.param(words.split(" "), list(requests), id=words)


ROWS = [
    row("whoami"),
    row("apps:create demo --no-remote", ("POST", "/v1/apps/", {"id": "demo"})),
    row("create --no-remote", ("POST", "/v1/apps/", None)),
    row(
        "create demo --no-remote -b http://b",
        ("POST", "/v1/apps/", {"id": "demo"}),
        ("POST", f"{APP}/config/", {"values": {"BUILDPACK_URL": "http://b"}}),
    ),
    row("apps:list", ("GET", f"/v1/apps/{PAGE}", None)),
    row("apps -l 7", ("GET", "/v1/apps/?page_size=7", None)),
    row(
        "info -a demo",
        ("GET", f"{APP}/", None),
        CONTAINERS,
        ("GET", f"{APP}/domains/{PAGE}", None),
    ),
    row("apps:transfer bob -a demo", ("POST", f"{APP}/", {"owner": "bob"})),
    row("destroy -a demo --confirm=demo", ("DELETE", f"{APP}/", None)),
    row("config:set FOO=bar BAZ=1 -a demo", *config(values={"FOO": "bar", "BAZ": "1"})),
    row("config:set nonsense -a demo", *config()),
    row("config:unset FOO -a demo", *config(values={"FOO": None})),
    row("config -a demo", CONFIG),
    row("limits:set web=128M -a demo", *config(memory={"web": "128M"})),
    row("limits:set --cpu web=512 -a demo", *config(cpu={"web": "512"})),
    row("limits:set nonsense -a demo", *config()),
    row("limits:unset web -a demo", *config(memory={"web": None})),
    row("limits:unset -c web -a demo", *config(cpu={"web": None})),
    row("limits -a demo", CONFIG),
    row("tags:set rack=1 -a demo", *config(tags={"rack": "1"})),
    row("tags:unset rack -a demo", *config(tags={"rack": None})),
    row("tags -a demo", CONFIG),
    row(
        "scale web=2 worker=1 -a demo",
        ("POST", f"{APP}/scale/", {"web": 2, "worker": 1}),
        CONTAINERS,
    ),
    row("scale nonsense -a demo", ("POST", f"{APP}/scale/", {}), CONTAINERS),
    row("ps:restart -a demo", ("POST", f"{APP}/containers/restart/", None), CONTAINERS),
    row("ps:restart web -a demo", ("POST", f"{APP}/containers/web/restart/", None), CONTAINERS),
    row(
        "ps:restart web.1 -a demo",
        ("POST", f"{APP}/containers/web/1/restart/", None),
        CONTAINERS,
    ),
    row("ps -a demo -l 3", ("GET", f"{APP}/containers/?page_size=3", None)),
    row("logs -a demo", ("GET", f"{APP}/logs", None)),
    row("logs -n 50 -a demo", ("GET", f"{APP}/logs?log_lines=50", None)),
    row("releases -a demo", ("GET", f"{APP}/releases/{PAGE}", None)),
    row("releases:info v1 -a demo", ("GET", f"{APP}/releases/v1/", None)),
    row("rollback v1 -a demo", ("POST", f"{APP}/releases/rollback/", {"version": 1})),
    row("releases:rollback -a demo", ("POST", f"{APP}/releases/rollback/", None)),
    row("domains -a demo", ("GET", f"{APP}/domains/{PAGE}", None)),
    row(
        "domains:add www.example.com -a demo",
        ("POST", f"{APP}/domains/", {"domain": "www.example.com"}),
    ),
    row(
        "domains:remove www.example.com -a demo",
        ("DELETE", f"{APP}/domains/www.example.com", None),
    ),
    row("certs", ("GET", f"/v1/certs/{PAGE}", None)),
    row("certs:remove www.example.com", ("DELETE", "/v1/certs/www.example.com", None)),
    row("sharing -a demo", ("GET", f"{APP}/perms/", None)),
    row("perms:list --admin", ("GET", f"/v1/admin/perms/{PAGE}", None)),
    row("perms --admin -l 5", ("GET", "/v1/admin/perms/?page_size=5", None)),
    row("sharing:add bob -a demo", ("POST", f"{APP}/perms/", {"username": "bob"})),
    row("perms:create bob --admin", ("POST", "/v1/admin/perms/", {"username": "bob"})),
    row("sharing:remove bob -a demo", ("DELETE", f"{APP}/perms/bob", None)),
    row("perms:delete bob --admin", ("DELETE", "/v1/admin/perms/bob", None)),
    row("keys", ("GET", f"/v1/keys/{PAGE}", None)),
    row("keys:remove alice@box", ("DELETE", "/v1/keys/alice@box", None)),
    row("builds -a demo", ("GET", f"{APP}/builds/{PAGE}", None)),
    row("builds:create bb -a demo", ("POST", f"{APP}/builds/", {"image": "bb"})),
    row("users", ("GET", f"/v1/users/{PAGE}", None)),
    row("auth:regenerate", ("POST", "/v1/auth/tokens/", None)),
    row("auth:regenerate -u bob", ("POST", "/v1/auth/tokens/", {"username": "bob"})),
    row("auth:regenerate --all", ("POST", "/v1/auth/tokens/", {"all": True})),
    row(
        "passwd --password old --new-password new",
        ("POST", "/v1/auth/passwd/", {"password": "old", "new_password": "new"}),
    ),
    row(
        "passwd --username bob --new-password new",
        ("POST", "/v1/auth/passwd/", {"username": "bob", "new_password": "new"}),
    ),
    row(
        "auth:cancel --username alice --password pw --yes",
        ("GET", "/v1/", None),
        ("POST", "/v1/auth/login/", {"username": "alice", "password": "pw"}),
        ("DELETE", "/v1/auth/cancel/", {"username": "alice"}),
    ),
    row("auth:cancel --username bob --yes", ("DELETE", "/v1/auth/cancel/", {"username": "bob"})),
    row("git:remote -a demo", ("GET", f"{APP}/", None)),
]


@pytest.mark.parametrize(("words", "requests"), ROWS)
async def test_client_md_requests_of_each_command(
    alice: Deis, recorder: Recorder, words: list[str], requests: list[Any]
) -> None:
    await alice(*words)
    assert recorder.lines == requests


async def test_client_md_run_posts_without_slash_and_joins_the_words(
    alice: Deis, recorder: Recorder
) -> None:
    assert (await alice("run", "-a", "demo", "--", "ls", "-la")).status == 3
    assert recorder.lines == [("POST", f"{APP}/run", {"command": "ls -la"})]


async def test_client_md_pull_sends_the_procfile(alice: Deis, recorder: Recorder) -> None:
    await alice("pull", "bb", "-a", "demo", "--procfile", "web: sleep 1")
    body = {"image": "bb", "procfile": {"web": "sleep 1"}}
    assert recorder.lines == [("POST", f"{APP}/builds/", body)]


async def test_client_md_register_probes_registers_and_logs_in(
    deis: Deis, recorder: Recorder
) -> None:
    account = ["--username=alice", "--password=pw", "--email=a@b.c"]
    await deis.ok("register", recorder.url, *account)
    probe, register, login = recorder.requests
    assert probe.line == ("GET", "/v1/", None)
    assert "Authorization" not in probe.headers
    assert "Content-Type" not in probe.headers
    body = {"username": "alice", "password": "pw", "email": "a@b.c"}
    assert register.line == ("POST", "/v1/auth/register/", body)
    assert "Authorization" not in register.headers
    assert login.line == ("POST", "/v1/auth/login/", {"username": "alice", "password": "pw"})


async def test_client_md_register_sends_the_token_of_a_saved_login(
    alice: Deis, recorder: Recorder
) -> None:
    account = ["--username=bob", "--password=pw", "--email=a@b.c"]
    await alice.ok("register", recorder.url, *account)
    probe, register, login = recorder.requests
    assert register.headers["Authorization"] == f"token {TOKEN}"
    assert "Authorization" not in probe.headers
    assert "Authorization" not in login.headers


async def test_client_md_certs_add_reads_files_and_posts_once_a_name(
    alice: Deis, recorder: Recorder
) -> None:
    (alice.cwd / "c").write_text("cert\n")
    (alice.cwd / "k").write_text("key\n")
    body = {"certificate": "cert\n", "key": "key\n"}
    await alice.ok("certs:add", "c", "k")
    await alice.ok("certs:add", "c", "k", "--common-name", "x.com")
    await alice.ok("certs:add", "c", "k", "--subject-alt-names=a.com,b.com")
    assert recorder.lines == [
        ("POST", "/v1/certs/", body),
        ("POST", "/v1/certs/", body | {"common_name": "x.com"}),
        ("POST", "/v1/certs/", body | {"common_name": "a.com"}),
        ("POST", "/v1/certs/", body | {"common_name": "b.com"}),
    ]


async def test_client_md_keys_add_sends_the_whole_file(alice: Deis, recorder: Recorder) -> None:
    text = "ssh-ed25519 AAAAC3NzaC1lZDI1 alice@box\n"
    (alice.cwd / "id.pub").write_text(text)
    await alice.ok("keys:add", "id.pub")
    (alice.cwd / "other.key.pub").write_text("ssh-rsa AAAAB3Nza\n")
    await alice.ok("keys:add", "other.key.pub")
    assert recorder.lines == [
        ("POST", "/v1/keys/", {"id": "alice@box", "public": text}),
        ("POST", "/v1/keys/", {"id": "other", "public": "ssh-rsa AAAAB3Nza\n"}),
    ]


async def test_client_md_headers_of_every_request(alice: Deis, recorder: Recorder) -> None:
    await alice.ok("apps")
    await alice.ok("ps:restart", "-a", "demo")
    get, post, _ = recorder.requests
    for request in (get, post):
        assert request.headers["User-Agent"] == "Deis Client v1.13.4"
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Authorization"] == f"token {TOKEN}"
        assert request.headers["Connection"].lower() == "close"
    assert "Content-Length" not in get.headers
    assert post.headers["Content-Length"] == "0"


async def test_client_md_pipes_never_ask_for_an_operation(alice: Deis, recorder: Recorder) -> None:
    await alice.ok("config:set", "A=1", "-a", "demo")
    assert all("Prefer" not in request.headers for request in recorder.requests)


@pytest.mark.parametrize("status", [200, 403, 404, 405, 500])
async def test_client_md_only_401_is_a_controller(
    deis: Deis, recorder: Recorder, status: int
) -> None:
    recorder.on("GET", "/v1/", Reply(status, {}))
    ran = await deis("login", recorder.url, "--username=alice", "--password=pw")
    assert ran.status == 1
    assert ran.err == (
        f"Error: {recorder.url} does not appear to be a valid Deis controller.\n"
        "Make sure that the Controller URI is correct, the server is running and\n"
        "your client version is correct.\n"
    )


async def test_client_md_another_api_version_is_warned_of_on_stdout(
    alice: Deis, recorder: Recorder
) -> None:
    recorder.on("GET", "/v1/apps/?page_size=100", Reply(200, page(), {"DEIS_API_VERSION": "1.6"}))
    warning = (
        "!    WARNING: Client and server API versions do not match. Please consider upgrading.\n"
        "!    Client version: 1.7\n"
        "!    Server version: 1.6\n"
    )
    assert await alice.ok("apps") == warning + "=== Apps\n"
    listed = await alice("apps", "--json")
    assert (listed.status, listed.out, listed.err) == (0, "[]\n", warning)


async def test_client_md_replies_that_it_insists_on(alice: Deis, recorder: Recorder) -> None:
    recorder.on("GET", "/v1/apps/?page_size=100", Reply(200, [1]))
    assert (await alice("apps")).status == 1
    recorder.on("GET", "/v1/apps/?page_size=100", Reply(200, page({"name": "x"})))
    ran = await alice("apps")
    assert (ran.status, ran.err) == (1, "Error: The controller's answer lacks 'id'.\n")
    recorder.on("POST", f"{APP}/config/", Reply(201, b"junk"))
    assert (await alice("config:set", "A=1", "-a", "demo")).status == 1
    recorder.on("POST", f"{APP}/run", Reply(200, {"rc": 1}))
    assert (await alice("run", "-a", "demo", "ls")).status == 1
    recorder.on("POST", f"{APP}/scale/", Reply(200, b"junk"))
    assert (await alice("scale", "web=1", "-a", "demo")).status == 0
