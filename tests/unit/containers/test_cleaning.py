"""Which images may go."""

from deis_node.containers.cleaning import plan_cleaning

A, B = "r/app@a", "r/app@b"


def test_an_image_goes_when_it_was_unused_long_enough() -> None:
    first = plan_cleaning(frozenset({A, B}), frozenset({B}), {}, now=0, keep=10)
    assert (first.remove, first.unused_since) == (frozenset(), {A: 0})
    later = plan_cleaning(frozenset({A, B}), frozenset({B}), first.unused_since, now=10, keep=10)
    assert later.remove == {A}


def test_use_in_between_starts_the_time_anew() -> None:
    used = plan_cleaning(frozenset({A}), frozenset({A}), {A: 0}, now=9, keep=10)
    assert used.unused_since == {}
    again = plan_cleaning(frozenset({A}), frozenset(), used.unused_since, now=11, keep=10)
    assert again.remove == frozenset()
