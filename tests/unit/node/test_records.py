"""Records: strict when written, tolerant when read."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.names import CopyName
from deis_node.cluster.records import (
    Endpoint,
    Host,
    Incarnation,
    Instance,
    LastExit,
    Phase,
    Placement,
    PlacementState,
    Record,
    RecordError,
    Route,
)
from tests.unit.node.strategies import any_records


def make_placement(**changes: Any) -> Placement:
    values: dict[str, Any] = {
        "app": "hello", "release": 2, "type": "web", "num": 1, "generation": 3,
        "uuid": "u", "created": "2026-01-01T00:00:00UTC", "image": "127.0.0.1:5000/hello@sha256:0",
    }  # fmt: skip
    return Placement(**values | changes)


@given(any_records)
def test_every_record_comes_back_as_it_was_written(record: Record) -> None:
    assert type(record).from_bytes(record.to_bytes()) == record


@given(any_records)
def test_the_same_record_is_always_the_same_bytes(record: Record) -> None:
    again = type(record).from_bytes(record.to_bytes())
    assert again.to_bytes() == record.to_bytes()


def test_a_field_of_a_newer_version_is_ignored() -> None:
    value = b'{"address":"a","host":"h","release":1,"zone":"x"}'
    assert Endpoint.from_bytes(value) == Endpoint("a", "h", 1)


def test_an_absent_field_takes_its_default() -> None:
    assert Instance.from_bytes(b'{"phase":"running"}') == Instance(Phase.RUNNING)


def test_none_is_not_written() -> None:
    assert json.loads(Instance(Phase.RUNNING).to_bytes()).keys() == {"phase", "ready", "restarts"}


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b"null", b"1", b"\xff", b'{"address":"a"}',
     b'{"address":1,"host":"h","release":1}', b'{"address":"a","host":"h","release":"1"}',
     b'{"address":"a","host":"h","release":true}', b'{"address":null,"host":"h","release":1}'],
)  # fmt: skip
def test_what_is_no_record_is_an_error(value: bytes) -> None:
    with pytest.raises(RecordError, match="Endpoint"):
        Endpoint.from_bytes(value)


@given(st.binary())
def test_any_bytes_are_a_record_or_an_error(value: bytes) -> None:
    with suppress(RecordError):
        Placement.from_bytes(value)


def test_an_unknown_state_is_an_error() -> None:
    plain = json.loads(make_placement().to_bytes()) | {"state": "perhaps"}
    with pytest.raises(RecordError, match="perhaps"):
        Placement.from_plain(plain)


def test_a_placement_knows_its_copy() -> None:
    assert make_placement().copy == CopyName("hello", 2, "web", 1, 3)
    assert make_placement().state is PlacementState.RUN


def test_nested_records_come_back() -> None:
    exit_ = LastExit(137, signal=9, oom=True, lines=("a", "b"))
    instance = Instance(Phase.CRASHED, last_exit=exit_)
    assert Instance.from_bytes(instance.to_bytes()).last_exit == exit_


def test_an_integer_is_good_for_a_number() -> None:
    assert Host.from_bytes(b'{"name":"h","address":"a","cpus":2}').cpus == 2


def test_an_incarnation_follows_itself_and_its_ancestors() -> None:
    incarnation = Incarnation("c", ("b", "a"))
    assert [incarnation.follows(x) for x in "cbad"] == [True, True, True, False]


def test_a_route_keeps_its_weights() -> None:
    route = Route("hello", {"2": 90, "3": 10}, whitelist=())
    assert Route.from_bytes(route.to_bytes()) == route
