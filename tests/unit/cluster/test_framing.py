"""Messages are found in a byte stream however it is cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.framing import FrameReader, counted


@given(st.lists(st.binary(min_size=1)), st.lists(st.integers(0, 200)))
def test_counted_messages_come_out_however_the_stream_is_cut(
    messages: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(map(counted, messages))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()

    pieces = (stream[start:end] for start, end in itertools.pairwise(edges))

    assert [message for piece in pieces for message in reader.feed(piece)] == messages


@given(st.binary(), st.integers(1, 20))
def test_no_bytes_break_the_reader(data: bytes, limit: int) -> None:
    reader = FrameReader(limit)

    assert all(len(message) <= limit for message in reader.feed(data))


def test_lines_of_foreign_senders_are_messages() -> None:
    reader = FrameReader()

    assert reader.feed(b"<13>a\r\n\n<13>b\n2015-10-1") == [b"<13>a", b"<13>b"]
    assert reader.feed(b"2T14 x\n3 abc") == [b"2015-10-12T14 x", b"abc"]


@pytest.mark.parametrize("split", range(1, 14))
def test_a_message_that_is_too_long_is_skipped_and_counts(split: int) -> None:
    reader = FrameReader(limit=4)
    stream = b"9 123456789" + counted(b"abcd")

    assert reader.feed(stream[:split]) + reader.feed(stream[split:]) == [b"", b"abcd"]


def test_a_line_that_is_too_long_is_skipped_and_counts() -> None:
    reader = FrameReader(limit=4)

    assert reader.feed(b"<abcdef") == [b""]
    assert reader.feed(b"ghi") == []
    assert reader.feed(b"jkl\n<ok\n<toolong\n") == [b"<ok", b""]
