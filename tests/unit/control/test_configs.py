"""Merging and checking of configs."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.deltas import ConfigDelta, read_delta
from deis_control.errors import Invalid
from deis_control.model import ConfigData, Kind
from deis_control.rules import CONFIG_LIMIT, merge_config
from deis_control.rules.sections import config_delta

KEYS = st.sampled_from(["A", "B", "C", "D"])


@given(st.dictionaries(KEYS, st.text()), st.dictionaries(KEYS, st.none() | st.text()))
def test_a_merge_sets_what_is_given_and_removes_what_is_null(
    base: dict[str, str], change: dict[str, str | None]
) -> None:
    merged = merge_config(ConfigData(values=base), ConfigDelta(values=change)).values
    for key in base.keys() | change.keys():
        assert merged.get(key) == change.get(key, base.get(key))


def test_a_merge_keeps_to_the_bound() -> None:
    values: dict[str, str | None] = {"A": "x" * (CONFIG_LIMIT - 1)}
    assert merge_config(ConfigData(), ConfigDelta(values=values)).values == values
    with pytest.raises(Invalid):
        merge_config(ConfigData(values={"B": ""}), ConfigDelta(values=values))


@given(st.dictionaries(st.from_regex("[A-Z_][A-Z0-9_]*", fullmatch=True), st.text()))
def test_a_checked_change_survives_its_storing(values: dict[str, str]) -> None:
    storable = {k: v for k, v in values.items() if "\x00" not in v}
    delta = config_delta({"values": storable})
    assert read_delta(Kind.CONFIG, delta.to_bytes()) == delta
    assert delta.values == storable


@given(
    st.dictionaries(
        st.sampled_from(["values", "memory", "cpu", "tags"]),
        st.none()
        | st.text()
        | st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.floats()),
    )
)
def test_any_posted_config_is_a_change_or_invalid(data: dict[str, object]) -> None:
    with contextlib.suppress(Invalid):
        delta = config_delta(data)
        assert ConfigDelta.from_bytes(delta.to_bytes()) == delta
