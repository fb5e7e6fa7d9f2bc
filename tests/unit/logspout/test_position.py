"""A place in a log is found again, and what comes behind it keeps its numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.frames import TEXT_LIMIT
from deis_node.docker.model import LogChunk
from deis_node.logspout.lines import Line, LineJoiner
from deis_node.logspout.position import START, Position, Seeker, repeats, shifted, since


def entry(
    second: float, text: str = "x", *, stream: str = "stdout", partial: bool = False
) -> LogChunk:
    return LogChunk(stream, f"2026-11-23T02:16:{second:012.9f}Z", text.encode(), partial)


def lines_of(log: list[LogChunk], place: Position = START) -> list[Line]:
    """What is sent of a log that is read again from a place on."""
    seeker, joiner = Seeker(place), LineJoiner(place)
    first = since(place) or ""
    again = [new for old in log if old.timestamp >= first for new in seeker.feed(old)]
    if seeker.lost or not seeker.found:
        joiner.restart()
    lines = (joiner.feed(new) for new in [*again, *seeker.give_up()])
    return [line for line in lines if line is not None]


@st.composite
def logs(draw: st.DrawFn, *, unique: bool) -> list[LogChunk]:
    """Logs with equal times, times that go back a little, and long lines."""
    log, now = [], 1.0
    for number in range(draw(st.integers(1, 25))):
        now += draw(st.sampled_from([0.0, 0.0, 0.000000001, 0.4, 3.0]))
        back = draw(st.sampled_from([0.0, 0.0, 0.0003]))
        text = f"<{number}>" if unique else draw(st.sampled_from("ab"))
        stream = draw(st.sampled_from(["stdout", "stderr"]))
        log.append(entry(now - back, text, stream=stream, partial=draw(st.booleans())))
    return log


def stored_after_a_crash(log: list[LogChunk], data: st.DataObject) -> tuple[list[Line], list[Line]]:
    """What was sent, and what the logger has when the sender crashed and read on."""
    sent = lines_of(log)
    if not sent:
        return [], []
    cursor = data.draw(st.integers(0, len(sent) - 1), "the last line that is known to be there")
    there = data.draw(st.integers(cursor, len(sent) - 1), "the last line that is there")
    again = lines_of(log, sent[cursor].resume.sealed())
    return sent, sent[: there + 1] + [line for line in again if line.seq > sent[there].seq]


@given(logs(unique=True), st.data())
def test_a_crash_of_the_sender_neither_loses_nor_doubles_a_line(
    log: list[LogChunk], data: st.DataObject
) -> None:
    sent, stored = stored_after_a_crash(log, data)

    assert [line.text for line in stored] == [line.text for line in sent]


@given(logs(unique=False), st.data())
def test_a_crash_of_the_sender_loses_no_line_even_when_places_look_the_same(
    log: list[LogChunk], data: st.DataObject
) -> None:
    sent, stored = stored_after_a_crash(log, data)

    rest = iter(stored)
    assert all(any(line.text == found.text for found in rest) for line in sent)


def test_a_place_that_is_gone_is_told_and_later_entries_are_new() -> None:
    (line,) = lines_of([entry(1)])
    seeker = Seeker(line.resume)

    assert seeker.feed(entry(1.5, "b")) == []
    assert [found.line for found in seeker.feed(entry(2.5, "c"))] == [b"b", b"c"]
    assert seeker.lost
    assert [found.line for found in seeker.feed(entry(2.6, "d"))] == [b"d"]


def test_another_text_at_the_time_of_the_place_is_another_place() -> None:
    (line,) = lines_of([entry(1, "a")])
    seeker = Seeker(line.resume)

    assert seeker.feed(entry(1, "b")) == []
    assert [found.line for found in seeker.give_up()] == [b"b"]


def test_nothing_is_given_up_once_the_place_is_found() -> None:
    (line,) = lines_of([entry(1)])
    seeker = Seeker(line.resume)
    seeker.feed(entry(1))

    assert seeker.found
    assert seeker.give_up() == []


def test_pieces_of_a_line_are_joined_by_stream() -> None:
    log = [
        entry(1, "long ", partial=True),
        entry(1.1, "error", stream="stderr"),
        entry(1.2, "line"),
    ]

    lines = lines_of(log)

    assert [(line.seq, line.text) for line in lines] == [(1, b"error"), (2, b"long line")]
    assert [line.time[17:20] for line in lines] == ["01.", "01."]
    assert lines[0].resume == START


def test_a_line_that_was_begun_is_sent_at_the_end_of_the_log() -> None:
    joiner = LineJoiner(START)
    assert joiner.feed(entry(1, "no end", partial=True)) is None

    (line,) = joiner.end()

    assert (line.seq, line.text) == (1, b"no end")
    assert joiner.end() == []


def test_only_so_much_of_a_line_is_kept_as_can_be_sent() -> None:
    joiner = LineJoiner(START)
    for _ in range(10):
        joiner.feed(entry(1, "x" * 16384, partial=True))

    assert len(joiner.end()[0].text) == TEXT_LIMIT + 1


def test_a_log_told_again_is_noticed() -> None:
    latest = entry(2, "a")

    assert repeats(entry(1), latest)
    assert repeats(entry(2, "a"), latest)
    assert not repeats(entry(2, "b"), latest)
    assert not repeats(entry(2.1, "a"), latest)
    assert not repeats(entry(2, "a"), entry(2, "a", partial=True))


def test_a_log_is_read_from_a_little_before_the_place_on() -> None:
    place = Position("2026-11-23T02:16:05.000000001Z", 1, 1)

    assert since(place) == "2026-11-23T02:16:04.000000001Z"
    assert since(place, earlier="2026-11-23T02:10:00.5Z") == "2026-11-23T02:09:59.5Z"
    assert since(START) is None


@pytest.mark.parametrize(
    ("time", "seconds", "expected"),
    [
        ("2026-11-23T02:16:00.123456789Z", -1, "2026-11-23T02:15:59.123456789Z"),
        ("2026-11-23T23:59:59Z", 1, "2026-11-24T00:00:00Z"),
        ("0001-01-01T00:00:00Z", -1, ""),
        ("", 1, ""),
        ("junk", 1, ""),
    ],
)
def test_times_are_moved_to_the_last_digit(time: str, seconds: float, expected: str) -> None:
    assert shifted(time, seconds) == expected
