"""`.dockerignore` (the rules of `docker build`)."""

import time

import pytest

from deis_control.builder.dockerignore import PATTERNS_LIMIT, keeps


@pytest.mark.parametrize(
    ("pattern", "path", "kept"),
    [
        ("", "a", True),
        ("# a", "# a", True),
        ("a", "a", False),
        ("a", "b/a", True),
        ("a", "a/b/c", False),
        ("a/", "a/b", False),
        ("/a", "a", False),
        ("./a/../b", "b", False),
        ("*.log", "x.log", False),
        ("*.log", "d/x.log", True),
        ("**/*.log", "d/e/x.log", False),
        ("**/*.log", "x.log", False),
        ("d/**", "d/e/f", False),
        ("a?c", "abc", False),
        ("a?c", "a/c", True),
        ("[a-c]x", "bx", False),
        ("[^a-c]x", "bx", True),
        ("[a", "[a", False),
        ("\\*", "*", False),
        ("\\*", "x", True),
        (".", "a", True),
        ("*", ".git", False),
        ("*\n!keep", "keep", True),
        ("*\n!keep/this", "keep/this", True),
        ("*\n!keep/this", "keep/that", False),
        ("!a\na", "a", False),
        ("\ufeffa", "a", False),
        ("a\r\n", "a", False),
    ],
)
def test_patterns_decide(pattern: str, path: str, kept: bool) -> None:
    assert keeps(pattern.encode())(path) is kept


def test_no_pattern_takes_long() -> None:
    kept = keeps(b"*a*a*a*a*a*a*a*a*a*b\n**/x/**/x/**/x/**/x/**/y\n")
    began = time.perf_counter()
    assert kept("a" * 200)
    assert kept("/".join("x" * 100))
    assert time.perf_counter() - began < 1


def test_only_so_many_patterns_are_read() -> None:
    kept = keeps(b"x\n" * PATTERNS_LIMIT + b"a\n")
    assert kept("a")
