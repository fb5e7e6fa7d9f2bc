"""What runs a one-off command, and how long it may be (semantics.md section 10)."""

import pytest

from deis_control.rules.runs import check_command, entrypoint_for, run_event
from tests.worlds import make_build

SHELL, SLUG = ("/bin/sh", "-c"), ("/runner/init",)


@pytest.mark.parametrize(
    ("procfile", "sha", "dockerfile", "entrypoint"),
    [
        ({"web": "x"}, "1234567", "", SLUG),
        ({"web": "x"}, "1234567", "true", SHELL),
        ({}, "1234567", "", SHELL),
        ({"web": "x"}, "", "", SHELL),
        ({}, "", "", SHELL),
    ],
)
def test_only_buildpack_apps_have_the_slug_runner(
    procfile: dict[str, str], sha: str, dockerfile: str, entrypoint: tuple[str, ...]
) -> None:
    assert entrypoint_for(make_build(procfile, sha=sha, dockerfile=dockerfile)) == entrypoint


def test_a_commands_length_is_counted_in_bytes() -> None:
    assert check_command("x" * 65536) == []
    assert check_command("ä" * 32769) == ["Ensure this field has no more than 65536 bytes."]


def test_the_event_has_the_contracts_form() -> None:
    assert run_event("ann", "ls -l") == "ann runs 'ls -l'"
