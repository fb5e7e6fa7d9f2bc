"""What may be asked of the logger, character by character (semantics.md section 19)."""

import pytest

from deis_control.logger.query import Question, parse


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/hello", "", Question("hello", 100)),
        ("/hello/", "", Question("hello", 100)),
        ("/hello", "log_lines=0", Question("hello", 100)),
        ("/hello", "log_lines=00", Question("hello", 100)),
        ("/hello", "log_lines=7", Question("hello", 7)),
        ("/hello", "log_lines=" + "9" * 5000, Question("hello", 10**9)),
        ("/hello", "log_lines=", None),
        ("/hello", "log_lines=-1", None),
        ("/hello", "log_lines=abc", None),
        ("/hello", "log_lines=٣", None),
        ("/hello", "log_lines=1&log_lines=2", None),
        ("/hello", "lines=1", None),
        ("/", "", None),
        ("/Hello", "", None),
        ("/hello/x", "", None),
        ("/../etc", "", None),
        ("/%2e%2e", "", None),
        ("/hello%0a", "", None),
    ],
)
def test_questions_are_read_strictly(path: str, query: str, expected: Question | None) -> None:
    assert parse(path, query) == expected
