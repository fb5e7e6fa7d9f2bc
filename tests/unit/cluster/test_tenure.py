"""For how long a host may run what must never run twice."""

from deis_node.cluster.tenure import ALWAYS, Tenure


def test_it_ends_two_ttls_after_the_last_word() -> None:
    assert Tenure(ttl=10, confirmed=100).ends == 120


def test_starting_needs_a_record_and_placements_that_were_read_after_it() -> None:
    assert Tenure(10, 100, since=90, read=95).may_start(119)
    assert not Tenure(10, 100, since=90, read=95).may_start(120)
    assert not Tenure(10, 100, since=90, read=89).may_start(101)
    assert not Tenure(10, 100, since=None, read=95).may_start(101)


def test_a_late_end_has_only_what_is_left_of_its_grace() -> None:
    tenure = Tenure(10, 100)
    assert tenure.grace(30, 120) == 30
    assert tenure.grace(30, 140) == 10
    assert tenure.grace(30, 500) == 0


def test_a_host_that_nobody_doubts_may_always() -> None:
    assert ALWAYS.may_start(1e9)
    assert ALWAYS.grace(30, 1e9) == 30
