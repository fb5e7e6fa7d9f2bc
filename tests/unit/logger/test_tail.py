"""The last lines, found from the end across the files of an app."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.logger import tail as tail_module
from deis_control.logger.tail import Tail


def tail(directory: Path, lines: int) -> str:
    with Tail(directory, "hello", lines, segments=2) as found:
        return b"".join(found.pieces()).decode()


def test_an_app_without_a_file_has_no_lines(tmp_path: Path) -> None:
    assert not Tail(tmp_path, "hello", 10, segments=2)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [(1, "e\n"), (2, "d\ne\n"), (3, "c\nd\ne\n"), (5, "a\nb\nc\nd\ne\n"), (9, "a\nb\nc\nd\ne\n")],
)
def test_lines_are_taken_across_the_file_put_aside(
    tmp_path: Path, lines: int, expected: str
) -> None:
    (tmp_path / "hello.log.1").write_text("a\nb\nc\n")
    (tmp_path / "hello.log").write_text("d\ne\n")

    assert tail(tmp_path, lines) == expected


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "hello.log").write_text("a\nb\nhal")

    assert tail(tmp_path, 1) == "b\n"


def test_only_the_file_put_aside_may_exist(tmp_path: Path) -> None:
    (tmp_path / "hello.log.1").write_text("a\nb\n")

    assert tail(tmp_path, 1) == "b\n"


def test_a_file_renamed_meanwhile_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "hello.log").write_text("a\n")
    with Tail(tmp_path, "hello", 10, segments=2) as found:
        (tmp_path / "hello.log").rename(tmp_path / "hello.log.1")
        (tmp_path / "hello.log").write_text("b\n")
        assert b"".join(found.pieces()) == b"a\n"


@given(
    st.lists(st.text("ab", max_size=6)),
    st.lists(st.text("ab", max_size=6)),
    st.integers(1, 12),
    st.integers(1, 9),
)
def test_any_lines_any_number_any_piece(
    tmp_path_factory: pytest.TempPathFactory,
    older: list[str],
    newer: list[str],
    lines: int,
    piece: int,
) -> None:
    directory = tmp_path_factory.mktemp("tail")
    (directory / "hello.log.1").write_text("".join(f"{line}\n" for line in older))
    (directory / "hello.log").write_text("".join(f"{line}\n" for line in newer))

    with pytest.MonkeyPatch.context() as small:
        small.setattr(tail_module, "_PIECE", piece)
        assert tail(directory, lines).split("\n")[:-1] == (older + newer)[-lines:]
