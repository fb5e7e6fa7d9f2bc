"""What a one-off command's worker does next: above all, never start it twice."""

from itertools import product
from typing import Any

import pytest

from deis_node.cluster.records import PlacementState
from deis_node.containers import once
from deis_node.containers.once import HandOver, OneOff, Prepare, StartOnce, next_step
from deis_node.containers.plan import Present, Remove, Rest, Stop
from deis_node.docker.model import State

RUN, WITHDRAW = PlacementState.RUN, PlacementState.WITHDRAW


def make(present: Present | None = None, **facts: Any) -> OneOff:
    defaults: dict[str, Any] = {
        "state": RUN,
        "uuid": "u1",
        "grace": 5.0,
        "present": present,
        "trusted": True,
        "begun": False,
        "over": None,
        "unclear": 0.0,
        "resume_at": 0.0,
        "now": 100.0,
    }
    return OneOff(**defaults | facts)


def there(state: State, **facts: Any) -> Present:
    return Present(**{"id": "c1", "ours": True, "state": state, "run": "u1"} | facts)


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (make(), Prepare()),
        (make(trusted=False), Rest()),
        (make(resume_at=101.0), Rest(101.0)),
        (make(state=WITHDRAW), HandOver(None, once.NOT_STARTED)),
        (make(begun=True), HandOver(None, once.LOST)),
        (make(over="no image"), HandOver(None, "no image")),
        (make(there(State.CREATED)), StartOnce("c1")),
        (make(there(State.CREATED), trusted=False), Rest()),
        (make(there(State.CREATED), state=WITHDRAW), HandOver(None, once.NOT_STARTED)),
        (make(there(State.CREATED), begun=True), Rest(100.5)),
        (make(there(State.CREATED), begun=True, unclear=10), HandOver(None, once.INTERRUPTED)),
        (make(there(State.RUNNING)), Rest()),
        (make(there(State.RUNNING), state=WITHDRAW), Stop("c1", 5.0)),
        (make(there(State.EXITED)), HandOver("c1")),
        (make(there(State.DEAD)), HandOver("c1")),
        (make(there(State.REMOVING)), Rest(100.5)),
        (make(there(State.EXITED, ours=False)), HandOver(None, once.TAKEN)),
        (make(there(State.EXITED, run="u0")), Remove("c1")),
        (make(there(State.RUNNING, run="u0")), Stop("c1", 5.0)),
    ],
)
def test_each_situation_has_its_step(seen: OneOff, step: once.Step) -> None:
    assert next_step(seen) == step


def test_nothing_that_may_have_begun_is_made_or_started() -> None:
    presents = [None, *(there(state) for state in State)]
    for present, trusted, state, unclear in product(
        presents, (True, False), (RUN, WITHDRAW), (0.0, 60.0)
    ):
        step = next_step(make(present, begun=True, trusted=trusted, state=state, unclear=unclear))
        assert not isinstance(step, Prepare | StartOnce)


def test_its_container_is_never_removed_before_the_leader_is_done() -> None:
    for found, begun, state in product(State, (True, False), (RUN, WITHDRAW)):
        step = next_step(make(there(found), begun=begun, state=state, unclear=60.0))
        assert not isinstance(step, Remove)
