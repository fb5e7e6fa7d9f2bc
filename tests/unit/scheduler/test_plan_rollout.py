"""The way of a new release from nothing to done, each look a decision on what is observed."""

from dataclasses import replace

from deis_control.model import OpPhase
from deis_control.scheduler.plan import End, plan_app
from deis_control.scheduler.steps import Forget, Place, PutRoute, Stop, Withdraw
from deis_node.cluster.records import Phase, PlacementState
from tests.worlds import (
    make_copy,
    make_host,
    make_instance,
    make_placed,
    make_route,
    make_router,
    make_target,
    make_world,
)

OLD = make_copy(release=1)
NEW = make_copy(release=2)
TARGET = make_target(NEW, fresh=True)


def test_missing_copies_are_placed_while_the_old_ones_stay() -> None:
    decision = plan_app(make_world(TARGET, serving=[OLD], route=make_route(1)))
    assert decision.steps == (Place(NEW, "host-1"),)
    assert decision.phase is OpPhase.PLACING
    assert "web.1 on host-1" in decision.sentence


def test_a_copy_that_nobody_reported_yet_is_starting() -> None:
    world = make_world(TARGET, serving=[OLD], placed=[make_placed(NEW)], route=make_route(1))
    decision = plan_app(world)
    assert (decision.steps, decision.phase) == ((), OpPhase.STARTING)
    assert decision.sentence == "web.1: starting on host-1"


def test_a_pull_is_named() -> None:
    seen = {NEW: make_instance(NEW, phase=Phase.PULLING, ready=False, address=None)}
    decision = plan_app(make_world(TARGET, placed=[make_placed(NEW)], seen=seen))
    assert decision.sentence == "web.1: pulling its image on host-1"


def test_a_healthy_copy_without_an_endpoint_waits_for_it() -> None:
    world = make_world(TARGET, placed=[make_placed(NEW)], seen={NEW: make_instance(NEW)})
    decision = plan_app(world)
    assert (decision.steps, decision.phase) == ((), OpPhase.HEALTHY)


def test_an_endpoint_of_another_host_does_not_count() -> None:
    world = make_world(TARGET, serving=[NEW], route=make_route(1))
    moved = make_placed(NEW, host="host-2")
    seen = {f"host-2/{NEW.container}": next(iter(world.instances.values()))}
    decision = plan_app(replace(world, placed={NEW.container: moved}, instances=seen))
    assert decision.phase is OpPhase.HEALTHY


def test_traffic_switches_once_all_are_published() -> None:
    decision = plan_app(make_world(TARGET, serving=[OLD, NEW], route=make_route(1)))
    assert decision.phase is OpPhase.PUBLISHED
    assert decision.steps == (PutRoute(make_route(2), 100, ((NEW.container, 30),)),)


def test_a_worker_needs_no_endpoint() -> None:
    worker = make_copy("worker", release=2)
    target = make_target(worker, fresh=True)
    decision = plan_app(make_world(target, serving=[worker], route=make_route(1)))
    assert decision.steps == (PutRoute(make_route(2), 100, ()),)


def test_a_web_copy_that_opens_no_port_holds_nothing_up() -> None:
    seen = {NEW: make_instance(NEW, address=None)}
    world = make_world(TARGET, placed=[make_placed(NEW)], seen=seen, route=make_route(1))
    assert plan_app(world).phase is OpPhase.PUBLISHED


def test_old_copies_stay_until_the_routers_serve_the_switch() -> None:
    world = make_world(
        TARGET, serving=[OLD, NEW], route=make_route(2), routers=(make_router(served=99),)
    )
    decision = plan_app(world)
    assert (decision.steps, decision.phase) == ((), OpPhase.ROUTED)
    assert "router-1" in decision.sentence


def test_old_copies_are_withdrawn_behind_a_new_barrier_when_the_routers_serve_the_switch() -> None:
    world = make_world(
        TARGET, serving=[OLD, NEW], route=make_route(2), routers=(make_router(served=100),)
    )
    decision = plan_app(world)
    assert decision.phase is OpPhase.RETIRING
    withdraw, touch = decision.steps
    assert withdraw == Withdraw(world.placed[OLD.container], ((NEW.container, 30),))
    assert isinstance(touch, PutRoute)
    assert touch.route == make_route(2)


def test_without_any_router_nothing_is_waited_for() -> None:
    decision = plan_app(make_world(TARGET, serving=[OLD, NEW], route=make_route(2)))
    assert decision.phase is OpPhase.RETIRING


def test_old_workers_are_stopped_without_a_withdrawal() -> None:
    old = make_copy("worker", release=1)
    new = make_copy("worker", release=2)
    world = make_world(make_target(new, fresh=True), serving=[old, new], route=make_route(2))
    decision = plan_app(world)
    assert decision.steps == (Stop(world.placed[old.container]),)
    assert decision.end is End.DONE


def test_withdrawn_copies_are_stopped_when_the_routers_know_and_nothing_is_in_flight() -> None:
    old = make_placed(OLD, state=PlacementState.WITHDRAW, revision=100)
    world = make_world(
        TARGET,
        serving=[NEW],
        placed=[old],
        seen={OLD: make_instance(OLD)},
        route=make_route(2),
        routers=(make_router(served=100),),
    )
    decision = plan_app(world)
    assert decision.steps == (Stop(old),)
    assert decision.end is End.DONE


def test_a_stopped_copy_is_forgotten_after_the_operation_is_done() -> None:
    old = make_placed(OLD, state=PlacementState.STOP)
    gone = make_instance(OLD, phase=Phase.STOPPED, ready=False)
    world = make_world(TARGET, serving=[NEW], placed=[old], seen={OLD: gone}, route=make_route(2))
    decision = plan_app(world)
    assert decision.steps == (Forget(old, 20),)
    assert decision.end is End.DONE


def test_a_copy_that_is_still_stopping_does_not_hold_the_operation() -> None:
    old = make_placed(OLD, state=PlacementState.STOP)
    world = make_world(TARGET, serving=[NEW], placed=[old], route=make_route(2))
    decision = plan_app(world)
    assert (decision.steps, decision.end) == ((), End.DONE)


def test_an_app_without_copies_switches_at_once() -> None:
    target = make_target(route=make_route(2), new_release=True)
    decision = plan_app(make_world(target, route=make_route(1)))
    assert decision.steps == (PutRoute(make_route(2), 100, ()),)
    assert plan_app(make_world(target, route=make_route(2))).end is End.DONE


def test_a_release_without_a_build_is_done_with_the_route_as_it_was() -> None:
    target = make_target(route=make_route(), new_release=True)
    assert plan_app(make_world(target, route=make_route())).end is End.DONE


def test_the_barrier_is_raised_again_when_nobody_could_acknowledge_the_route() -> None:
    world = make_world(
        TARGET, serving=[NEW], route=make_route(2), awaited=50, routers=(make_router(served=50),)
    )
    decision = plan_app(world)
    assert decision.steps == (PutRoute(make_route(2), 100, ()),)


def test_no_host_is_said_and_waited_for() -> None:
    decision = plan_app(make_world(TARGET, hosts=()))
    assert decision.phase is OpPhase.PLACING
    assert decision.sentence == "no host takes web.1: no host is alive"
    assert decision.wake == 1060


def test_copies_are_spread_over_hosts() -> None:
    copies = [make_copy(num=num) for num in (1, 2, 3, 4)]
    hosts = (make_host("host-1"), make_host("host-2"))
    decision = plan_app(make_world(make_target(*copies, fresh=True), hosts=hosts))
    chosen = [step.host for step in decision.steps if isinstance(step, Place)]
    assert chosen == ["host-1", "host-2", "host-1", "host-2"]
