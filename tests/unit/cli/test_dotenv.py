"""Any value that a config may hold survives its way through a file."""

from hypothesis import given
from hypothesis import strategies as st

from deis_cli.deis import dotenv

values = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), values))
def test_every_value_comes_back(pairs: dict[str, str]) -> None:
    assert dotenv.parse(dotenv.render(pairs)) == pairs


def test_plain_values_stand_as_they_are() -> None:
    assert dotenv.render({"B": "two words", "A": "1"}) == "A=1\nB=two words\n"


def test_comments_blank_lines_and_exports_are_understood() -> None:
    text = "# a comment\n\nexport A=1\r\nB='two'\nC=\"three\"\nD=last without newline"
    assert dotenv.parse(text) == {"A": "1", "B": "two", "C": "three", "D": "last without newline"}
