"""Procfiles (builder.md section 7; faults.md E.4)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.builder.procfile import ProcfileError, parse


def test_types_and_commands_are_read_in_order() -> None:
    found = parse(b"web: bundle exec rackup -p $PORT\nworker: rake work\n")
    assert list(found.items()) == [
        ("web", "bundle exec rackup -p $PORT"),
        ("worker", "rake work"),
    ]


def test_quotes_inside_a_command_stay() -> None:
    assert parse(b"""web: sh -c 'echo "$A"'\n""") == {"web": """sh -c 'echo "$A"'"""}


@pytest.mark.parametrize(
    ("data", "command"),
    [(b"web: 5", "5"), (b"web: yes", "yes"), (b"web: 1.50", "1.50"), (b"web: 'x'", "x")],
)
def test_other_scalars_are_taken_as_written(data: bytes, command: str) -> None:
    assert parse(data) == {"web": command}


def test_a_byte_order_mark_and_carriage_returns_do_no_harm() -> None:
    assert parse(b"\xef\xbb\xbfweb: run it\r\nworker: w\r\n") == {"web": "run it", "worker": "w"}


def test_an_alias_stands_for_its_command() -> None:
    assert parse(b"web: &c serve\nworker: *c\n") == {"web": "serve", "worker": "serve"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"# nothing\n", "it is empty"),
        (b"---\n", "it is empty"),
        (b"{}", "names no process type"),
        (b"just text", "line 1: expected"),
        (b"- web\n- worker\n", "line 1: expected"),
        (b"web: a: b", "line 1: mapping values are not allowed here"),
        (b"web: x\nworker: [a, b]", "line 2: the command of 'worker' must be text"),
        (b"web:\n  a: b", "the command of 'web' must be text"),
        (b"web: *nobody", "the command of 'web' must be text"),
        (b"web:", "web has no command"),
        (b"web: ' '", "web has no command"),
        (b"web: a\nweb: b", "web is there twice"),
        (b"run: x", "`run` is kept"),
        (b"a/b: x", "'a/b' is no name of a process type"),
        (b"..: x", "'..' is no name"),
        (b"-web: x", "'-web' is no name"),
        ("wéb: x".encode(), r"'w\xe9b' is no name"),
        (b"a" * 65 + b": x", "is no name"),
        (b"web: a\n---\nweb: b", "more than one YAML document"),
        (b"web: \xff", "not UTF-8 at byte 5"),
        (b"web: !!python/object/apply:os.system x\n\tw", "Procfile: "),
        (b'web: "a\\0b"', "holds a NUL"),
        (b'web: "\\ud800"', "lone surrogate"),
        (b"web: " + b"x" * 65537, "over 65536 bytes"),
        (b"web: " + b"x" * 1_000_000, "larger than"),
        (b"".join(b"t%d: x\n" % n for n in range(101)), "more than 100 process types"),
        (b"[" * 10_000, "Procfile: "),
        (b"a: " * 10_000, "Procfile: "),
    ],
)
def test_what_cannot_be_used_is_said(data: bytes, reason: str) -> None:
    with pytest.raises(ProcfileError) as caught:
        parse(data)
    assert str(caught.value).startswith("Procfile: ")
    assert reason in str(caught.value)


def test_a_hundred_types_and_a_command_of_64_kib_are_fine() -> None:
    assert len(parse(b"".join(b"t%d: x\n" % n for n in range(100)))) == 100
    assert parse(b"web: " + b"x" * 65536) == {"web": "x" * 65536}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ProcfileError):
        assert parse(data)
