"""Summaries of releases, word by word (semantics.md section 3)."""

from deis_control.model import ConfigData
from deis_control.rules import (
    initial_summary,
    next_version,
    release_summary,
    rollback_summary,
)
from tests.unit.control.builders import make_build

EMPTY = ConfigData()


def test_first_and_rolled_back() -> None:
    assert initial_summary("bob") == "bob created initial release"
    assert rollback_summary("bob", 3) == "bob rolled back to v3"
    assert next_version(3) == 4


def test_a_build_is_named_by_seven_digits_or_its_image() -> None:
    pushed, pulled = make_build(sha="abcdef0123"), make_build(sha="", image="a/b:1")
    assert release_summary("bob", EMPTY, EMPTY, None, pushed) == "bob deployed abcdef0"
    assert release_summary("bob", EMPTY, EMPTY, pushed, pulled) == "bob deployed a/b:1"


def test_values_added_changed_and_deleted_are_sorted() -> None:
    old = ConfigData(values={"A": "1", "B": "1", "C": "1"})
    new = ConfigData(values={"B": "2", "C": "1", "Z": "1", "D": "1"})
    assert release_summary("bob", old, new) == "bob added D, Z, changed B, deleted A"


def test_limits_and_tags() -> None:
    assert release_summary("bob", EMPTY, ConfigData(memory={"web": "1G"})) == (
        "bob changed limits for memory"
    )
    assert release_summary("bob", EMPTY, ConfigData(cpu={"web": 1})) == (
        "bob changed limits for cpu"
    )
    old, new = ConfigData(tags={"a": "1", "b": "1"}), ConfigData(tags={"b": "2", "c": "1"})
    assert release_summary("bob", old, new) == "bob added tag c, changed tag b, deleted tag a"


def test_several_changes_are_joined_in_order() -> None:
    new = ConfigData({"PORT": "1"}, {"web": "1G"}, {"web": 1}, {"rack": "1"})
    assert release_summary("bob", EMPTY, new, None, make_build(sha="", image="x")) == (
        "bob deployed x and bob added PORT and bob changed limits for memory, cpu"
        " and bob added tag rack"
    )


def test_the_same_again_changed_nothing() -> None:
    build = make_build()
    assert release_summary("bob", EMPTY, EMPTY, build, build) == "bob changed nothing"
