"""What operations change, to bytes and back."""

import pytest

from deis_control.deltas import (
    BuildDelta,
    ConfigDelta,
    Delta,
    DestroyDelta,
    RefUpdate,
    RestartDelta,
    RollbackDelta,
    ScaleDelta,
    StartDelta,
    StopDelta,
    kind_of,
    read_delta,
)
from deis_control.model import Kind
from deis_node.cluster.records import RecordError

DELTAS = [
    BuildDelta("11111111-2222-4333-8444-555555555555"),
    BuildDelta("x", RefUpdate("refs/heads/master", "0" * 40, "a" * 40)),
    ConfigDelta({"A": None, "B": "é\n"}, {"web": "1G"}, {"web": 1, "x": None}, {"a": "b"}),
    RollbackDelta(3),
    RollbackDelta(),
    ScaleDelta({"web": 0}),
    RestartDelta("web", 1),
    RestartDelta(),
    StopDelta(),
    StopDelta("web"),
    StartDelta(),
    StartDelta("web"),
    DestroyDelta(),
]


@pytest.mark.parametrize("delta", DELTAS)
def test_a_delta_survives_its_storing(delta: Delta) -> None:
    assert read_delta(kind_of(delta), delta.to_bytes()) == delta


def test_a_delta_of_another_kind_is_refused() -> None:
    with pytest.raises(RecordError):
        read_delta(Kind.BUILD, DestroyDelta().to_bytes())
