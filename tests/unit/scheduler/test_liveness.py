"""Losses and returns of hosts: since when, when many at once hold everything back, flapping."""

import pytest

from deis_control.scheduler.liveness import Liveness
from deis_control.scheduler.world import Lost

TTL = 10.0


def make_liveness(hosts: int) -> Liveness:
    liveness = Liveness()
    for n in range(1, hosts + 1):
        liveness.came(f"host-{n}", 0)
    return liveness


def test_a_loss_counts_from_when_the_record_went_until_it_comes_back() -> None:
    liveness = make_liveness(2)
    assert liveness.lost("host-1", 5) is None
    liveness.went("host-1", 7)
    assert liveness.lost("host-1", 9) == Lost(7)
    liveness.came("host-1", 12)
    assert liveness.lost("host-1", 13) is None


def test_a_host_that_was_never_seen_is_lost_since_the_first_question() -> None:
    liveness = make_liveness(1)
    assert liveness.lost("host-9", 100) == Lost(100, witnessed=False)
    assert liveness.lost("host-9", 200) == Lost(100, witnessed=False)


def test_a_return_that_may_have_been_missed_is_no_return_but_counts_for_what_must_be_sure() -> None:
    liveness = make_liveness(2)
    liveness.went("host-1", 7)
    liveness.doubt(30)
    liveness.went("host-2", 30)
    first, second = liveness.lost("host-1", 40), liveness.lost("host-2", 40)
    assert first is not None
    assert (first.since, first.surely_since) == (7, 30)
    assert second == Lost(30)


@pytest.mark.parametrize(
    ("hosts", "lost", "held"),
    [(1, 1, False), (2, 1, False), (2, 2, True), (3, 1, False), (3, 2, True), (6, 2, False)],
)
def test_more_than_one_and_more_than_a_third_hold_everything_back(
    hosts: int, lost: int, held: bool
) -> None:
    liveness = make_liveness(hosts)
    for n in range(1, lost + 1):
        liveness.went(f"host-{n}", 100 + n)
    assert (liveness.held_until(103, TTL) is not None) is held


def test_losses_far_apart_are_no_loss_of_many() -> None:
    liveness = make_liveness(3)
    liveness.went("host-1", 100)
    liveness.went("host-2", 131)
    assert liveness.held_until(132, TTL) is None


def test_it_is_over_when_nothing_was_lost_or_came_back_for_a_minute() -> None:
    liveness = make_liveness(3)
    liveness.went("host-1", 100)
    liveness.went("host-2", 110)
    assert liveness.held_until(111, TTL) == 170
    liveness.came("host-1", 150)
    assert liveness.held_until(169, TTL) == 210
    assert liveness.held_until(210, TTL) is None


def test_it_is_over_after_five_minutes_at_the_latest() -> None:
    liveness = make_liveness(3)
    liveness.went("host-1", 100)
    liveness.went("host-2", 100)
    for at in range(120, 400, 40):
        liveness.came("host-1", at)
        liveness.went("host-1", at + 20)
    assert liveness.held_until(399.9, TTL) == 400
    assert liveness.held_until(400, TTL) is None


def test_what_was_lost_before_the_end_of_one_does_not_begin_the_next() -> None:
    liveness = make_liveness(3)
    liveness.went("host-1", 100)
    liveness.went("host-2", 100)
    liveness.went("host-3", 161)
    assert liveness.held_until(162, TTL) is None


def test_a_host_that_is_lost_again_and_again_is_avoided_for_ten_minutes() -> None:
    liveness = make_liveness(2)
    for at in (100, 200, 300):
        assert liveness.flapping(at) == frozenset()
        liveness.went("host-1", at)
        liveness.came("host-1", at + 50)
    assert liveness.flapping(351) == {"host-1"}
    assert liveness.flapping(949) == {"host-1"}
    assert liveness.flapping(950) == frozenset()


def test_losses_over_a_long_time_are_no_flapping() -> None:
    liveness = make_liveness(1)
    for at in (0, 400, 800):
        liveness.went("host-1", at)
        liveness.came("host-1", at + 50)
    assert liveness.flapping(851) == frozenset()


def test_a_new_host_is_no_return() -> None:
    liveness = make_liveness(3)
    liveness.went("host-1", 100)
    liveness.went("host-2", 100)
    liveness.came("host-4", 150)
    assert liveness.held_until(161, TTL) is None
