"""Cutting the engine's byte streams."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.docker.errors import DockerError, NotFound
from deis_node.docker.model import LogChunk
from deis_node.docker.streams import (
    Demultiplexer,
    LineSplitter,
    container_path,
    image_path,
    log_chunk,
    since_parameter,
    split_reference,
)


def entry(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(payload)) + payload


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(bounds)]


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(min_value=0)))
def test_log_entries_come_out_whole_however_the_stream_is_cut(
    payloads: list[bytes], places: list[int]
) -> None:
    stream = b"".join(entry(1 + len(payload) % 2, payload) for payload in payloads)
    demultiplexer = Demultiplexer()
    found = [pair for piece in cut(stream, places) for pair in demultiplexer.feed(piece)]
    assert found == [(["stdout", "stderr"][len(payload) % 2], payload) for payload in payloads]


@given(st.binary(), st.lists(st.integers(min_value=0)))
def test_lines_come_out_whole_however_the_stream_is_cut(data: bytes, places: list[int]) -> None:
    splitter = LineSplitter()
    lines = [line for piece in cut(data, places) for line in splitter.feed(piece)]
    assert b"\n".join([*lines, splitter.rest]) == data


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(DockerError, match="more than 10 bytes"):
        LineSplitter(limit=10).feed(b"x" * 11)


def test_a_log_entry_is_stamp_and_line() -> None:
    chunk = log_chunk("stderr", b"2026-01-02T03:04:05.000000006Z two words\n")
    assert chunk == LogChunk("stderr", "2026-01-02T03:04:05.000000006Z", b"two words")


def test_an_entry_without_line_end_goes_on() -> None:
    assert log_chunk("stdout", b"2026-01-02T03:04:05Z half").partial


@pytest.mark.parametrize(
    ("stamp", "parameter"),
    [
        ("2026-01-02T03:04:05.123456789Z", "1767323045.123456789"),
        ("2026-01-02T03:04:05.1Z", "1767323045.100000000"),
        ("1970-01-01T00:00:01Z", "1.000000000"),
    ],
)
def test_a_time_stamp_goes_back_exactly(stamp: str, parameter: str) -> None:
    assert since_parameter(stamp) == parameter


@pytest.mark.parametrize("name", ["", "..", "a/b", "a?force=1", "a%2e", "a b", "-a", "a\n"])
def test_a_container_name_cannot_become_another_question(name: str) -> None:
    with pytest.raises(NotFound):
        container_path(name)


@pytest.mark.parametrize("name", ["", "a/../b", "./a", "a//b", "a?x=1", "a#b", "a/", "/a", "a\n"])
def test_an_image_reference_cannot_become_another_question(name: str) -> None:
    with pytest.raises(NotFound):
        image_path(name)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("app", ("app", "latest")),
        ("app:v1", ("app", "v1")),
        ("127.0.0.1:5000/app", ("127.0.0.1:5000/app", "latest")),
        ("127.0.0.1:5000/app:v1", ("127.0.0.1:5000/app", "v1")),
        ("127.0.0.1:5000/app@sha256:0a", ("127.0.0.1:5000/app", "sha256:0a")),
    ],
)
def test_a_reference_is_name_and_tag(reference: str, parts: tuple[str, str]) -> None:
    assert split_reference(image_path(reference)) == parts
