"""Pushed refs (faults.md E.4, Git)."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.builder.errors import Declined
from deis_control.builder.refs import ZERO, RefLine, check, is_ref_name, parse_line

A, B = "a" * 40, "b" * 40


def make_line(name: str = "refs/heads/master", *, old: str = ZERO, new: str = A) -> RefLine:
    return RefLine(old, new, name)


def test_a_line_of_the_hook_is_read() -> None:
    assert parse_line(f"{ZERO} {A} refs/heads/master".encode()) == make_line()


@pytest.mark.parametrize("line", [b"", b"end", b"x y z", f"{A} {B}".encode(), b"\xff \xff \xff"])
def test_any_other_line_is_refused(line: bytes) -> None:
    with pytest.raises(Declined):
        parse_line(line)


def test_branches_and_tags_may_be_pushed_anew_and_moved() -> None:
    check([make_line(), make_line("refs/tags/v1", old=B)], {"refs/tags/v1": B})


@pytest.mark.parametrize(
    ("line", "present", "reason"),
    [
        (make_line(new=ZERO, old=A), {"refs/heads/master": A}, "cannot be deleted"),
        (make_line(old=B), {"refs/heads/master": A}, "moved by another push"),
        (make_line(), {"refs/heads/master": B}, "moved by another push"),
        (make_line("refs/heads/a/b"), {"refs/heads/a": A}, "cannot be made"),
        (make_line("refs/heads/a"), {"refs/heads/a/b": A}, "cannot be made"),
        (make_line("refs/heads/a.lock"), {}, "no name"),
        (make_line("refs/heads/\u202ex"), {}, "no name"),
    ],
)
def test_what_git_would_refuse_later_is_refused_before(
    line: RefLine, present: dict[str, str], reason: str
) -> None:
    with pytest.raises(Declined, match=reason):
        check([line], present)


def test_two_refs_of_one_push_must_fit_together() -> None:
    with pytest.raises(Declined, match="cannot be made"):
        check([make_line("refs/heads/a"), make_line("refs/heads/a/b")], {})


def test_a_push_of_very_many_refs_is_refused() -> None:
    with pytest.raises(Declined, match="may move 20 refs, this one moves 21"):
        check([make_line(f"refs/heads/b{n}") for n in range(21)], {})


@given(st.text(st.sampled_from("ab/.@{~^:?*[\\ \x7f-l\nock"), max_size=12))
def test_no_name_passes_that_git_refuses(tail: str) -> None:
    name = f"refs/heads/{tail}"
    if is_ref_name(name):
        git = subprocess.run(["git", "check-ref-format", name], check=False)
        assert git.returncode == 0


@pytest.mark.parametrize("name", ["refs/heads/master", "refs/tags/v1.0", "refs/heads/f/ü-1"])
def test_usual_names_pass(name: str) -> None:
    assert is_ref_name(name)
