"""Decisions at the size of a large cluster, in ten times what they may take (`bench placement`)."""

from collections import Counter

import pytest

from deis_control.scheduler.snapshot import Index
from deis_node.cluster import keys
from deis_node.cluster.names import CopyName
from tests.load import bench_placement as large

COPIES, HOSTS = 10_000, 1_000
PLACED, MOVED = 10.0, 0.5
"""Seconds of the processor."""


@pytest.fixture
def index() -> Index:
    """A thousand hosts in three zones."""
    found = Index()
    for kv in large.host_keys(HOSTS):
        found.take(kv, 0.0)
    return found


def place_all(index: Index) -> dict[CopyName, str]:
    return large.place(index, "big", large.target_of("big", COPIES))


def test_ten_thousand_copies_are_spread_over_a_thousand_hosts_in_one_decision(
    index: Index,
) -> None:
    with large.timed("placed") as took:
        placed = place_all(index)
    each = Counter(placed.values())
    assert (len(placed), len(each)) == (COPIES, HOSTS)
    # 334 and 333 hosts in a zone, and as many copies in each zone.
    assert set(each.values()) == {9, 10, 11}
    assert took.seconds < PLACED


def test_the_loss_of_one_of_a_thousand_hosts_moves_its_copies_alone(index: Index) -> None:
    placed = place_all(index)
    for kv in large.placement_keys(placed):
        index.take(kv, 0.0)
    large.serve(index, "big", placed)
    assert not large.rest(index, "big", COPIES, 1.0).steps
    lost = placed[min(placed)]
    index.drop(keys.host(lost), 2.0)
    with large.timed("moved") as took:
        steps = large.rest(index, "big", COPIES, 9.0).steps
    assert len(steps) == list(placed.values()).count(lost)
    assert took.seconds < MOVED
