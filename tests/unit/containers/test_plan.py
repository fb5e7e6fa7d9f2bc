"""What the runner does next for one copy."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.records import PlacementState
from deis_node.cluster.tenure import Tenure
from deis_node.containers.plan import (
    Confirm,
    Create,
    Forget,
    Prepare,
    Present,
    Refuse,
    Remove,
    Rest,
    Restart,
    Situation,
    Start,
    Step,
    Stop,
    next_step,
)
from deis_node.docker.model import State
from tests.builders import make_placement

RUN = make_placement()
WITHDRAW = make_placement(state=PlacementState.WITHDRAW)
STOP = make_placement(state=PlacementState.STOP, grace=12)


def there(state: State = State.RUNNING, **facts: Any) -> Present:
    return Present(**{"id": "c1", "ours": True, "state": state, "fingerprint": "f"} | facts)


def make_situation(**facts: Any) -> Situation:
    defaults: dict[str, Any] = {
        "wanted": RUN,
        "fingerprint": "f",
        "present": None,
        "trusted": True,
        "may_start": True,
        "resume_at": 0.0,
        "now": 100.0,
    }
    return Situation(**defaults | facts)


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        ({}, Create()),
        ({"present": there()}, Rest()),
        ({"present": there(State.PAUSED)}, Rest()),
        ({"present": there(State.CREATED)}, Start("c1")),
        ({"present": there(State.EXITED)}, Start("c1")),
        ({"present": there(State.DEAD)}, Remove("c1")),
        ({"present": there(State.REMOVING)}, Rest(101.0)),
    ],
)
def test_a_copy_that_shall_run_is_brought_up(facts: dict[str, Any], step: Step) -> None:
    assert next_step(make_situation(**facts)) == step


def returned(since: float | None) -> Tenure:
    """Of a host whose record is there since a moment, or is not yet."""
    return Tenure(ttl=10, confirmed=99.0, since=since)


@pytest.mark.parametrize(("since", "step"), [(None, Rest(101.0)), (98.0, Rest(103.0))])
def test_a_host_that_has_just_come_back_ends_nothing_that_its_router_may_lead_to(
    since: float | None, step: Step
) -> None:
    tenure = returned(since)
    assert next_step(make_situation(present=there(), wanted=STOP, tenure=tenure)) == step


@pytest.mark.parametrize(
    "facts",
    [
        {"tenure": returned(95.0)},
        {"wanted": replace(STOP, single=True)},
        {"wanted": replace(STOP, type="worker")},
        {"present": there(hangs=True)},
    ],
)
def test_it_ends_the_rest_at_once(facts: dict[str, Any]) -> None:
    asked = {"present": there(), "wanted": STOP, "tenure": returned(98.0)} | facts
    assert next_step(make_situation(**asked)) == Stop("c1", 12)
    gone = asked | {"present": there(State.EXITED)}
    assert next_step(make_situation(**gone)) == Remove("c1")


def test_a_run_that_hangs_is_ended_while_it_is_wanted() -> None:
    hung = there(hangs=True)
    assert next_step(make_situation(present=hung)) == Restart("c1")
    assert next_step(make_situation(present=hung, wanted=WITHDRAW)) == Rest()
    assert next_step(make_situation(present=hung, wanted=STOP)) == Stop("c1", 12)
    gone = there(State.EXITED, hangs=True)
    assert next_step(make_situation(present=gone)) == Start("c1")


@pytest.mark.parametrize(
    ("present", "step"),
    [
        (there(), Stop("c1", 12)),
        (there(State.EXITED), Remove("c1")),
        (there(State.CREATED), Remove("c1")),
        (None, Confirm()),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_the_word_stop_is_carried_out(present: Present | None, step: Step, trusted: bool) -> None:
    situation = make_situation(wanted=STOP, present=present, trusted=trusted)
    assert next_step(situation) == step


def test_a_missing_placement_ends_a_copy_only_when_the_store_is_trusted() -> None:
    orphan = make_situation(wanted=None, fingerprint="", present=there(), default_grace=9)
    assert next_step(orphan) == Stop("c1", 9)
    assert next_step(replace(orphan, trusted=False)) == Rest()
    assert next_step(replace(orphan, present=None)) == Forget()


def test_a_container_of_somebody_else_is_never_touched() -> None:
    foreign = there(ours=False)
    refused = next_step(make_situation(present=foreign))
    assert refused == Refuse("its name is taken by a container that is not of this platform")
    assert next_step(make_situation(present=foreign, wanted=STOP)) == Confirm()
    assert next_step(make_situation(present=foreign, wanted=None)) == Forget()


@pytest.mark.parametrize("present", [None, there(State.EXITED), there(State.CREATED)])
def test_a_withdrawn_copy_is_not_brought_back(present: Present | None) -> None:
    assert next_step(make_situation(wanted=WITHDRAW, present=present)) == Rest()


def test_a_withdrawn_copy_runs_on() -> None:
    assert next_step(make_situation(wanted=WITHDRAW, present=there())) == Rest()


def test_nothing_is_started_before_the_pause_is_over() -> None:
    early = make_situation(present=there(State.EXITED), resume_at=130.0)
    assert next_step(early) == Rest(130.0)
    assert next_step(replace(early, present=None)) == Rest(130.0)
    assert next_step(replace(early, now=130.0)) == Start("c1")


def test_nothing_is_started_while_starts_are_held_back() -> None:
    assert next_step(make_situation(may_start=False)) == Rest()


def test_a_container_that_was_made_for_another_placement_is_replaced() -> None:
    other = make_situation(present=there(fingerprint="x"))
    assert next_step(other) == Stop("c1", 30)
    assert next_step(replace(other, present=there(State.EXITED, fingerprint="x"))) == Remove("c1")
    assert next_step(replace(other, trusted=False)) == Rest()
    assert next_step(replace(other, wanted=WITHDRAW)) == Rest()


_PRESENTS = st.none() | st.builds(
    Present,
    id=st.just("c1"),
    ours=st.booleans(),
    state=st.sampled_from(State),
    fingerprint=st.sampled_from(["f", "x"]),
)
_SITUATIONS = st.builds(
    make_situation,
    wanted=st.sampled_from([None, RUN, WITHDRAW, STOP]),
    present=_PRESENTS,
    trusted=st.booleans(),
    may_start=st.booleans(),
    resume_at=st.sampled_from([0.0, 200.0]),
)


@given(_SITUATIONS)
def test_absence_and_doubt_never_end_a_container(situation: Situation) -> None:
    step = next_step(situation)
    asked = situation.wanted is not None and situation.wanted.state is PlacementState.STOP
    if isinstance(step, Stop) or (isinstance(step, Remove) and not asked):
        running = situation.present is not None and situation.present.ours
        assert running
        dead = situation.present is not None and situation.present.state is State.DEAD
        assert situation.trusted or asked or dead


SINGLE = make_placement(single=True, grace=30)
HELD = Tenure(ttl=10, confirmed=95, since=50, read=60)
"""It ends at 115."""


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        ({"present": there()}, Rest(115)),
        ({"present": there(State.EXITED)}, Start("c1")),
        ({}, Create()),
        ({"tenure": replace(HELD, since=None)}, Rest(101.0)),
        ({"tenure": replace(HELD, read=40)}, Rest(101.0)),
        ({"present": there(State.EXITED), "tenure": replace(HELD, read=40)}, Rest(101.0)),
        ({"present": there(), "tenure": replace(HELD, since=None)}, Rest(115)),
        ({"present": there(), "now": 115.0}, Stop("c1", 30)),
        ({"present": there(), "now": 135.0}, Stop("c1", 10)),
        ({"present": there(), "now": 999.0}, Stop("c1", 0)),
        ({"present": there(State.EXITED), "now": 115.0}, Rest(116.0)),
        ({"now": 115.0}, Rest(116.0)),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_copy_that_must_be_alone_runs_only_while_the_host_is_confirmed(
    facts: dict[str, Any], step: Step, trusted: bool
) -> None:
    situation = make_situation(wanted=SINGLE, trusted=trusted, **{"tenure": HELD} | facts)
    assert next_step(situation) == step


def test_other_copies_run_on_without_a_word_of_the_store() -> None:
    assert next_step(make_situation(present=there(), tenure=HELD, now=999.0)) == Rest()


# --- copies whose containers another scheduling engine makes -----------------------------

THEIRS = make_placement(engine="swarm")


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        ({}, Prepare()),
        ({"prepared": True}, Rest()),
        ({"may_start": False}, Rest()),
        ({"resume_at": 105.0}, Rest(105.0)),
        ({"present": there(adopted=True)}, Rest()),
        ({"present": there(State.EXITED, adopted=True)}, Rest()),
        ({"present": there(State.CREATED, adopted=True)}, Rest()),
        ({"present": there(adopted=True, fingerprint="another")}, Rest()),
        ({"present": there(adopted=True, hangs=True)}, Restart("c1")),
        (
            {"present": there(State.CREATED, adopted=True, error="No command specified")},
            Refuse("the image names no command, and the app names none for web"),
        ),
        ({"wanted": replace(THEIRS, state=PlacementState.WITHDRAW)}, Rest()),
        (
            {
                "wanted": replace(THEIRS, state=PlacementState.WITHDRAW),
                "present": there(adopted=True, hangs=True),
            },
            Rest(),
        ),
        ({"wanted": replace(THEIRS, state=PlacementState.STOP)}, Confirm()),
        (
            {
                "wanted": replace(THEIRS, state=PlacementState.STOP),
                "present": there(State.EXITED, adopted=True),
            },
            Rest(),
        ),
        ({"wanted": None, "present": there(adopted=True)}, Rest()),
        ({"wanted": None}, Forget()),
    ],
)
def test_a_container_of_another_engine_is_prepared_for_and_awaited(
    facts: dict[str, Any], step: Step
) -> None:
    assert next_step(make_situation(**{"wanted": THEIRS} | facts)) == step


@given(
    state=st.sampled_from(PlacementState),
    there=st.none() | st.builds(there, st.sampled_from(State), adopted=st.just(True)),
    trusted=st.booleans(),
    wanted=st.booleans(),
)
def test_a_container_of_another_engine_is_never_made_started_or_removed_here(
    state: PlacementState, there: Present | None, trusted: bool, wanted: bool
) -> None:
    placement = replace(THEIRS, state=state) if wanted else None
    if placement is None and there is None:
        return
    step = next_step(make_situation(wanted=placement, present=there, trusted=trusted))
    assert not isinstance(step, Create | Start | Stop | Remove)
