"""How long a member of etcd has for an answer."""

from deis_node.cluster.patience import Patience


def late(*endpoints: str, members: int = 3) -> Patience:
    patience = Patience(1.5, members)
    for endpoint in endpoints:
        patience.missed(endpoint)
    return patience


def test_one_member_that_hangs_costs_no_more_than_usual() -> None:
    assert late("a", "a", "a").seconds == 1.5


def test_two_that_are_late_have_longer_and_not_for_ever() -> None:
    assert late("a", "b").seconds == 3
    assert late("a", "b", "c", "a").seconds == 6
    assert late("a", "b", "c", "a", "b", "c").seconds == 6


def test_a_member_that_is_alone_has_longer_at_once() -> None:
    assert late("a", members=1).seconds == 3


def test_an_answer_in_between_says_that_the_others_hang() -> None:
    patience = late("a")
    patience.answered(1.4)
    patience.missed("b")
    assert patience.seconds == 1.5


def test_what_is_slow_stays_so_until_answers_come_quickly() -> None:
    patience = late("a", "b", "c", "a")
    patience.answered(1.4)
    assert patience.seconds == 6
    patience.answered(0.1)
    assert patience.seconds == 3
    patience.answered(0.1)
    patience.answered(0.1)
    assert patience.seconds == 1.5
