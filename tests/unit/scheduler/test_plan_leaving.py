"""How copies leave: after a scale, a restart, a failed rollout, and with late or lost routers."""

from typing import Any

import pytest

from deis_control.model import OpPhase
from deis_control.scheduler.changes import pack
from deis_control.scheduler.plan import End, plan_app
from deis_control.scheduler.steps import Place, PutRoute, Raise, Step, Stop, Withdraw
from deis_control.scheduler.world import World
from deis_control.scheduler.writes import change_for
from deis_node.cluster import keys
from deis_node.cluster.etcd import Put
from deis_node.cluster.records import Placement, PlacementState
from tests.worlds import (
    make_address,
    make_copy,
    make_exit,
    make_instance,
    make_placed,
    make_route,
    make_router,
    make_target,
    make_world,
)

ONE, TWO = make_copy(num=1), make_copy(num=2)
AGAIN = make_copy(num=1, generation=2)
OLD, NEW = make_copy(release=1), make_copy(release=2)
WITHDRAWN = make_placed(OLD, state=PlacementState.WITHDRAW, revision=100)


def withdrawn(steps: tuple[Step, ...]) -> list[str]:
    return [step.placed.copy.container for step in steps if isinstance(step, Withdraw)]


def retiring(**changes: Any) -> World:
    """The new copy serves, the old one is withdrawn behind the barrier at revision 100."""
    fields: dict[str, Any] = {
        "serving": [NEW],
        "placed": [WITHDRAWN],
        "seen": {OLD: make_instance(OLD)},
        "route": make_route(2),
    }
    return make_world(make_target(NEW, fresh=True), **fields | changes)


def test_a_scale_down_withdraws_at_once() -> None:
    target = make_target(ONE, old=frozenset({TWO}))
    decision = plan_app(make_world(target, serving=[ONE, TWO], route=make_route(2)))
    assert withdrawn(decision.steps) == [TWO.container]
    withdraw, touch = decision.steps
    assert isinstance(withdraw, Withdraw)
    assert withdraw.serving == ((ONE.container, 30),)
    assert isinstance(touch, PutRoute)


@pytest.mark.parametrize(("old", "new"), [(60, 60), (100, 100), (100, 3), (3, 100), (50, 20)])
def test_no_transaction_takes_more_from_service_than_it_sees_taking_over(
    old: int, new: int
) -> None:
    leaving = [make_copy(release=1, num=n) for n in range(1, old + 1)]
    staying = [make_copy(release=2, num=n) for n in range(1, new + 1)]
    target = make_target(*staying, old=frozenset(leaving))
    world = make_world(target, serving=[*leaving, *staying], route=make_route(2))
    steps = [step for step in plan_app(world).steps if isinstance(step, Withdraw)]
    assert len(steps) == old
    services = {keys.service("hello", copy.container) for copy in staying}
    seen = set[str]()
    for batch in pack(change_for("hello", step, _none) for step in steps):
        sees = services & {compare.key for compare in batch.compares}
        takes = sum(isinstance(op, Put) for op in batch.ops)
        assert len(sees) >= min(takes, new)
        seen |= sees
    assert len(seen) == min(new, 80)


def _none(step: Place) -> Placement:
    raise AssertionError(step)


def test_a_scale_to_nothing_withdraws_everything() -> None:
    target = make_target(route=make_route(2), old=frozenset({ONE, TWO}))
    decision = plan_app(make_world(target, serving=[ONE, TWO], route=make_route(2)))
    assert len(withdrawn(decision.steps)) == 2


def test_a_scale_down_to_a_copy_that_does_not_serve_keeps_the_one_that_does() -> None:
    dead = {ONE: make_instance(ONE, ready=False, last_exit=make_exit())}
    fields: dict[str, Any] = {"placed": [make_placed(ONE)], "seen": dead, "route": make_route(2)}
    target = make_target(ONE, old=frozenset({TWO}))
    first = plan_app(make_world(target, serving=[TWO], **fields))
    assert (first.steps, first.phase, first.wake) == ((), OpPhase.RETIRING, 1060)
    later = make_world(target, serving=[TWO], now=1060.0, timers=first.timers, **fields)
    decision = plan_app(later)
    assert (decision.steps, decision.end) == ((), End.DONE)
    assert decision.notes == ("web.2 still there: no other copy takes requests",)
    rest = make_target(ONE)
    assert withdrawn(plan_app(make_world(rest, serving=[TWO], **fields)).steps) == []
    both = make_world(rest, serving=[ONE, TWO], route=make_route(2))
    assert withdrawn(plan_app(both).steps) == [TWO.container]


def test_a_scale_down_removes_at_once_what_does_not_serve_either() -> None:
    dead = {copy: make_instance(copy, ready=False, last_exit=make_exit()) for copy in (ONE, TWO)}
    target = make_target(ONE, old=frozenset({TWO}))
    placed = [make_placed(ONE), make_placed(TWO)]
    decision = plan_app(make_world(target, placed=placed, seen=dead, route=make_route(2)))
    assert withdrawn(decision.steps) == [TWO.container]


def test_new_copies_of_a_scale_are_confirmed_by_the_routers() -> None:
    target = make_target(ONE, TWO, fresh=frozenset({TWO}))
    before = make_world(target, serving=[ONE, TWO], route=make_route(2), routed=25)
    assert isinstance(plan_app(before).steps[0], PutRoute)
    after = make_world(target, serving=[ONE, TWO], route=make_route(2), routed=40)
    assert plan_app(after).end is End.DONE


def test_a_restart_withdraws_the_old_generation_once_the_new_one_serves() -> None:
    target = make_target(AGAIN, fresh=frozenset({AGAIN}), old=frozenset({ONE}))
    waiting = make_world(target, serving=[ONE], placed=[make_placed(AGAIN)], route=make_route(2))
    assert plan_app(waiting).steps == ()
    serving = make_world(target, serving=[ONE, AGAIN], route=make_route(2))
    assert withdrawn(plan_app(serving).steps) == [ONE.container]


def test_a_restart_that_fails_leaves_the_old_copy_alone() -> None:
    target = make_target(AGAIN, fresh=frozenset({AGAIN}), old=frozenset({ONE}))
    dead = {AGAIN: make_instance(AGAIN, ready=False, last_exit=make_exit(3))}
    fields: dict[str, Any] = {"serving": [ONE], "placed": [make_placed(AGAIN)], "seen": dead}
    decision = plan_app(make_world(target, route=make_route(2), **fields))
    assert (decision.end, decision.sentence) == (End.FAILED, "web.1 exited with code 3")


def test_a_restart_goes_forward_once_old_copies_are_withdrawn() -> None:
    target = make_target(AGAIN, fresh=frozenset({AGAIN}), old=frozenset({ONE}))
    gone = make_placed(ONE, state=PlacementState.STOP)
    dead = {AGAIN: make_instance(AGAIN, ready=False, last_exit=make_exit(3))}
    fields: dict[str, Any] = {"placed": [make_placed(AGAIN), gone], "seen": dead}
    decision = plan_app(make_world(target, route=make_route(2), **fields))
    assert decision.end is End.DONE


def test_at_rest_what_a_failed_rollout_left_is_withdrawn_then_stopped() -> None:
    failed = make_copy(release=3)
    world = make_world(make_target(NEW), serving=[NEW, failed], route=make_route(2))
    assert withdrawn(plan_app(world).steps) == [failed.container]


def test_at_rest_a_copy_that_never_answered_is_stopped_directly() -> None:
    failed = make_copy(release=3)
    dead = make_instance(failed, ready=False, address=None, last_exit=make_exit())
    placed = make_placed(failed)
    world = make_world(
        make_target(NEW), serving=[NEW], placed=[placed], seen={failed: dead}, route=make_route(2)
    )
    assert plan_app(world).steps == (Stop(placed),)


def test_leftovers_of_a_failed_release_go_while_the_next_one_starts() -> None:
    failed, new = make_copy(release=3), make_copy(release=4)
    world = make_world(
        make_target(new, fresh=True),
        serving=[NEW, failed],
        placed=[make_placed(new)],
        route=make_route(2),
    )
    decision = plan_app(world)
    assert withdrawn(decision.steps) == [failed.container]
    assert decision.phase is OpPhase.STARTING


def test_leftovers_wait_until_the_routers_have_confirmed_the_route() -> None:
    failed, new = make_copy(release=3), make_copy(release=4)
    world = make_world(
        make_target(new, fresh=True),
        serving=[NEW, failed],
        placed=[make_placed(new)],
        route=make_route(2),
        routers=(make_router(served=99),),
    )
    assert plan_app(world).steps == ()


def test_requests_in_flight_hold_the_stop() -> None:
    busy = make_router(draining=frozenset({make_address(OLD)}))
    decision = plan_app(retiring(routers=(busy,)))
    assert (decision.steps, decision.phase) == ((), OpPhase.RETIRING)
    assert decision.wake == 1030


def test_requests_of_other_apps_hold_nothing() -> None:
    busy = make_router(draining=frozenset({"10.9.9.9:1"}))
    assert plan_app(retiring(routers=(busy,))).steps == (Stop(WITHDRAWN),)


def test_the_drain_time_ends_the_wait() -> None:
    busy = make_router(draining=frozenset({make_address(OLD)}))
    first = plan_app(retiring(routers=(busy,)))
    later = plan_app(retiring(routers=(busy,), now=1030.0, timers=first.timers))
    assert later.steps == (Stop(WITHDRAWN),)


def test_the_app_may_have_its_own_drain_time() -> None:
    busy = make_router(draining=frozenset({make_address(OLD)}))
    route = make_route(2, drain=5)
    target = make_target(NEW, fresh=True, route=route)
    world = make_world(
        target,
        serving=[NEW],
        placed=[WITHDRAWN],
        seen={OLD: make_instance(OLD)},
        route=route,
        routers=(busy,),
    )
    assert plan_app(world).wake == 1005


def test_a_late_router_is_named_and_costs_the_drain_time() -> None:
    late = make_router(served=99)
    first = plan_app(retiring(routers=(late,)))
    assert (first.steps, first.wake) == ((), 1010)
    second = plan_app(retiring(routers=(late,), now=1010.0, timers=first.timers))
    assert "router-1 has not confirmed" in second.notes[0]
    assert (second.steps, second.wake) == ((), 1040)
    third = plan_app(retiring(routers=(late,), now=1040.0, timers=second.timers))
    assert third.steps == (Stop(WITHDRAWN),)


def test_a_lost_router_holds_old_copies_until_it_counts_no_more() -> None:
    lost = make_router(served=99, gone=990.0)
    first = plan_app(retiring(routers=(lost,)))
    assert (first.steps, first.wake) == ((), 1020)
    later = plan_app(retiring(routers=(lost,), now=1020.0, timers=first.timers))
    assert later.steps == (Stop(WITHDRAWN),)


def test_a_copy_whose_host_is_silent_is_drained_in_full() -> None:
    world = retiring(seen={}, routers=(make_router(),))
    first = plan_app(world)
    assert (first.steps, first.wake) == ((), 1030)


def test_a_withdrawal_behind_no_barrier_raises_one() -> None:
    decision = plan_app(retiring(routed=99, routers=(make_router(),)))
    assert [type(step) for step in decision.steps] == [PutRoute]


def test_many_copies_are_withdrawn_with_one_barrier_at_the_end() -> None:
    many = [make_copy(num=num) for num in range(1, 201)]
    target = make_target(route=make_route(2), old=frozenset(many))
    decision = plan_app(make_world(target, serving=many, route=make_route(2)))
    assert len(withdrawn(decision.steps)) == 200
    assert [type(step) for step in decision.steps].count(PutRoute) == 1
    assert isinstance(decision.steps[-1], PutRoute)


def test_an_app_without_a_route_gets_a_barrier_all_the_same() -> None:
    world = make_world(None, placed=[WITHDRAWN], seen={OLD: make_instance(OLD)}, awaited=99)
    assert plan_app(world).steps == (Raise(),)
