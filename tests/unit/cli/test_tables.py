"""Tables fit the screen they are made for, whatever stands in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_cli.deis import tables

rows = st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=5)


@given(rows, st.integers(30, 200))
def test_no_line_is_wider_than_the_screen(cells: list[tuple[str, str, str]], width: int) -> None:
    for line in tables.layout(("a", "b", "c"), cells, width):
        assert tables.display_width(line) <= width
        assert line.isprintable()


def test_columns_stand_below_each_other() -> None:
    assert tables.layout(("id", "owner"), [("hello", "bob"), ("x", None)], 80) == [
        "ID     OWNER",
        "hello  bob",
        "x",
    ]


def test_the_widest_column_gives_way() -> None:
    head, row = tables.layout(("id", "summary"), [("v1", "s" * 40)], 24)
    assert head == "ID  SUMMARY"
    assert row == "v1  " + "s" * 19 + "…"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("é", 1), ("e\u0301", 1), ("", 0)]
)
def test_a_text_is_as_wide_as_a_terminal_shows_it(text: str, width: int) -> None:
    assert tables.display_width(text) == width


@pytest.mark.parametrize(
    ("text", "cut"), [("abcd", "abc…"), ("abcde", "abc…"), ("日本語", "日…"), ("日a本", "日a…")]
)
def test_what_is_cut_says_so(text: str, cut: str) -> None:
    assert tables.cut(text + "x", 4) == cut


def test_nothing_that_moves_the_cursor_gets_through() -> None:
    assert tables.visible("a\033[2Jb\nc") == "a\\x1b[2Jb\\nc"
