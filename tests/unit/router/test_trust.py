"""When a store may be acted upon (rule 2)."""

import pytest

from deis_node.cluster.records import Incarnation
from deis_node.router.trust import Away, Known, Trusted, judge

KNOWN = Known("i2", 100)


@pytest.mark.parametrize(
    ("known", "found", "revision", "verdict"),
    [
        (None, Incarnation("i1"), 1, Trusted("i1", anew=False)),
        (KNOWN, Incarnation("i2"), 100, Trusted("i2", anew=False)),
        (KNOWN, Incarnation("i3", ("i2", "i1")), 5, Trusted("i3", anew=True)),
        (Known("i2", 100, broken=True), Incarnation("i3", ("i2",)), 5, Trusted("i3", anew=True)),
    ],
)
def test_a_store_that_goes_on_is_trusted(
    known: Known | None, found: Incarnation, revision: int, verdict: Trusted
) -> None:
    assert judge(known, found, revision) == verdict


@pytest.mark.parametrize(
    ("known", "found", "revision", "word"),
    [
        (None, None, 100, "no incarnation"),
        (KNOWN, None, 200, "no incarnation"),
        (KNOWN, Incarnation("x1"), 200, "another incarnation"),
        (KNOWN, Incarnation("i2"), 99, "went back"),
        (Known("i2", 100, broken=True), Incarnation("i2"), 200, "went back"),
    ],
)
def test_any_other_store_counts_as_away(
    known: Known | None, found: Incarnation | None, revision: int, word: str
) -> None:
    verdict = judge(known, found, revision)
    assert isinstance(verdict, Away)
    assert word in verdict.reason
    assert verdict.broken == (word == "went back")
