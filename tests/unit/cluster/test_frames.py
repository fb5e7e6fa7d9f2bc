"""Frames: what goes in comes out, whatever an app writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.frames import (
    DATAGRAM_LIMIT,
    TEXT_LIMIT,
    Frame,
    LogLine,
    decode,
    decode_v1,
    encode,
    encode_v1,
    stored,
    utc,
)

NOW = "2026-11-23T02:16:00.000000Z"
HOSTILE = (
    "", " ", "]", '"', "\\", '\\"]', "other[x]: forged", ' [deis@32473 app="other"] x', "a\nb",
    "a\r", "\x00", "\ufeffbom", "‮rtl", "😀", "a\u2028b", "<13>1 - - - - - -", "9 <134>1 x",
)  # fmt: skip

texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"])))
apps = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", fullmatch=True)
processes = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", fullmatch=True)
streams = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128)


def frame(text: str = "hi", **values: str) -> Frame:
    """A numbered frame."""
    line = LogLine(
        values.get("app", "hello"), values.get("process", "web.1"), values.get("time", NOW), text
    )
    return Frame(line, "node-1", values.get("stream", "4f1c.9a"), 17)


@given(text=texts, app=apps, process=processes, stream=streams)
def test_a_frame_survives_the_wire(text: str, app: str, process: str, stream: str) -> None:
    sent = frame(text, app=app, process=process, stream=stream)

    assert decode(encode(sent), arrived="") == sent


@given(text=texts, app=apps, process=processes, stream=streams)
def test_the_short_way_through_the_decoder_leads_to_the_same(
    text: str, app: str, process: str, stream: str
) -> None:
    message = encode(frame(text, app=app, process=process, stream=stream))

    assert decode(message.replace(b"<134>", b"<135>", 1), NOW) == decode(message, NOW)


def test_a_message_has_the_form_of_rfc_5424() -> None:
    assert encode(frame("hi there")) == (
        b"<134>1 2026-11-23T02:16:00.000000Z node-1 hello web.1 - "
        b'[deis@32473 app="hello" process="web.1" stream="4f1c.9a" seq="17"] hi there'
    )


def test_nanoseconds_are_cut_to_the_six_digits_of_rfc_5424() -> None:
    message = encode(frame(time="2026-11-23T02:16:00.123456789Z"))

    assert message.split(b" ")[1] == b"2026-11-23T02:16:00.123456Z"


@given(st.binary())
def test_no_bytes_break_the_decoder(message: bytes) -> None:
    decoded = decode(message, NOW)

    assert decoded is None or not decoded.numbered


@given(st.binary(), st.integers(0, 150))
def test_no_damage_to_a_message_breaks_the_decoder(junk: bytes, at: int) -> None:
    message = encode(frame())

    decode(message[:at] + junk + message[at:], NOW)


@pytest.mark.parametrize(
    "params",
    [
        b'app="hello" process="web.1" stream="s" seq="0"',
        b'app="hello" process="web.1" stream="s" seq="-1"',
        b'app="hello" process="web.1" stream="s" seq="1x"',
        b'app="hello" process="web.1" stream="s"',
        b'app="hello" process="web.1" stream="" seq="1"',
        b'app="../x" process="web.1" stream="s" seq="1"',
        b'app="hello" process="web.1]: x" stream="s" seq="1"',
        b'app="hello" app="other" process="web.1" stream="s" seq="1"',
        b'app="hello\\"" process="web.1" stream="s" seq="1"',
    ],
)
def test_senseless_structured_data_is_unreadable(params: bytes) -> None:
    assert decode(b"<134>1 - h hello web.1 - [deis@32473 " + params + b"] x", NOW) is None


def test_lone_surrogates_and_long_texts_are_made_fit() -> None:
    surrogate = decode(encode(frame("a\ud800b")), NOW)
    long = decode(encode(frame("ä" * TEXT_LIMIT)), NOW)

    assert surrogate is not None
    assert surrogate.line.text == "a?b"
    assert long is not None
    assert len(long.line.text.encode()) <= TEXT_LIMIT
    assert long.line.text.endswith("ä...")


def test_invalid_bytes_are_replaced() -> None:
    decoded = decode(encode(frame("x")) + b"\xff\xc3", NOW)

    assert decoded is not None
    assert decoded.line.text == "x\ufffd\ufffd"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (b"<13>1 - h hello web.1 - - hi", LogLine("hello", "web.1", NOW, "hi")),
        (b"<13>1 - h hello - - -", LogLine("hello", "1", NOW, "")),
        (b"<13>1 - h hello p@1 - - \xef\xbb\xbfhi", LogLine("hello", "1", NOW, "hi")),
        (
            b'<13>1 2026-11-23T04:16:00.5+02:00 h hello 7 - [a@1 b="c\\]"][d] hi',
            LogLine("hello", "7", "2026-11-23T02:16:00.500000Z", "hi"),
        ),
        (b"<13>1 2026-99-23T04:16:00Z h hello 7 - - hi", LogLine("hello", "7", NOW, "hi")),
    ],
)
def test_foreign_messages_are_read(message: bytes, line: LogLine) -> None:
    decoded = decode(message, NOW)

    assert decoded is not None
    assert decoded.line == line
    assert not decoded.numbered


@pytest.mark.parametrize(
    "message",
    [b"<13>1 - h Hello web.1 - - hi", b"<13>1 - h - - - - hi", b"<13>1 - h ../x 1 - - hi", b"hi"],
)
def test_foreign_messages_without_an_app_are_unreadable(message: bytes) -> None:
    assert decode(message, NOW) is None


@pytest.mark.parametrize(
    ("datagram", "line"),
    [
        (
            b"2015-10-12T14:07:01UTC hello[web.1]: hi other[x]: there",
            LogLine("hello", "web.1", "2015-10-12T14:07:01.000000Z", "hi other[x]: there"),
        ),
        (b"<13>hello[deis-controller]: hi", LogLine("hello", "deis-controller", NOW, "hi")),
        (b"hello[web.1]:", LogLine("hello", "web.1", NOW, "")),
        (b"<13>Oct 12 14:07:01 host hello[1]: hi", LogLine("hello", "1", NOW, "hi")),
        (b"<13>Oct  2 14:07:01 hello[1]: hi", LogLine("hello", "1", NOW, "hi")),
        (b"2015-99-12T14:07:01UTC hello[1]: hi", LogLine("hello", "1", NOW, "hi")),
    ],
)
def test_datagrams_of_v1_are_read_by_their_fixed_prefix(datagram: bytes, line: LogLine) -> None:
    assert decode_v1(datagram, NOW) == line


@pytest.mark.parametrize(
    "datagram", [b"", b"no tag at all", b"x y z hello[web.1]: hi", b"Hello[1]: x", b"-a[1]: x"]
)
def test_datagrams_without_the_prefix_are_unreadable(datagram: bytes) -> None:
    assert decode_v1(datagram, NOW) is None


@given(text=texts, app=apps, process=processes)
def test_a_line_survives_the_form_of_v1(text: str, app: str, process: str) -> None:
    line = LogLine(app, process, NOW, text.replace("\n", " "))

    assert decode_v1(encode_v1(line), "") == line


def test_a_datagram_is_cut_to_what_one_can_hold() -> None:
    datagram = encode_v1(LogLine("hello", "web.1", NOW, "x" * 70_000))

    assert len(datagram) == DATAGRAM_LIMIT
    assert datagram.endswith(b"xxx...")


def test_each_line_of_a_text_is_stored_with_its_tag() -> None:
    line = LogLine("hello", "web.1", "2015-10-12T14:07:01.9Z", "a\n2015 other[x]: b\r")

    assert stored(line).split("\n") == [
        "2015-10-12T14:07:01UTC hello[web.1]: a",
        "2015-10-12T14:07:01UTC hello[web.1]: 2015 other[x]: b\r",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T02:16:00.123456789Z", "2026-11-23T02:16:00.123456Z"),
        ("2026-11-23T02:16:00-05:30", "2026-11-23T07:46:00.000000Z"),
        ("0001-01-01T00:00:00+01:00", None),
        ("2026-11-23 02:16:00Z", None),
        ("2026-11-23T02:16:00", None),
        ("", None),
    ],
)
def test_times_are_told_in_utc(text: str, expected: str | None) -> None:
    assert utc(text) == expected
