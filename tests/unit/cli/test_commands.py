"""The table of commands, the shortcuts, and how `deis` answers what it does not know."""

import subprocess
import sys
import time

import click
import pytest

from deis_cli.deis.commands import COMMANDS, GROUPS, SHORTCUTS, full_name
from deis_cli.deis.main import load, run
from deis_cli.deis.shapes import LISTS, OBJECTS


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_can_be_loaded_and_says_what_it_does(name: str) -> None:
    command = load(name)
    assert isinstance(command, click.Command)
    assert command.help


@pytest.mark.parametrize(("word", "name"), sorted(SHORTCUTS.items()))
def test_shortcuts_lead_to_commands(word: str, name: str) -> None:
    assert full_name(word) == name
    assert name in COMMANDS


@pytest.mark.parametrize("group", sorted(set(GROUPS) - {"auth", "git"}))
def test_a_bare_group_is_its_list(group: str) -> None:
    assert full_name(group) == f"{group}:list"


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_groups_help_names_its_commands(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", group]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS if name.startswith(f"{group}:"))


def test_nothing_at_all_is_a_usage_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 1
    assert capsys.readouterr().err == "Usage: deis <command> [<args>...]\n"


def test_help_is_an_overview_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help"]) == 0
    shown = capsys.readouterr()
    assert "deis <command>" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize("words", [["nonsense"], ["apps:foo"], ["help", "nonsense"]])
def test_unknown_commands_fail(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 1
    assert "Found no matching command, try 'deis help'" in capsys.readouterr().err


def test_wrong_options_print_the_usage_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apps:info", "--nonsense"]) == 1
    assert capsys.readouterr().out.startswith("Usage: deis apps:info")


@pytest.mark.parametrize("word", ["version", "--version", "-v"])
def test_the_version_is_the_one_clients_expect(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([word]) == 0
    assert capsys.readouterr().out == "1.13.4\n"


def test_not_logged_in_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("DEIS_PROFILE_DIR", str(tmp_path))
    assert run(["apps"]) == 1
    expected = "Error: Not logged in. Use 'deis login' or 'deis register' to get started.\n"
    assert capsys.readouterr().err == expected


def test_a_start_imports_nothing_heavy() -> None:
    code = (
        "import sys; from deis_cli.deis.main import run; run(['version']); "
        "heavy = {'aiohttp', 'asyncio', 'yaml', 'urllib.request', 'click'}; "
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_start_takes_no_time_worth_mentioning() -> None:
    times = []
    for _ in range(5):
        began = time.monotonic()
        code = "from deis_cli.deis.main import run; run(['version'])"
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.monotonic() - began)
    assert min(times) < 10 * 0.150


def test_json_is_offered_where_its_keys_are_promised() -> None:
    offering = {
        name
        for name in COMMANDS
        if any("--json" in parameter.opts for parameter in load(name).params)
    }
    assert offering == {*LISTS, *OBJECTS, "tags:list"}
