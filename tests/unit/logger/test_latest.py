"""The lines of several loggers as one log."""

from hypothesis import given
from hypothesis import strategies as st

from deis_control.logger.client import latest


def log(*entries: tuple[int, str]) -> bytes:
    lines = (f"2026-11-28T14:00:{second:02}UTC hello[web.1]: {text}\n" for second, text in entries)
    return "".join(lines).encode()


def texts(body: bytes) -> list[str]:
    return [line.split(": ", 1)[1] for line in body.decode().split("\n")[:-1]]


def test_lines_stand_in_the_order_of_their_times() -> None:
    one, two = log((1, "a"), (3, "c")), log((2, "b"), (4, "d"))
    assert texts(latest([one, two], 10)) == ["a", "b", "c", "d"]
    assert texts(latest([one, two], 3)) == ["b", "c", "d"]


def test_each_log_keeps_its_own_order_though_a_clock_went_back() -> None:
    one = log((5, "a"), (1, "b"), (6, "c"))
    assert texts(latest([one, log((5, "x"))], 10)) == ["a", "b", "x", "c"]


def test_nothing_is_nothing() -> None:
    assert latest([], 10) == b""
    assert latest([b"", b""], 10) == b""


entries = st.lists(st.tuples(st.integers(0, 59), st.text("ab\r\u2028", max_size=3)), max_size=9)


@given(st.lists(entries, max_size=4), st.integers(1, 40))
def test_no_line_is_lost_or_broken(logs: list[list[tuple[int, str]]], count: int) -> None:
    bodies = [log(*found) for found in logs]
    everything = b"".join(bodies).split(b"\n")[:-1]
    merged = latest(bodies, len(everything) + 1).split(b"\n")[:-1]
    assert sorted(merged) == sorted(everything)
    assert latest(bodies, count).split(b"\n")[:-1] == merged[-count:]
