"""Texts of commands that need no controller (cli.md)."""

import pytest

from deis_cli.deis.apps import coloured
from deis_cli.deis.builds import process_types
from deis_cli.deis.client import Page, error_text, normal_url
from deis_cli.deis.config import parse_pairs
from deis_cli.deis.errors import CliError
from deis_cli.deis.git import host_of
from deis_cli.deis.output import padded
from deis_cli.deis.ps import parse_counts
from deis_cli.deis.releases import version_number


def test_columns_are_sorted_and_padded() -> None:
    assert padded({"BBB": 1, "A": 2}, 6) == ["A        2", "BBB      1"]


def test_an_error_is_the_status_line_and_a_line_a_message() -> None:
    body = b'{"id": ["This field must be unique.", "No."], "detail": "x"}'
    assert error_text(400, "BAD REQUEST", body) == (
        "\n400 BAD REQUEST\nid: This field must be unique.\nid: No.\ndetail: x\n"
    )


def test_an_error_that_is_no_json_is_printed_raw() -> None:
    assert error_text(502, "Bad Gateway", b"<html>") == "\n502 Bad Gateway\n<html>\n"
    assert error_text(502, "Bad Gateway", b"[1]") == "\n502 Bad Gateway\n[1]\n"


def test_a_list_says_when_it_is_not_whole() -> None:
    assert Page(results=[{}, {}], count=250).suffix == " (2 of 250)"
    assert Page(results=[{}], count=1).suffix == ""


def test_a_log_line_has_the_colour_of_its_process() -> None:
    line = "2026-11-23T02:03:04UTC hello[web.1]: hi"
    assert coloured(line).startswith("\033[3")
    assert coloured(line).endswith(f"m{line}\033[0m")
    assert coloured("") == "\033[33m\033[0m"


@pytest.mark.parametrize("text", ["deis.example.com", "http://deis.example.com/"])
def test_a_controllers_url_is_made_whole(text: str) -> None:
    assert normal_url(text) == "http://deis.example.com"


@pytest.mark.parametrize("text", ["ftp://x", "http://", "file:///etc/passwd"])
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(CliError):
        normal_url(text)


def test_config_pairs_keep_everything_after_the_first_equals_sign() -> None:
    assert parse_pairs(["A==b=\n c", "B="]) == {"A": "=b=\n c", "B": ""}


def test_a_bad_pair_is_named_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_pairs(["1A=b", "C=d"]) == {"C": "d"}
    shown = capsys.readouterr().out
    assert shown == "'1A=b' does not match the pattern 'key=var', ex: MODE=test\n"


def test_counts_take_types_with_digits_and_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_counts(["web=2", "my-worker2=0", "x=-1"]) == {"web": 2, "my-worker2": 0}
    assert "'x=-1' does not match the pattern 'type=num', ex: web=2" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "number"), [("v3", 3), ("3", 3)])
def test_a_release_may_be_written_in_two_ways(text: str, number: int) -> None:
    assert version_number(text) == number


def test_what_is_no_release_is_refused() -> None:
    with pytest.raises(CliError, match="no release"):
        version_number("latest")


def test_a_procfile_is_a_map_of_commands() -> None:
    assert process_types("web: sleep 1\nworker: 2") == {"web": "sleep 1", "worker": "2"}
    with pytest.raises(CliError, match="must map"):
        process_types("- a list")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ssh://git@deis.example.com:2222/hello.git", "deis.example.com"),
        ("git@deis.example.com:hello.git", "deis.example.com"),
        ("https://elsewhere.com/deis.example.com/x.git", "elsewhere.com"),
        ("/srv/deis.example.com", None),
    ],
)
def test_a_remote_leads_to_one_host(url: str, host: str | None) -> None:
    assert host_of(url) == host
