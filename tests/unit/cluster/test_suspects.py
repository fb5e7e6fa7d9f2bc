"""Who is asked first, and who is left alone because he was silent."""

from deis_node.cluster.suspects import LONGEST, SHORTEST, Suspects


def test_who_was_silent_is_asked_last_for_a_while() -> None:
    found = Suspects()
    assert found.in_order(["a", "b", "c"], 0) == ["a", "b", "c"]
    found.failed("a", 0)
    assert found.in_order(["a", "b", "c"], 1) == ["b", "c", "a"]
    assert found.in_order(["a", "b", "c"], SHORTEST) == ["a", "b", "c"]


def test_everybody_is_asked_in_the_end_the_longest_silent_first() -> None:
    found = Suspects()
    found.failed("b", 0)
    found.failed("a", 1)
    assert found.in_order(["a", "b"], 2) == ["b", "a"]


def test_pauses_grow_up_to_a_bound_and_end_with_an_answer() -> None:
    found, now = Suspects(), 0.0
    pauses = []
    for _ in range(6):
        found.failed("a", now)
        began = now
        while found.left_alone("a", now):
            now += 1
        pauses.append(now - began)
    assert pauses == [SHORTEST, 10, 20, 40, LONGEST, LONGEST]
    assert found.silent_since("a") == 0
    found.answered("a")
    assert not found.left_alone("a", now)
    assert found.silent_since("a") is None


def test_what_is_nobodys_any_more_is_forgotten() -> None:
    found = Suspects()
    found.failed("a", 0)
    found.keep(["b"])
    assert found.silent_since("a") is None
