"""What each command prints into a pipe, to the byte (cli.md part 1)."""

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.command_line import SPINNER, Deis, untimed
from tests.fixtures.recording import KEY, STAMP, Recorder, Reply, page

APP = "/v1/apps/demo"
CONFIG = "=== demo Config\nFOO      bar\n"
LIMITS = "=== demo Limits\n\n--- Memory\nweb     128M\n\n--- CPU\nweb     512\n"
TAGS = "=== demo Tags\nrack     1\n"
PROCESSES = "=== demo Processes\n--- web:\nweb.1 up (v2)\n"
UUID = "6f1d2c3b-0000-4000-8000-00000000000"


def row(words: str, text: str) -> Any:
    return pytest.param(words.split(" "), text, id=words)


ROWS = [
    row("apps:list", "=== Apps\nanother\ndemo\n"),
    row(
        "apps:info -a demo",
        "=== demo Application\n"
        f"updated:  {STAMP}\n"
        f"uuid:     {UUID}1\n"
        f"created:  {STAMP}\n"
        "url:      demo.example.com\n"
        "owner:    alice\n"
        "id:       demo\n"
        f"\n{PROCESSES}\n"
        "=== demo Domains\nwww.example.com\n\n",
    ),
    row("apps:transfer bob -a demo", "Transferring demo to bob... done\n"),
    row(
        "apps:logs -a demo",
        "\033[36mt demo[web.1]: hello\033[0m\n\033[36mt demo[web.1]: x\033[0m\n",
    ),
    row("apps:destroy -a demo --confirm=demo", "Destroying demo...\ndone in 0s\n"),
    row("auth:regenerate", "Token Regenerated\n"),
    row("auth:regenerate -u bob", "Token Regenerated\n"),
    row("passwd --password=a --new-password=b", "Password change succeeded.\n"),
    row("auth:cancel --username=bob --yes", "Account cancelled\n"),
    row("ps -a demo", PROCESSES),
    row(
        "ps:scale web=2 -a demo",
        f"Scaling processes... but first, coffee!\n{SPINNER}done in 0s\n{PROCESSES}",
    ),
    row(
        "ps:restart web.1 -a demo",
        f"Restarting processes... but first, coffee!\n{SPINNER}done in 0s\n{PROCESSES}",
    ),
    row(
        "ps:scale web -a demo",
        "'web' does not match the pattern 'type=num', ex: web=2\n"
        f"Scaling processes... but first, coffee!\n{SPINNER}done in 0s\n{PROCESSES}",
    ),
    row("config -a demo", CONFIG),
    row("config:list --oneline -a demo", "FOO=bar \n"),
    row("config:set A=1 -a demo", f"Creating config... {SPINNER}done\n\n{CONFIG}"),
    row(
        "config:set =x -a demo",
        "'=x' does not match the pattern 'key=var', ex: MODE=test\n"
        f"Creating config... {SPINNER}done\n\n{CONFIG}",
    ),
    row("config:unset A -a demo", f"Removing config... {SPINNER}done\n\n{CONFIG}"),
    row("limits -a demo", LIMITS),
    row("limits:set web=1G -a demo", f"Applying limits... {SPINNER}done\n\n{LIMITS}"),
    row(
        "limits:set web=1.5G -a demo",
        "web=1.5G doesn't fit format type=#unit or type=#\n"
        "Examples: web=2G worker=500M web=300\n"
        f"Applying limits... {SPINNER}done\n\n{LIMITS}",
    ),
    row("limits:unset -c web -a demo", f"Applying limits... {SPINNER}done\n\n{LIMITS}"),
    row("tags -a demo", TAGS),
    row("tags:set rack=1 -a demo", f"Applying tags... {SPINNER}done\n\n{TAGS}"),
    row(
        "tags:set a=b=c -a demo",
        "a=b=c is invalid, Must be in format key=value\n"
        "Examples: rack=1 evironment=production\n"
        f"Applying tags... {SPINNER}done\n\n{TAGS}",
    ),
    row("tags:unset rack -a demo", f"Applying tags... {SPINNER}done\n\n{TAGS}"),
    row(
        "domains:add www.example.com -a demo",
        f"Adding www.example.com to demo... {SPINNER}done\n",
    ),
    row("domains -a demo", "=== demo Domains\nwww.example.com\n"),
    row(
        "domains:remove www.example.com -a demo",
        f"Removing www.example.com from demo... {SPINNER}done\n",
    ),
    row("builds -a demo", f"=== demo Builds\n{UUID}5 {STAMP}\n"),
    row("builds:create bb -a demo", f"Creating build... {SPINNER}done\n"),
    row("releases -a demo", f"=== demo Releases\nv1\t{STAMP}\talice created initial release\n"),
    row(
        "releases:info 1 -a demo",
        "=== demo Release v1\n"
        f"config:  {UUID}2\n"
        "owner:   alice\n"
        f"created: {STAMP}\n"
        "summary: alice created initial release\n"
        f"updated: {STAMP}\n"
        f"uuid:    {UUID}4\n",
    ),
    row("rollback -a demo", f"Rolling back one release... {SPINNER}done, v3\n"),
    row("releases:rollback v1 -a demo", f"Rolling back to v1... {SPINNER}done, v3\n"),
    row(
        "certs",
        "Common Name         Expires\n"
        "---------------     ----------------------\n"
        f"www.example.com     {STAMP}\n",
    ),
    row("certs:remove www.example.com", f"Removing www.example.com... {SPINNER}done\n"),
    row("keys", "=== alice Keys\nalice@box ssh-ed25519 AAAA...alice@box\n\n"),
    row("keys:remove alice@box", "Removing alice@box SSH Key... done\n"),
    row("perms -a demo", "=== demo's Users\nbob\ncarol\n"),
    row("perms --admin", "=== Administrators\nalice\n"),
    row("perms:create bob -a demo", "Adding bob to demo collaborators... done\n"),
    row("perms:create bob --admin", "Adding bob to system administrators... done\n"),
    row("perms:delete bob -a demo", "Removing bob from demo collaborators... done\n"),
    row("perms:delete bob --admin", "Removing bob from system administrators... done\n"),
    row("users", "=== Users\nBob\nalice\n"),
    row("version", "1.13.4\n"),
]


@pytest.mark.parametrize(("words", "text"), ROWS)
async def test_cli_2_text_of_each_command(alice: Deis, words: list[str], text: str) -> None:
    assert untimed(await alice.ok(*words)) == text


async def test_cli_2_apps_run_prints_verbatim_and_ends_as_the_command(
    alice: Deis, recorder: Recorder
) -> None:
    ran = await alice("apps:run", "-a", "demo", "ls", "-a", "demo")
    assert (ran.status, ran.out, ran.err) == (3, "Running 'ls'...\nout\nput", "")
    recorder.on("POST", f"{APP}/run", Reply(200, b'[0, "\\u00e9\\u0001\\r\\n"]'))
    assert await alice.ok("run", "-a", "demo", "--", "x", "-y") == ("Running 'x -y'...\né\x01\r\n")


async def test_cli_2_apps_run_wants_two_dashes_before_options(alice: Deis) -> None:
    ran = await alice("run", "-a", "demo", "ls", "-la")
    assert ran.status == 1
    assert ran.out.startswith("Usage: deis apps:run")


async def test_cli_1_a_short_list_says_so(alice: Deis, recorder: Recorder) -> None:
    recorder.on("GET", "/v1/keys/?page_size=1", Reply(200, page(KEY, count=250)))
    assert (await alice.ok("keys", "-l", "1")).startswith("=== alice Keys (1 of 250)\n")


async def test_cli_1_1_the_profiles_limit_is_the_pages_size(
    alice: Deis, recorder: Recorder
) -> None:
    file = alice.home / "profile" / "client.json"
    saved = json.loads(file.read_text())
    file.write_text(json.dumps(saved | {"response_limit": 7}))
    await alice.ok("apps")
    file.write_text(json.dumps(saved | {"response_limit": -1}))
    await alice.ok("apps")
    assert [path for _, path, _ in recorder.lines] == [
        "/v1/apps/?page_size=7",
        "/v1/apps/?page_size=100",
    ]


async def test_cli_1_2_the_drink_is_a_matter_of_choice(alice: Deis) -> None:
    shown = await alice.ok("scale", "web=1", "-a", "demo", DEIS_DRINK_OF_CHOICE="tea")
    assert shown.startswith("Scaling processes... but first, tea!\n")


async def test_cli_2_certs_list_without_any(alice: Deis, recorder: Recorder) -> None:
    recorder.on("GET", "/v1/certs/?page_size=100", Reply(200, page()))
    assert await alice.ok("certs") == "No certs\n"


async def test_cli_2_certs_remove_tells_of_errors(alice: Deis) -> None:
    ran = await alice("certs:remove", "unknown.com")
    assert (ran.status, ran.out) == (1, f"Removing unknown.com... {SPINNER}")
    assert ran.err == "Error: \n404 NOT FOUND\ndetail: Not found\n\n".replace(
        "NOT FOUND", "Not Found"
    )


@pytest.mark.parametrize("command", ["limits", "tags", "releases", "config:pull"])
async def test_cli_2_swallowed_errors_are_told(alice: Deis, command: str) -> None:
    ran = await alice(command, "-a", "unknown")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("Error: \n404 ")


async def test_cli_2_limits_list_unlimited(alice: Deis, recorder: Recorder) -> None:
    recorder.on("GET", f"{APP}/config/", Reply(200, {"memory": {}, "cpu": {}}))
    shown = await alice.ok("limits", "-a", "demo")
    assert shown == "=== demo Limits\n\n--- Memory\nUnlimited\n\n--- CPU\nUnlimited\n"


async def test_cli_2_limits_unset_takes_one_kind(alice: Deis) -> None:
    assert (await alice("limits:unset", "-c", "-m", "web", "-a", "demo")).status == 1


async def test_cli_2_config_set_names_the_release(alice: Deis, recorder: Recorder) -> None:
    recorder.on("POST", f"{APP}/config/", Reply(201, {"values": {"DEIS_RELEASE": "v3"}}))
    shown = await alice.ok("config:set", "A=1", "-a", "demo")
    assert shown == f"Creating config... {SPINNER}done, v3\n\n{CONFIG}"


async def test_cli_2_config_set_takes_a_private_key_from_a_file(
    alice: Deis, recorder: Recorder
) -> None:
    (alice.cwd / "id_rsa").write_text("-----BEGIN RSA PRIVATE KEY-----\nx\n")
    await alice.ok("config:set", "SSH_KEY=id_rsa", "-a", "demo")
    encoded = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQp4Cg=="
    assert recorder.lines[0][2] == {"values": {"SSH_KEY": encoded}}
    ran = await alice("config:set", "SSH_KEY=no key", "-a", "demo")
    assert ran.status == 1
    assert ran.err.startswith("Error: Could not parse SSH private key:\n")
    assert "no key" not in ran.err


async def test_cli_2_config_pull_writes_env_for_its_owner(alice: Deis) -> None:
    assert await alice.ok("config:pull", "-a", "demo") == ""
    env = alice.cwd / ".env"
    assert env.read_text() == "FOO=bar\n"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    again = await alice("config:pull", "-a", "demo")
    assert (again.status, again.err) == (1, "Error: .env already exists, pass -o to overwrite\n")
    assert (await alice("config:pull", "-a", "demo", "-i")).status == 1


@pytest.mark.parametrize(("answer", "value"), [("y\n", "bar"), ("Y\n", "bar"), ("\n", "old")])
async def test_cli_2_config_pull_asks_for_each_difference(
    alice: Deis, answer: str, value: str
) -> None:
    (alice.cwd / ".env").write_text("FOO=old\nMINE=1\n")
    shown = await alice.ok("config:pull", "-a", "demo", "-i", "-o", stdin=answer)
    assert shown == "FOO: overwrite old with bar? (y/N) "
    assert (alice.cwd / ".env").read_text() == f"FOO={value}\nMINE=1\n"


async def test_cli_2_config_push_reads_env_to_its_end(alice: Deis, recorder: Recorder) -> None:
    (alice.cwd / ".env").write_text("# mine\n\nA=1\nnonsense\nB=2")
    shown = await alice.ok("config:push", "-a", "demo")
    assert shown.startswith("'nonsense' does not match the pattern 'key=var', ex: MODE=test\n")
    assert recorder.lines[0][2] == {"values": {"A": "1", "B": "2"}}
    ran = await alice("config:push", "-a", "demo", "-p", "missing")
    assert ran.status == 1


async def test_cli_2_destroy_asks_and_does_not_take_any_answer(
    alice: Deis, recorder: Recorder
) -> None:
    warning = (
        " !    WARNING: Potentially Destructive Action\n"
        " !    This command will destroy the application: demo\n"
        ' !    To proceed, type "demo" or re-run this command with --confirm=demo\n'
        "\n> "
    )
    ran = await alice("destroy", "-a", "demo", stdin="other\n")
    assert (ran.status, ran.out) == (1, warning)
    assert ran.err == "Error: App demo does not match confirm other, aborting.\n"
    assert recorder.requests == []
    shown = await alice.ok("destroy", "-a", "demo", stdin="demo\n")
    assert untimed(shown) == f"{warning}Destroying demo...\ndone in 0s\n"


async def test_cli_2_keys_add_offers_the_keys_of_the_home(alice: Deis, recorder: Recorder) -> None:
    ssh = alice.home / ".ssh"
    ssh.mkdir()
    (ssh / "a.pub").write_text("ssh-ed25519 AAAAC3 alice@box\n")
    (ssh / "b.pub").write_text("nonsense")
    (ssh / "c.d.pub").write_text("ecdsa-sha2-nistp256 AAAAE2\n")
    menu = (
        f"{ssh}/b.pub is not a valid ssh key\n"
        "Found the following SSH public keys:\n"
        "1) a.pub alice@box\n"
        "2) c.d.pub c\n"
        "0) Enter path to pubfile (or use keys:add <key_path>)\n"
        "Which would you like to use with Deis? "
    )
    assert await alice.ok("keys:add", stdin="2\n") == menu + "Uploading c.d.pub to deis... done\n"
    asked = "Enter the path to the pubkey file: Uploading a.pub to deis... done\n"
    assert await alice.ok("keys:add", stdin=f"0\n{ssh}/a.pub\n") == menu + asked
    ran = await alice("keys:add", stdin="9\n")
    assert (ran.status, ran.err) == (1, "Error: 9 is not a valid option\n")
    assert [body["id"] for _, _, body in recorder.lines] == ["c", "alice@box"]


async def test_cli_2_keys_add_refuses_what_is_no_key(alice: Deis) -> None:
    (alice.cwd / "x.pub").write_text("hello")
    ran = await alice("keys:add", "x.pub")
    assert (ran.status, ran.err) == (1, "Error: x.pub is not a valid ssh key\n")


async def test_cli_2_keys_add_ends_its_line_before_an_error(
    alice: Deis, recorder: Recorder
) -> None:
    recorder.on("POST", "/v1/keys/", Reply(400, {"public": ["This field must be unique."]}))
    (alice.cwd / "x.pub").write_text(str(KEY["public"]))
    ran = await alice("keys:add", "x.pub")
    assert (ran.status, ran.out) == (1, "Uploading x.pub to deis...\n")
    assert ran.err == "Error: \n400 Bad Request\npublic: This field must be unique.\n\n"


async def test_cli_2_open_starts_a_browser(alice: Deis) -> None:
    browser = alice.cwd / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{alice.cwd}/opened\n')
    browser.chmod(0o755)
    assert await alice.ok("open", "-a", "demo", BROWSER=f"{browser} %s") == ""
    assert (alice.cwd / "opened").read_text() == "http://demo.example.com\n"


async def test_cli_2_builds_create_takes_the_procfile_of_the_folder(
    alice: Deis, recorder: Recorder
) -> None:
    (alice.cwd / "Procfile").write_text("web: serve\n")
    await alice.ok("builds:create", "bb", "-a", "demo")
    assert recorder.lines[0][2] == {"image": "bb", "procfile": {"web": "serve"}}


async def test_cli_1_errors_are_the_status_line_and_messages(
    alice: Deis, recorder: Recorder
) -> None:
    body = {"id": ["One.", "Two."], "detail": "x"}
    recorder.on("POST", "/v1/apps/", Reply(400, body))
    ran = await alice("create", "demo", "--no-remote")
    assert (ran.status, ran.out) == (1, f"Creating Application... {SPINNER}")
    assert ran.err == "Error: \n400 Bad Request\nid: One.\nid: Two.\ndetail: x\n\n"
    recorder.on("GET", "/v1/apps/?page_size=100", Reply(502, b"<html>"))
    assert (await alice("apps")).err == "Error: \n502 Bad Gateway\n<html>\n\n"


async def test_cli_1_the_app_comes_from_the_remote_or_the_folder(
    alice: Deis, recorder: Recorder
) -> None:
    folder = alice.cwd.parent / "Demo"
    folder.mkdir()
    alice.cwd = folder
    assert await alice.ok("config") == CONFIG
    await git(alice.cwd, "init", "-q")
    host = recorder.url.split("//")[1].split(":")[0]
    await git(alice.cwd, "remote", "add", "other", "ssh://git@elsewhere.com/x.git")
    await git(alice.cwd, "remote", "add", "deis", f"ssh://git@{host}:2222/another.git")
    ran = await alice("config")
    assert ran.status == 1
    assert recorder.lines[-1][1] == "/v1/apps/another/config/"


async def test_cli_2_apps_create_adds_the_remote(alice: Deis) -> None:
    await git(alice.cwd, "init", "-q")
    url = "ssh://git@127.0.0.1:2222/demo.git"
    assert await alice.ok("create", "demo") == (
        f"Creating Application... {SPINNER}done, created demo\n"
        f"Git remote deis added\nremote available at {url}\n"
    )
    again = await alice("create", "demo", "-r", "deis")
    assert again.status == 1
    assert "remote deis already exists" in again.out
    assert again.err.startswith("Error: exit status ")
    assert await alice.ok("create", "demo", "--no-remote") == (
        f"Creating Application... {SPINNER}done, created demo\nremote available at {url}\n"
    )
    assert await alice.ok("git:remote", "-a", "demo", "-r", "two") == "Git remote two added\n"


async def test_cli_2_destroy_removes_the_remote_when_the_app_came_from_it(alice: Deis) -> None:
    await git(alice.cwd, "init", "-q")
    await alice.ok("create", "demo")
    named = await alice.ok("destroy", "-a", "demo", "--confirm=demo")
    assert untimed(named) == "Destroying demo...\ndone in 0s\n"
    found = await alice.ok("destroy", "--confirm=demo")
    assert untimed(found) == "Destroying demo...\ndone in 0s\nGit remote deis removed\n"


async def test_cli_2_git_remote_outside_a_repository_fails(alice: Deis) -> None:
    ran = await alice("git:remote", "-a", "demo")
    assert (ran.status, ran.err) == (1, "Error: exit status 128\n")
    assert "not a git repository" in ran.out


@pytest.mark.parametrize(("words", "given"), [("foo:bar a --b", "bar a --b"), ("foo a", "a")])
async def test_cli_5_plug_ins(deis: Deis, words: str, given: str) -> None:
    plug_in(deis, "foo")
    ran = await deis(*words.split(" "), stdin="in", PATH=f"{deis.home}:{os.environ['PATH']}")
    assert (ran.status, ran.out, ran.err) == (7, f"{given}|in", "")


@pytest.mark.parametrize("words", ["foo --help", "help foo", "--help foo", "-h foo"])
async def test_cli_1_help_of_a_plug_in_is_its_own(deis: Deis, words: str) -> None:
    plug_in(deis, "foo")
    ran = await deis(*words.split(" "), PATH=f"{deis.home}:{os.environ['PATH']}")
    assert ran.out == "--help|"


def plug_in(deis: Deis, name: str) -> None:
    script = deis.home / f"deis-{name}"
    script.write_text('#!/bin/sh\nprintf "%s|" "$*"; cat; exit 7\n')
    script.chmod(0o755)


async def git(folder: Path, *words: str) -> None:
    process = await asyncio.create_subprocess_exec("git", *words, cwd=folder)
    assert await process.wait() == 0
