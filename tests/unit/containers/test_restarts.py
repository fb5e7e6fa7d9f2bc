"""When an ended container is started again."""

from deis_node.containers.restarts import Failures, Policy, Restarts, after_exit, after_failure

POLICY = Policy()


def crash(times: int, *, ran: float = 0.1, state: Restarts | None = None) -> Restarts:
    state = state or Restarts()
    for _ in range(times):
        state = after_exit(state, POLICY, ran=ran, now=state.resume_at + ran)
    return state


def test_the_first_restart_comes_at_once() -> None:
    state = after_exit(Restarts(), POLICY, ran=3, now=50)
    assert (state.count, state.resume_at, state.crashed) == (1, 50.1, False)


def test_pauses_double_up_to_the_longest() -> None:
    policy = Policy(crashes=100)
    state, pauses = Restarts(), []
    for _ in range(12):
        state = after_exit(state, policy, ran=1, now=state.resume_at + 1)
        pauses.append(state.pause)
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == 30


def test_the_fifth_exit_within_a_minute_is_a_crash() -> None:
    assert not crash(4).crashed
    crashed = crash(5)
    assert crashed.crashed
    assert crashed.pause == 60


def test_exits_that_are_far_apart_are_no_crash() -> None:
    assert not crash(20, ran=16).crashed


def test_a_crashed_copy_stays_crashed_until_it_has_run_steadily() -> None:
    crashed = crash(5)
    again = crash(1, state=crashed)
    assert (again.crashed, again.pause, again.count) == (True, 60, 6)
    calm = crash(1, ran=60, state=again)
    assert (calm.crashed, calm.pause, calm.count) == (False, 0.1, 7)


def test_failures_pause_longer_each_time_and_remember_the_first() -> None:
    state = Failures()
    for now in (10, 20, 30, 40):
        state = after_failure(state, first=1, longest=5, now=now)
    assert state == Failures(since=10, pause=5, resume_at=45)
