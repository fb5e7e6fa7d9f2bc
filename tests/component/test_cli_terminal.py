"""`deis` on a terminal: live phases, colours, tables as wide as the screen, what to do next."""

import asyncio
import re

import pytest

from tests.fixtures.command_line import Deis, plain
from tests.fixtures.recording import (
    APP,
    OPERATION_PATH,
    PHASES,
    RELEASE,
    Recorder,
    Reply,
    accepted,
    ended,
    events,
    page,
)
from tests.fixtures.waiting import eventually

CONFIG_PATH = "/v1/apps/demo/config/"


async def test_a_deploy_shows_its_phases_and_their_times(alice: Deis, recorder: Recorder) -> None:
    recorder.on("POST", CONFIG_PATH, accepted())
    recorder.on("GET", OPERATION_PATH, Reply(stream=events(*PHASES, end=ended())))
    ran = await alice.on_terminal("config:set", "A=1", "-a", "demo")
    assert ran.status == 0
    shown = settled(ran.out)
    assert "Creating config..." in shown
    assert " ✓ queued  1.0s\n ✓ placing: web.1 (v3) on 10.0.0.2  2.0s\n" in shown
    assert " ✓ starting: web.1 (v3)  0s\ndone, v3\n\n=== demo Config\n" in untimed(shown)
    assert recorder.requests[0].headers["Prefer"] == "respond-async"
    assert recorder.requests[1].headers["Accept"] == "text/event-stream"


async def test_what_goes_on_is_seen_while_it_goes_on(alice: Deis, recorder: Recorder) -> None:
    hold = asyncio.Event()
    recorder.on("POST", "/v1/apps/demo/scale/", accepted())
    recorder.on(
        "GET",
        OPERATION_PATH,
        Reply(stream=events(*PHASES), hold=hold),
        Reply(stream=events(end=ended())),
    )
    terminal = await alice.terminal("scale", "web=2", "-a", "demo")
    await eventually(lambda: bool(re.search(r"\.o?\.? starting: .*  [1-9]", terminal.text)))
    hold.set()
    ran = await terminal.ended()
    assert "Scaling processes... but first, coffee!\n" in settled(ran.out)
    assert "done in " in ran.out


async def test_ctrl_c_leaves_the_operation_and_says_how_to_come_back(
    alice: Deis, recorder: Recorder
) -> None:
    hold = asyncio.Event()
    recorder.on("POST", CONFIG_PATH, accepted())
    recorder.on("GET", OPERATION_PATH, Reply(stream=events(*PHASES), hold=hold))
    terminal = await alice.terminal("config:set", "A=1", "-a", "demo")
    await terminal.shows("starting: web.1")
    terminal.type("\x03")
    ran = await terminal.ended()
    hold.set()
    assert ran.status == 130
    assert "Operation 0f1d2c3b goes on.\n  deis operations:watch 0f1d2c3b " in settled(ran.out)
    assert "deis operations:cancel 0f1d2c3b" in ran.out
    assert "Traceback" not in ran.out


async def test_a_failing_deploy_shows_reason_and_log_lines(alice: Deis, recorder: Recorder) -> None:
    reason = "web.1 (v3) ended with code 1. Its last lines:\nno such table\033[2J"
    failed = ended("failed", reason=reason)
    recorder.on("POST", CONFIG_PATH, accepted())
    recorder.on("GET", OPERATION_PATH, Reply(stream=events(*PHASES, end=failed)))
    ran = await alice.on_terminal("config:set", "A=1", "-a", "demo")
    assert ran.status == 1
    shown = settled(ran.out)
    expected = " ✗ starting: web.1 (v3)  0s\nError: config: set A: web.1 (v3) ended"
    assert expected in untimed(shown)
    assert "\n    no such table\\x1b[2J\n" in shown
    assert "deis ps:explain -a demo" in shown


async def test_a_controller_that_only_waits_gets_the_spinner(
    alice: Deis, recorder: Recorder
) -> None:
    ran = await alice.on_terminal("config:set", "A=1", "-a", "demo")
    assert ran.status == 0
    assert "Creating config... ...\b\b\b" in ran.out
    assert plain(ran.out).count("\ndone") == 0
    assert "done\n\n=== demo Config\n" in plain(ran.out)


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
async def test_colour_is_not_forced_on_anybody(alice: Deis, environ: dict[str, str]) -> None:
    assert "\033[1m=== Apps\033[0m" in (await alice.on_terminal("apps")).out
    assert "\033[" not in (await alice.on_terminal("apps", **environ)).out
    assert "\033[3" not in (await alice.on_terminal("logs", "-a", "demo", NO_COLOR="1")).out


@pytest.mark.parametrize("columns", [60, 250])
async def test_tables_are_as_wide_as_the_terminal(
    alice: Deis, recorder: Recorder, columns: int
) -> None:
    summary = "alice added " + ", ".join(f"VALUE{number}" for number in range(20))
    release = RELEASE | {"summary": summary + "\033[2J"}
    recorder.on("GET", "/v1/apps/demo/releases/?page_size=100", Reply(200, page(release)))
    ran = await alice.on_terminal("releases", "-a", "demo", columns=columns)
    title, head, row = plain(ran.out).splitlines()
    assert title == "=== demo Releases"
    assert head.split() == ["RELEASE", "CREATED", "SUMMARY"]
    assert len(row) <= columns
    assert row.endswith("…") if columns == 60 else row.endswith("VALUE19\\x1b[2J")
    assert "\033[2J" not in ran.out


HINTS = [
    (401, "apps", "/v1/apps/?page_size=100", "deis login http"),
    (403, "users", "/v1/users/?page_size=100", "deis perms:list --admin"),
    (403, "config -a demo", CONFIG_PATH, "deis perms:create <you> -a demo"),
    (404, "config -a demo", CONFIG_PATH, "deis apps:list"),
    (404, "releases:info v9 -a demo", "/v1/apps/demo/releases/v9/", "deis releases:list -a demo"),
    (429, "apps", "/v1/apps/?page_size=100", "then try again"),
    (500, "apps", "/v1/apps/?page_size=100", "tell its operator"),
    (503, "config -a demo", CONFIG_PATH, "deis logs -a demo"),
]


@pytest.mark.parametrize(("status", "words", "path", "hint"), HINTS)
async def test_errors_say_what_to_do_next_to_those_who_look(
    alice: Deis, recorder: Recorder, status: int, words: str, path: str, hint: str
) -> None:
    recorder.on("GET", path, Reply(status, {"detail": "No."}))
    looked = await alice.on_terminal(*words.split())
    assert looked.status == 1
    assert hint in plain(looked.out)
    piped = await alice(*words.split())
    assert hint not in piped.err


async def test_an_unreachable_controller_is_named(deis: Deis) -> None:
    ran = await deis.on_terminal("login", "http://127.0.0.1:1", "--username=a", "--password=b")
    assert "http://127.0.0.1:1 does not answer" in ran.out
    assert "Is http://127.0.0.1:1 right" in ran.out


async def test_a_password_is_not_shown_while_it_is_typed(deis: Deis, recorder: Recorder) -> None:
    terminal = await deis.terminal("login", recorder.url)
    await terminal.shows("username: ")
    terminal.type("alice\n")
    await terminal.shows("password: ")
    terminal.type("secret\n")
    ran = await terminal.ended()
    assert ran.status == 0
    assert "Logged in as alice" in ran.out
    assert "secret" not in ran.out
    assert recorder.lines[-1][2] == {"username": "alice", "password": "secret"}


async def test_an_error_does_not_stand_behind_half_a_line(alice: Deis, recorder: Recorder) -> None:
    recorder.on("POST", "/v1/apps/", Reply(400, {"id": ["No."]}))
    ran = await alice.on_terminal("create", "demo", "--no-remote")
    assert "Creating Application... " in ran.out
    assert "\nError: \n400 Bad Request\nid: No.\n" in plain(ran.out)
    assert APP["id"] == "demo"


def untimed(text: str) -> str:
    """A text in which what the command itself measured took no time."""
    return re.sub(r"(starting: .*)  \d+\.\ds", r"\1  0s", text)


def settled(text: str) -> str:
    """What stands on the screen in the end: a redrawn line only as it was drawn last."""
    lines = (line.rsplit("\r", 1)[-1] for line in text.split("\n"))
    return plain("\n".join(lines))
