"""When a copy counts as ready."""

import pytest

from deis_node.cluster.records import HealthCheck
from deis_node.publisher.readiness import State, Target, after_answer, first_pause
from deis_node.publisher.settings import PublisherSettings

SETTINGS = PublisherSettings()


def answer(state: State, error: str | None, *, checked: bool = True) -> State:
    return after_answer(state, error, checked=checked, settings=SETTINGS)


def test_questions_come_slower_until_the_first_good_answer() -> None:
    state, pauses = State(ready=False), []
    for _ in range(20):
        state = answer(state, "no")
        pauses.append(state.pause or 0.0)
    assert pauses[0] == 0.05
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.0
    assert (state.ready, state.error) == (False, "no")
    assert answer(state, None) == State(ready=True, pause=10.0)


def test_an_open_port_need_not_be_asked_again() -> None:
    assert answer(State(ready=False), None, checked=False).pause is None


def test_three_failures_in_a_row_make_a_ready_copy_not_ready() -> None:
    state = State(ready=True)
    for error in ("a", "b"):
        state = answer(state, error)
        assert state.ready
    assert not answer(state, "c").ready
    assert answer(answer(state, None), "d").ready


def test_a_copy_that_a_former_agent_found_ready_is_asked_at_once() -> None:
    target = Target("r", "172.17.0.2:5000", HealthCheck("/", initial_delay=30))
    assert first_pause(target, adopted=True, settings=SETTINGS) == 0
    assert first_pause(target, adopted=False, settings=SETTINGS) == 30


def test_delays_are_bounded() -> None:
    def pause(delay: float) -> float:
        target = Target("r", "a:1", HealthCheck("/", initial_delay=delay))
        return first_pause(target, adopted=False, settings=SETTINGS)

    assert (pause(-5), pause(1e300)) == (0, 3600)


@pytest.mark.parametrize(("asked", "pause"), [(None, 1.0), (0, 0), (5, 5), (1e300, 3600), (-1, 0)])
def test_a_copy_without_a_port_must_run_for_a_while(asked: float | None, pause: float) -> None:
    target = Target("r", None, runs_for=asked)
    assert first_pause(target, adopted=False, settings=SETTINGS) == pause
