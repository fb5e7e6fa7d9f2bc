"""When the store is believed about what is missing."""

from dataclasses import replace
from typing import Any

from deis_node.cluster.records import Incarnation, PlacementState
from deis_node.containers.trust import Placed, Reading, Wanted, absent_for_sure, take_in
from tests.builders import make_placement

WEB = make_placement()
NAME = WEB.copy.container
HELD = Wanted(
    placements={NAME: Placed(WEB, 5)}, incarnation="one", revision=100, trusted=True, epoch=1
)


def reading(revision: int, incarnation: str | None, *ancestors: str, **facts: Any) -> Reading:
    made = None if incarnation is None else Incarnation(incarnation, ancestors)
    return Reading(revision=revision, incarnation=made, **facts)


def test_the_first_store_is_trusted() -> None:
    wanted = take_in(Wanted(), reading(9, "one", placements={NAME: Placed(WEB, 7)}))
    assert wanted.trusted
    assert (wanted.incarnation, wanted.revision, wanted.epoch) == ("one", 9, 1)


def test_a_store_that_goes_on_takes_placements_away() -> None:
    wanted = take_in(HELD, reading(101, "one"))
    assert not wanted.placements
    assert absent_for_sure(wanted, NAME)
    assert wanted.epoch == HELD.epoch


def test_a_wiped_store_takes_nothing_away() -> None:
    wanted = take_in(HELD, reading(3, None))
    assert wanted.placements == {NAME: Placed(WEB, 0)}
    assert not absent_for_sure(wanted, NAME)
    assert wanted.epoch == HELD.epoch + 1


def test_a_store_that_went_back_is_not_trusted_until_another_incarnation() -> None:
    wanted = take_in(HELD, reading(99, "one"))
    assert wanted.placements
    later = take_in(wanted, reading(5000, "one"))
    assert not later.trusted
    assert later.placements
    healed = take_in(later, reading(20, "two", "one"))
    assert healed.trusted
    assert not healed.placements
    assert not healed.broken


def test_a_foreign_store_is_not_trusted() -> None:
    assert not take_in(HELD, reading(500, "alien", "other")).trusted


def test_restored_placements_are_published_before_the_incarnation_is_back() -> None:
    wiped = take_in(HELD, reading(3, None))
    restored = take_in(wiped, reading(4, None, placements={NAME: Placed(WEB, 4)}))
    assert restored.placements == {NAME: Placed(WEB, 4)}
    assert not restored.trusted


def test_orders_of_a_store_that_is_not_trusted_are_not_heard() -> None:
    stop = replace(WEB, state=PlacementState.STOP)
    other = make_placement(num=2)
    seen = {NAME: Placed(stop, 4), other.copy.container: Placed(other, 4)}
    wanted = take_in(HELD, reading(9, None, placements=seen))
    assert wanted.placements == {NAME: Placed(WEB, 0)}


def test_a_record_that_cannot_be_read_is_not_absent() -> None:
    garbled = reading(101, "one", unreadable=frozenset({NAME, "hello_v2.web.2"}))
    wanted = take_in(HELD, garbled)
    assert wanted.placements == {NAME: Placed(WEB, 0)}
    assert not absent_for_sure(wanted, NAME)
    assert not absent_for_sure(wanted, "hello_v2.web.2")
