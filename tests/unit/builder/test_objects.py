"""The output of git cat-file, taken apart."""

import pytest

from deis_control.builder.errors import BuilderError
from deis_control.builder.objects import GitObject, parse_batch

A = "a" * 40


def test_objects_and_gaps_come_in_order() -> None:
    data = f"{A} blob 3\nx\ny\nHEAD:x missing\n{A} tree 0\n\n".encode()
    assert parse_batch(data) == (
        GitObject(A, "blob", b"x\ny"),
        None,
        GitObject(A, "tree", b""),
    )


def test_links_that_lead_nowhere_count_as_absent() -> None:
    data = b"symlink 4\n/etc\ndangling 8\nHEAD:abc\nloop 1\nx\nnotdir 1\ny\n"
    assert parse_batch(data) == (None, None, None, None)


def test_a_name_with_blanks_that_is_missing_counts_as_absent() -> None:
    assert parse_batch(f"{A}:a b missing\n".encode()) == (None,)


@pytest.mark.parametrize("data", [f"{A} blob 9\nxy\n".encode(), A.encode()])
def test_a_broken_answer_is_an_error(data: bytes) -> None:
    with pytest.raises(BuilderError):
        parse_batch(data)
