"""What is put back into a store that was lost, and what belongs into the mirror."""

import pytest

from deis_control.scheduler.mirror import lasts
from deis_control.scheduler.restore import lost_keys, stale_keys
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, KeyValue, Put, absent, mod_revision_is

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


TWIN = keys.placement("host-2", "hello_v2.web.1")
OTHER = keys.placement("host-1", "hello_v2.web.2")


def test_a_placement_that_had_been_removed_goes_again_with_all_that_is_its_own() -> None:
    endpoint = keys.service("hello", "hello_v2.web.2")
    instances = [keys.instance("host-1", f"hello_v2.web.{num}") for num in (1, 2)]
    there = found(PLACEMENT, b"x") | found(OTHER, b"x") | found(endpoint, b"x")
    there |= found(instances[0], b"x") | found(instances[1], b"x")
    assert [change.ops for change in stale_keys({PLACEMENT: b"x"}, there, 7)] == [
        (Delete(OTHER),),
        (Delete(endpoint),),
        (Delete(instances[1]),),
    ]


def test_of_two_with_one_name_the_one_that_is_mirrored_stays_and_is_published() -> None:
    endpoint = keys.service("hello", "hello_v2.web.1")
    there = found(PLACEMENT, b"x") | found(endpoint, b"x")
    (change,) = stale_keys({TWIN: b"x"}, there, 7)
    assert (change.compares, change.ops) == ((mod_revision_is(PLACEMENT, 7),), (Delete(PLACEMENT),))


def test_what_the_mirror_had_not_come_to_and_what_is_not_rewritten_stay() -> None:
    there = found(PLACEMENT, b"x") | found(SETTING, b"1m") | found(keys.hostconf("host-1"), b"x")
    assert list(stale_keys({}, there, 6)) == []
    assert [change.ops for change in stale_keys({}, there, 7)] == [(Delete(PLACEMENT),)]


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
