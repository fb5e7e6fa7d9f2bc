"""What the leader does next about a one-off command."""

from itertools import product
from typing import Any
from uuid import UUID

import pytest

from deis_control.db.runs import OpenRun
from deis_control.model import RunState
from deis_control.scheduler.run_plan import (
    DESTROYED,
    Collect,
    End,
    Fail,
    Lost,
    NoteStart,
    Put,
    RunLimits,
    RunSeen,
    Step,
    Take,
    Wait,
    plan_run,
)
from deis_node.cluster.records import Instance, Phase, PlacementState
from tests.worlds import make_copy, make_placed

LIMITS = RunLimits(run=1200, pickup=60, pull=600, stop=90)
QUEUED = RunState.QUEUED
ENDED = Instance(Phase.ENDED)
PULLING, RUNS = Instance(Phase.PULLING), Instance(Phase.RUNNING)
PLACED = make_placed(make_copy("run"))
WITHDRAWN = make_placed(make_copy("run"), state=PlacementState.WITHDRAW)


def make(**facts: Any) -> RunSeen:
    """A command that was placed 10 s ago; facts of the row and of what is seen together."""
    seen: dict[str, Any] = {
        "placed": None,
        "instance": None,
        "same_life": True,
        "silent": 0.0,
        "ending": 0.0,
    }
    mine = {name: facts.pop(name) for name in list(facts) if name in seen}
    at = facts.pop("at", 10.0)
    row: dict[str, Any] = {
        "uuid": UUID(int=1),
        "app": UUID(int=2),
        "app_id": "hello",
        "destroying": False,
        "num": 1,
        "state": RunState.RUNNING,
        "release": 2,
        "host": "host-1",
        "container": "hello_v2.run.1",
        "incarnation": "one",
        "reason": "",
        "waited": 20.0,
        "placed": at,
        "ran": None,
    }
    return RunSeen(OpenRun(**row | facts), **seen | mine)


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (make(state=QUEUED), Take()),
        (make(state=QUEUED, waited=1200.0), Fail("run.1 was not taken up within 1200 s")),
        (make(state=QUEUED, destroying=True), Fail(DESTROYED)),
        (make(), Put()),
        (make(destroying=True), Fail(DESTROYED)),
        (make(placed=PLACED), Wait(50.0)),
        (make(placed=PLACED, at=60.0), End("run.1 was not taken up by host-1 within 60 s")),
        (make(placed=PLACED, instance=PULLING, at=60.0), Wait(600.0)),
        (
            make(placed=PLACED, instance=PULLING, at=660.0),
            End("run.1 was not started by host-1 within 660 s"),
        ),
        (make(placed=PLACED, instance=RUNS), NoteStart()),
        (make(placed=PLACED, instance=RUNS, ran=200.0), Wait(1000.0)),
        (make(placed=PLACED, instance=RUNS, ran=1200.0), End("run.1 was stopped after 1200 s")),
        (make(placed=PLACED, instance=RUNS, ran=1.0, destroying=True), End(DESTROYED)),
        (make(placed=PLACED, instance=ENDED, ran=5000.0), Collect()),
        (make(placed=WITHDRAWN, instance=ENDED, reason="r"), Collect()),
        (make(placed=PLACED, reason="r"), End("r")),
        (make(placed=WITHDRAWN, reason="r", ending=30.0), Wait(60.0)),
        (make(placed=WITHDRAWN, reason="r", ending=90.0), Fail("r; host-1 does not answer")),
        (make(placed=PLACED, instance=RUNS, ran=1.0, silent=20.0), Wait(40.0)),
    ],
)
def test_each_situation_has_its_step(seen: RunSeen, step: Step) -> None:
    assert plan_run(seen, LIMITS) == step


def test_what_may_have_run_is_never_placed_again() -> None:
    for ran, reason, life in product((None, 1.0), ("", "r"), (True, False)):
        step = plan_run(make(ran=ran, reason=reason, same_life=life), LIMITS)
        assert isinstance(step, Put) == (ran is None and not reason and life)
        assert isinstance(step, Put | Lost)
    assert isinstance(plan_run(make(at=60.0), LIMITS), Lost)


def test_a_host_that_is_silent_for_too_long_fails_it() -> None:
    step = plan_run(make(placed=PLACED, instance=RUNS, ran=1.0, silent=60.0), LIMITS)
    assert isinstance(step, Fail)
    assert "host-1 does not answer any more" in step.reason
