"""What the view of a copy says about it."""

import pytest

from deis_node.cluster.records import Phase, Prepared
from tests.builders import make_view


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (Phase.PULLING, True),
        (Phase.STARTING, True),
        (Phase.RUNNING, False),
        (Phase.BACKOFF, False),
        (Phase.FAILED, False),
    ],
)
def test_a_copy_is_on_its_way_while_this_host_works_on_it(phase: Phase, expected: bool) -> None:
    assert make_view(phase=phase).on_its_way is expected


def test_a_copy_that_waits_for_another_engine_is_not() -> None:
    assert not make_view(phase=Phase.STARTING, prepared=Prepared(uuid="u")).on_its_way
