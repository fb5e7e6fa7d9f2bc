"""Steady state: nothing to do, something missing, the store emptied, the database behind it."""

from dataclasses import replace
from typing import Any

from deis_control.scheduler.plan import BEHIND, End, plan_app
from deis_control.scheduler.steps import DropRoute, Place, PutRoute, Stop, Withdraw
from deis_node.cluster.records import Phase, PlacementState
from tests.worlds import (
    make_copy,
    make_instance,
    make_placed,
    make_route,
    make_router,
    make_target,
    make_world,
)

ONE, TWO = make_copy(num=1), make_copy(num=2)


def test_an_app_as_it_should_be_needs_nothing_and_no_timer() -> None:
    decision = plan_app(make_world(make_target(ONE, TWO), serving=[ONE, TWO], route=make_route(2)))
    assert (decision.steps, decision.end, decision.wake) == ((), End.DONE, None)


def test_a_missing_copy_is_placed_again() -> None:
    decision = plan_app(make_world(make_target(ONE, TWO), serving=[ONE], route=make_route(2)))
    assert decision.steps == (Place(TWO, "host-1"),)


def test_a_crashed_copy_is_its_hosts_business() -> None:
    dead = make_instance(TWO, ready=False, phase=Phase.CRASHED)
    world = make_world(
        make_target(ONE, TWO),
        serving=[ONE],
        placed=[make_placed(TWO)],
        seen={TWO: dead},
        route=make_route(2),
    )
    decision = plan_app(world)
    assert (decision.steps, decision.wake) == ((), None)


def test_without_instances_and_endpoints_nothing_is_concluded() -> None:
    placed = [make_placed(ONE), make_placed(TWO)]
    decision = plan_app(make_world(make_target(ONE, TWO), placed=placed, route=make_route(2)))
    assert decision.steps == ()


def test_without_hosts_nothing_is_moved() -> None:
    placed = [make_placed(ONE)]
    world = make_world(make_target(ONE), placed=placed, route=make_route(2), hosts=())
    assert plan_app(world).steps == ()


def test_a_new_app_gets_its_route() -> None:
    decision = plan_app(make_world(make_target(route=make_route())))
    assert decision.steps == (PutRoute(make_route(), 0, ()),)


def test_a_lost_route_comes_back_when_the_copies_serve() -> None:
    target = make_target(ONE)
    assert plan_app(make_world(target, placed=[make_placed(ONE)])).steps == ()
    assert plan_app(make_world(target, serving=[ONE])).steps == (
        PutRoute(make_route(2), 0, ((ONE.container, 30),)),
    )


def test_other_domains_are_written_without_waiting_for_copies() -> None:
    route = replace(make_route(2), domains=("example.org",))
    world = make_world(
        make_target(ONE, route=route), placed=[make_placed(ONE)], route=make_route(2)
    )
    assert plan_app(world).steps == (PutRoute(route, 100, ()),)


def test_surplus_is_withdrawn_only_when_somebody_else_serves() -> None:
    target = make_target(ONE)
    alone = make_world(target, serving=[TWO], placed=[make_placed(ONE)], route=make_route(2))
    assert plan_app(alone).steps == ()
    both = make_world(target, serving=[ONE, TWO], route=make_route(2))
    assert isinstance(plan_app(both).steps[0], Withdraw)


def test_a_wanted_copy_that_was_told_to_end_goes_and_comes_again() -> None:
    stopped = make_placed(ONE, state=PlacementState.STOP)
    gone = {ONE: make_instance(ONE, phase=Phase.STOPPED, ready=False)}
    world = make_world(make_target(ONE), placed=[stopped], seen=gone, route=make_route(2))
    assert [type(step).__name__ for step in plan_app(world).steps] == ["Forget"]


def test_a_database_behind_the_store_removes_nothing() -> None:
    surplus = make_world(
        make_target(ONE), serving=[ONE, TWO], route=make_route(2), may_remove=False
    )
    decision = plan_app(surplus)
    assert decision.steps == ()
    assert "behind the store" in decision.sentence
    assert decision.notes == (BEHIND,)


def test_a_database_behind_the_store_removes_no_unknown_app() -> None:
    decision = plan_app(make_world(None, serving=[ONE], route=make_route(2), may_remove=False))
    assert (decision.steps, decision.end) == ((), None)


def test_a_database_behind_the_store_places_what_is_missing() -> None:
    world = make_world(make_target(ONE), route=make_route(2), may_remove=False)
    assert plan_app(world).steps == (Place(ONE, "host-1"),)


def test_an_app_that_goes_loses_its_route_with_the_withdrawal() -> None:
    worker = make_copy("worker")
    world = make_world(None, serving=[ONE, worker], route=make_route(2))
    stop, withdraw, drop = plan_app(world).steps
    assert stop == Stop(world.placed[worker.container])
    assert withdraw == Withdraw(world.placed[ONE.container])
    assert drop == DropRoute(100)


def test_an_app_that_goes_without_copies_loses_its_route() -> None:
    assert plan_app(make_world(None, route=make_route(2))).steps == (DropRoute(100),)


def test_copies_of_an_app_that_goes_end_behind_the_barrier() -> None:
    leaving = make_placed(ONE, state=PlacementState.WITHDRAW, revision=200)
    fields: dict[str, Any] = {
        "placed": [leaving],
        "seen": {ONE: make_instance(ONE)},
        "awaited": 200,
    }
    waiting = make_world(None, routers=(make_router(served=199),), **fields)
    assert plan_app(waiting).steps == ()
    passed = make_world(None, routers=(make_router(served=200),), **fields)
    assert plan_app(passed).steps == (Stop(leaving),)


def test_an_app_is_gone_when_nothing_is_left_of_it() -> None:
    assert plan_app(make_world(None)).end is End.DONE


def test_a_host_that_never_confirms_does_not_keep_an_app_for_ever() -> None:
    stopping = make_placed(ONE, state=PlacementState.STOP)
    first = plan_app(make_world(None, placed=[stopping]))
    assert (first.end, first.wake) == (None, 1060)
    later = make_world(None, placed=[stopping], now=1060.0, timers=first.timers)
    assert plan_app(later).end is End.DONE


def test_a_database_behind_the_store_takes_no_app_back_to_an_older_release() -> None:
    newer = make_copy(release=3)
    world = make_world(make_target(ONE), serving=[newer], route=make_route(3), may_remove=False)
    decision = plan_app(world)
    assert (decision.steps, decision.end) == ((), End.DONE)
    assert "behind the store" in decision.sentence


def test_an_operation_of_a_database_behind_the_store_moves_traffic_and_stops_nothing() -> None:
    new = make_copy(release=3)
    target = make_target(new, fresh=True)
    before = make_world(target, serving=[ONE, new], route=make_route(2), may_remove=False)
    assert [type(step) for step in plan_app(before).steps] == [PutRoute]
    after = make_world(
        target,
        serving=[ONE, new],
        route=make_route(3),
        routers=(make_router(),),
        may_remove=False,
    )
    decision = plan_app(after)
    assert (decision.steps, decision.end) == ((), End.DONE)


def test_a_restart_of_a_database_behind_the_store_ends_only_what_it_makes_again() -> None:
    again = make_copy(num=1, generation=2)
    target = make_target(again, fresh=frozenset({again}), old=frozenset({ONE}))
    world = make_world(
        target, serving=[ONE, TWO, again], route=make_route(2), routers=(make_router(),)
    )
    decision = plan_app(replace(world, may_remove=False))
    left = [step.placed.copy for step in decision.steps if isinstance(step, Withdraw)]
    assert left == [ONE]
    assert BEHIND in decision.notes


def test_a_restart_of_a_release_that_an_older_database_takes_for_live_does_nothing() -> None:
    newer = make_copy(release=3)
    nothing = make_target(route=make_route(2))
    world = make_world(nothing, serving=[newer], route=make_route(3), may_remove=False)
    decision = plan_app(world)
    assert (decision.steps, decision.end) == ((), End.DONE)
    assert "behind the store" in decision.sentence


def test_an_app_that_goes_waits_for_its_one_off_commands_a_while() -> None:
    first = plan_app(make_world(None, runs=1))
    assert (first.end, first.steps) == (None, ())
    later = make_world(None, runs=1, now=1060.0, timers=first.timers)
    assert plan_app(later).end is End.DONE


def test_one_off_commands_do_not_keep_an_app_from_rest() -> None:
    world = make_world(make_target(ONE), serving=[ONE], route=make_route(2), runs=3)
    decision = plan_app(world)
    assert (decision.end, decision.steps) == (End.DONE, ())
