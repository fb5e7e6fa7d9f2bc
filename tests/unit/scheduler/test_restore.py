"""What is put back into a store that was lost, and what belongs into the mirror."""

import pytest

from deis_control.scheduler.mirror import lasts
from deis_control.scheduler.restore import lost_keys
from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue, Put, absent, mod_revision_is

PLACEMENT = keys.placement("host-1", "hello_v2.web.1")
SETTING = keys.setting("router", "bodySize")


def found(key: str, value: bytes) -> dict[str, KeyValue]:
    return {key: KeyValue(key, value, 5, 7, 1, 0)}


def test_a_missing_key_is_put_back() -> None:
    (change,) = lost_keys({PLACEMENT: b"x"}, {})
    assert (change.compares, change.ops) == ((absent(PLACEMENT),), (Put(PLACEMENT, b"x"),))


def test_a_placement_of_another_value_is_rewritten() -> None:
    (change,) = lost_keys({PLACEMENT: b"new"}, found(PLACEMENT, b"old"))
    assert change.compares == (mod_revision_is(PLACEMENT, 7),)


def test_a_setting_that_somebody_made_since_stays() -> None:
    assert list(lost_keys({SETTING: b"1m"}, found(SETTING, b"5m"))) == []


def test_what_is_as_mirrored_is_not_written() -> None:
    assert list(lost_keys({PLACEMENT: b"x"}, found(PLACEMENT, b"x"))) == []


@pytest.mark.parametrize(
    "key",
    [
        PLACEMENT,
        SETTING,
        keys.route("hello"),
        keys.env("hello", 2),
        keys.hostconf("host-1"),
        keys.cert("example.org"),
        keys.INCARNATION,
    ],
)
def test_lasting_keys_are_mirrored(key: str) -> None:
    assert lasts(key)


@pytest.mark.parametrize(
    "key",
    [
        keys.instance("host-1", "hello_v2.web.1"),
        keys.service("hello", "hello_v2.web.1"),
        keys.host("host-1"),
        keys.router("host-1"),
        keys.LEADER,
        keys.AWAIT,
        keys.INTENT,
        "/elsewhere",
    ],
)
def test_what_is_observed_is_not_mirrored(key: str) -> None:
    assert not lasts(key)
