"""`deis` and accounts, over real HTTP against the API (cli.md 2, auth)."""

import json
import stat
from collections.abc import Callable

import pytest

from tests.fixtures.command_line import Deis
from tests.fixtures.control import Api, Client
from tests.fixtures.recording import TOKEN, Recorder, Reply, log_in

NOT_LOGGED_IN = "Error: Not logged in. Use 'deis login' or 'deis register' to get started.\n"


async def test_cli_2_auth_register_asks_for_what_is_missing(api: Api, deis: Deis) -> None:
    typed = "alice\nsecret\nsecret\nalice@example.com\n"
    shown = await deis.ok("auth:register", api.anonymous.url, stdin=typed)
    assert shown == (
        "username: password: \npassword (confirm): \nemail: Registered alice\nLogged in as alice\n"
    )


async def test_cli_2_auth_register_needs_nothing_more_than_its_options(
    api: Api, deis: Deis
) -> None:
    account = ["--username=alice", "--email=a@example.com"]
    shown = await deis.ok("register", api.anonymous.url, *account, DEIS_PASSWORD="secret")
    assert shown == "Registered alice\nLogged in as alice\n"


async def test_cli_2_auth_register_tells_of_a_slip(api: Api, deis: Deis) -> None:
    ran = await deis("register", api.anonymous.url, "--username=alice", stdin="one\ntwo\n")
    assert ran.status == 1
    assert ran.err == "Error: Password mismatch, aborting registration.\n"


async def test_cli_2_auth_register_failure_has_its_prefix_on_stderr(
    api: Api, bob: Client, deis: Deis
) -> None:
    account = ["--username=bob", "--password=x", "--email=b@example.com"]
    ran = await deis("register", api.anonymous.url, *account)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        "Registration failed: Error: \n400 BAD REQUEST\nusername: This field must be unique.\n\n"
    )


async def test_cli_1_1_the_profile_is_the_owners_alone(api: Api, bob: Client, deis: Deis) -> None:
    await login(deis, api, "bob")
    folder = deis.home / "profile"
    file = folder / "client.json"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    saved = json.loads(file.read_text())
    assert len(saved.pop("token")) == 40
    assert saved == {
        "username": "bob",
        "ssl_verify": True,
        "controller": api.anonymous.url,
        "response_limit": 100,
    }


async def test_cli_1_1_profiles_stand_beside_each_other(api: Api, bob: Client, deis: Deis) -> None:
    await login(deis, api, "bob")
    other = await deis("whoami", DEIS_PROFILE="other")
    assert (other.status, other.err) == (1, NOT_LOGGED_IN)
    assert await deis.ok("whoami") == f"You are bob at {api.anonymous.url}\n"


async def test_cli_1_1_a_url_without_a_scheme_gets_http(api: Api, bob: Client, deis: Deis) -> None:
    address = api.anonymous.url.removeprefix("http://")
    assert await deis.ok("login", address, "--username=bob", "--password=secret") == (
        "Logged in as bob\n"
    )
    assert await deis.ok("whoami") == f"You are bob at {api.anonymous.url}\n"


async def test_cli_2_auth_login_asks(api: Api, bob: Client, deis: Deis) -> None:
    shown = await deis.ok("auth:login", api.anonymous.url, stdin="bob\nsecret\n")
    assert shown == "username: password: \nLogged in as bob\n"


async def test_cli_2_auth_login_with_a_wrong_password(api: Api, bob: Client, deis: Deis) -> None:
    ran = await deis("login", api.anonymous.url, "--username=bob", "--password=wrong")
    assert ran.status == 1
    assert ran.err == (
        "Error: \n400 BAD REQUEST\n"
        "non_field_errors: Unable to log in with provided credentials.\n\n"
    )


async def test_cli_2_auth_login_where_nobody_listens(deis: Deis) -> None:
    ran = await deis("login", "http://127.0.0.1:1", "--username=bob", "--password=x")
    assert ran.status == 1
    assert ran.out.startswith("http://127.0.0.1:1 does not appear to be a valid Deis controller.\n")
    assert ran.err.startswith("Error: http://127.0.0.1:1 does not answer: ")


async def test_cli_2_auth_logout_also_when_not_logged_in(api: Api, bob: Client, deis: Deis) -> None:
    await login(deis, api, "bob")
    assert await deis.ok("auth:logout") == "Logged out\n"
    assert await deis.ok("logout") == "Logged out\n"
    assert (await deis("apps")).err == NOT_LOGGED_IN


async def test_cli_2_auth_whoami_asks_nobody(alice: Deis, recorder: Recorder) -> None:
    assert await alice.ok("auth:whoami") == f"You are alice at {recorder.url}\n"
    assert json.loads(await alice.ok("whoami", "--json")) == {
        "username": "alice",
        "controller": recorder.url,
    }
    assert recorder.requests == []


async def test_cli_2_auth_passwd_asks(alice: Deis, recorder: Recorder) -> None:
    shown = await alice.ok("auth:passwd", stdin="old\nnew\nnew\n")
    assert shown == (
        "current password: \nnew password: \nnew password (confirm): \nPassword change succeeded.\n"
    )
    assert recorder.lines[0][2] == {"password": "old", "new_password": "new"}


async def test_cli_2_auth_passwd_of_another_user_asks_for_the_new_one_only(
    alice: Deis, recorder: Recorder
) -> None:
    shown = await alice.ok("passwd", "--username=bob", stdin="n\nn\n", DEIS_PASSWORD="mine")
    assert shown.startswith("new password: \n")
    assert recorder.lines[0][2] == {"username": "bob", "new_password": "n"}


async def test_cli_2_auth_passwd_by_the_environment(alice: Deis, recorder: Recorder) -> None:
    await alice.ok("passwd", DEIS_PASSWORD="old", DEIS_NEW_PASSWORD="new")
    assert recorder.lines[0][2] == {"password": "old", "new_password": "new"}


async def test_cli_2_auth_passwd_failures(alice: Deis, recorder: Recorder) -> None:
    slip = await alice("passwd", "--password=a", stdin="one\ntwo\n")
    assert (slip.status, slip.err) == (1, "Error: Password mismatch, not changing.\n")
    recorder.on(
        "POST", "/v1/auth/passwd/", Reply(400, {"detail": "Current password does not match"})
    )
    ran = await alice("passwd", "--password=a", "--new-password=b")
    assert ran.err == (
        "Password change failed: Error: \n400 Bad Request\n"
        "detail: Current password does not match\n\n"
    )


async def test_cli_2_auth_cancel_logs_in_asks_and_forgets_the_login(
    alice: Deis, recorder: Recorder
) -> None:
    ran = await alice("auth:cancel", stdin="alice\npw\nn\n")
    question = f"cancel account alice at {recorder.url}? (y/N): "
    told = "Please log in again in order to cancel this account\n"
    asked = f"username: password: \nLogged in as alice\n{question}"
    assert (ran.status, ran.out, ran.err) == (0, told + asked, "Account not changed\n")
    shown = await alice.ok("auth:cancel", stdin="alice\npw\ny\n")
    assert shown == f"{told}{asked}Account cancelled\n"
    assert recorder.lines[-1] == ("DELETE", "/v1/auth/cancel/", None)
    assert (await alice("whoami")).err == NOT_LOGGED_IN


async def test_cli_2_auth_cancel_of_another_keeps_the_login(alice: Deis) -> None:
    await alice.ok("auth:cancel", "--username=bob", "--yes")
    assert (await alice("whoami")).status == 0


async def test_cli_2_auth_cancel_with_apps_is_a_plain_error(
    alice: Deis, recorder: Recorder
) -> None:
    detail = "alice still has applications assigned. Delete or transfer ownership"
    recorder.on("DELETE", "/v1/auth/cancel/", Reply(409, {"detail": detail}))
    ran = await alice("auth:cancel", "--username=alice", "--yes")
    assert (ran.status, ran.err) == (1, f"Error: \n409 Conflict\ndetail: {detail}\n\n")
    assert (await alice("whoami")).status == 0


async def test_cli_2_auth_regenerate_keeps_the_new_token(api: Api, bob: Client, deis: Deis) -> None:
    await login(deis, api, "bob")
    bob.token = json.loads((deis.home / "profile" / "client.json").read_text())["token"]
    assert await deis.ok("auth:regenerate") == "Token Regenerated\n"
    assert await deis.ok("apps") == "=== Apps\n"
    assert (await bob.get("/v1/apps/")).status == 401


@pytest.mark.parametrize("words", [["-u", "bob"], ["--all"]])
async def test_cli_2_auth_regenerate_of_others_keeps_the_old_one(
    alice: Deis, words: list[str]
) -> None:
    await alice.ok("auth:regenerate", *words)
    saved = json.loads((alice.home / "profile" / "client.json").read_text())
    assert saved["token"] == TOKEN


async def test_cli_2_auth_regenerate_all_is_a_flag(alice: Deis) -> None:
    ran = await alice("auth:regenerate", "--all=true")
    assert ran.status == 1
    assert ran.out.startswith("Usage: deis auth:regenerate")


@pytest.mark.parametrize("group", ["auth", "git"])
async def test_cli_1_groups_without_a_list_print_their_table(deis: Deis, group: str) -> None:
    shown = await deis.ok(group)
    assert shown.startswith(f"Valid commands for {group}:\n")
    assert shown == await deis.ok("help", group) == await deis.ok(group, "--help")


async def test_an_ended_token_is_a_401(
    api: Api, bob: Client, new_deis: Callable[[str], Deis]
) -> None:
    somebody = new_deis("somebody")
    log_in(somebody, api.anonymous.url, "0" * 40)
    ran = await somebody("apps")
    assert (ran.status, ran.err) == (1, "Error: \n401 UNAUTHORIZED\ndetail: Invalid token\n\n")


async def login(deis: Deis, api: Api, name: str) -> None:
    url = api.anonymous.url
    shown = await deis.ok("login", url, f"--username={name}", "--password=secret")
    assert shown == f"Logged in as {name}\n"
