"""Texts of requests → plain values."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.rules.parsing import NESTING_LIMIT, moment_of, read_json

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_what_is_json_is_read_as_it_is(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
def test_depth_has_a_bound(pair: tuple[str, str]) -> None:
    def nested(levels: int) -> str:
        return pair[0] * levels + "1" + pair[1] * levels

    read_json(nested(NESTING_LIMIT))
    for levels in (NESTING_LIMIT + 1, 900, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            read_json(nested(levels))


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", '{"a": -Infinity}', b"\xff"])
def test_what_is_no_json(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)


@pytest.mark.parametrize(
    "text", ["2030-01-31T12:00:00Z", "2030-01-31T14:00:00+02:00", "2030-01-31 12:00Z"]
)
def test_times_are_read_with_their_zone(text: str) -> None:
    assert moment_of(text) == datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2030-01-31T12:00:00",
        "2030-02-31T12:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert moment_of(text) is None
