"""What `deisctl hosts drain --wait` tells, and when."""

from deis_cli.deisctl.hosts.draining import STANDING, Reasons, lines_of


def test_a_reason_is_told_once_when_it_has_stood_for_a_while() -> None:
    reasons = Reasons()
    told = [reasons.news(["one"]) for _ in range(2 * STANDING)]
    assert told == [[]] * (STANDING - 1) + [["one"]] + [[]] * STANDING


def test_a_reason_that_comes_back_is_news() -> None:
    reasons = Reasons()
    looks = [["one"]] * STANDING + [[]] + [["one"]] * STANDING
    assert sum(len(reasons.news(lines)) for lines in looks) == 2


def test_only_copies_that_wait_have_a_line() -> None:
    copies = [
        {"app": "hello", "process": "web.1", "waits": "host-1 ends it"},
        {"app": "hello", "process": "web.2", "waits": None},
    ]
    assert lines_of(copies) == ["hello web.1: host-1 ends it"]
