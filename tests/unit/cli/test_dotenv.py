"""Any value that a config may hold survives its way through a file."""

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deis_cli.deis import dotenv
from deis_cli.deis.config import read_pairs

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True).filter(
    lambda name: name != "SSH_KEY"
)
tricky = st.text(st.sampled_from("\"'\\$`#= \t\r\n{}!\x0b\x0c\x1b\x1c\x7f\x85\u2028\ufeffnu0é😀"))
values = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | tricky


@given(st.dictionaries(names, values))
def test_every_value_comes_back(pairs: dict[str, str]) -> None:
    assert dotenv.parse(dotenv.render(pairs)) == pairs


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, values))
@example({"A": "x" * 65536, "B": " " * 65536, "C": "\n" * 65536, "D": "😀" * 16384})
@example({"A": "\ufeff", "B": "\r", "C": "'", "D": '"', "E": "", "F": "\\", "G": "${A}"})
def test_every_value_comes_back_through_a_file(tmp_path: Path, pairs: dict[str, str]) -> None:
    path = tmp_path / ".env"
    dotenv.write(path, pairs)
    assert read_pairs(str(path)) == pairs
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(st.dictionaries(names, values))
def test_what_is_read_is_written_as_it_was(pairs: dict[str, str]) -> None:
    text = dotenv.render(pairs)
    assert dotenv.render(dotenv.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=two words # no comment", "two words # no comment"),
        ('A="unclosed', '"unclosed'),
        ('A="bad \\x escape"', "bad \\x escape"),
        ("A=$HOME", "$HOME"),
        ("  export A=1", "1"),
        ("\ufeffA=1", "1"),
    ],
)
def test_what_others_wrote_is_taken_literally(tmp_path: Path, text: str, value: str) -> None:
    path = tmp_path / ".env"
    path.write_text(text, encoding="utf-8")
    assert read_pairs(str(path)) == {"A": value}


def test_plain_values_stand_as_they_are() -> None:
    assert dotenv.render({"B": "two words", "A": "1"}) == "A=1\nB=two words\n"


def test_comments_blank_lines_and_exports_are_understood() -> None:
    text = "# a comment\n\nexport A=1\r\nB='two'\nC=\"three\"\nD=last without newline"
    assert dotenv.parse(text) == {"A": "1", "B": "two", "C": "three", "D": "last without newline"}
