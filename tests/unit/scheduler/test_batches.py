"""Which copies come when, and what the routers are told meanwhile."""

from dataclasses import replace

import pytest

from deis_control.model import OpPhase
from deis_control.scheduler.batches import divided
from deis_control.scheduler.plan import Decision, End, plan_app
from deis_control.scheduler.steps import Place, PutRoute, Withdraw
from deis_control.scheduler.world import Cause, Displacement, Placed, Target, Workers, World
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Phase, Route
from tests.worlds import (
    make_copy,
    make_exit,
    make_instance,
    make_placed,
    make_route,
    make_router,
    make_target,
    make_world,
)

OLD = [make_copy(release=1, num=num) for num in (1, 2, 3, 4)]
NEW = [make_copy(release=2, num=num) for num in (1, 2, 3, 4)]
WORKER = make_copy("worker", release=2)
TARGET = make_target(*NEW, fresh=True, batches=2)
HALF = Route("hello", releases={"1": 2, "2": 2})
ALL = {"1": 0, "2": 4}


def target(*copies: CopyName, batches: int = 1, workers: Workers = Workers.WITH) -> Target:
    return make_target(*copies, fresh=True, batches=batches, workers=workers)


def processes(part: frozenset[CopyName]) -> list[str]:
    return [copy.process for copy in sorted(part)]


def placed_by(decision: Decision) -> list[str]:
    return [step.copy.process for step in decision.steps if isinstance(step, Place)]


def test_each_type_is_divided_evenly() -> None:
    copies = [*NEW, make_copy("worker", release=2, num=1), make_copy("worker", release=2, num=2)]
    parts = divided(target(*copies, batches=2))
    assert [processes(part) for part in parts] == [
        ["web.1", "web.2", "worker.1"],
        ["web.3", "web.4", "worker.2"],
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 100])
def test_no_part_is_empty_and_no_copy_is_left_out(count: int) -> None:
    parts = divided(target(*NEW, batches=count))
    assert len(parts) == min(count, 4)
    assert all(parts)
    assert sorted(copy for part in parts for copy in part) == NEW


@pytest.mark.parametrize(
    ("workers", "order"),
    [
        (Workers.BEFORE, [["worker.1"], ["web.1"]]),
        (Workers.WITH, [["web.1", "worker.1"]]),
        (Workers.AFTER, [["web.1"], ["worker.1"]]),
    ],
)
def test_workers_change_when_the_app_likes(workers: Workers, order: list[list[str]]) -> None:
    parts = divided(target(NEW[0], WORKER, workers=workers))
    assert [processes(part) for part in parts] == order


def test_a_batch_starts_no_more_than_its_copies() -> None:
    decision = plan_app(make_world(TARGET, serving=OLD, route=make_route(1)))
    assert placed_by(decision) == ["web.1", "web.2"]
    assert decision.sentence.startswith("batch 1 of 2: placing web.1")


def test_its_copies_get_the_share_of_the_traffic_that_they_will_have_at_the_end() -> None:
    decision = plan_app(make_world(TARGET, serving=[*OLD, *NEW[:2]], route=make_route(1)))
    (step,) = decision.steps
    assert isinstance(step, PutRoute)
    assert step.route == HALF
    assert [name for name, _ in step.serving] == [copy.container for copy in NEW[:2]]
    words = "batch 1 of 2: the routers shall serve v1 (2 of 4) and v2 (2 of 4)"
    assert decision.sentence == words


def test_the_old_releases_whitelist_holds_until_the_end() -> None:
    closed = replace(make_route(1), whitelist=("10.0.0.0/8",))
    decision = plan_app(make_world(TARGET, serving=[*OLD, *NEW[:2]], route=closed))
    (step,) = decision.steps
    assert isinstance(step, PutRoute)
    assert step.route.whitelist == ("10.0.0.0/8",)


def test_the_next_batch_waits_for_the_routers() -> None:
    world = make_world(
        TARGET, serving=[*OLD, *NEW[:2]], route=HALF, routers=(make_router(served=99),)
    )
    decision = plan_app(world)
    assert (decision.steps, decision.phase) == ((), OpPhase.ROUTED)
    world = replace(world, routers=(make_router(served=100),))
    decision = plan_app(world)
    assert placed_by(decision) == ["web.3", "web.4"]
    assert decision.sentence.startswith("batch 2 of 2: placing web.3")


def test_a_batch_that_has_begun_goes_on_whoever_leads() -> None:
    begun = make_placed(NEW[3])
    world = make_world(TARGET, serving=[*OLD, *NEW[:2]], placed=[begun], route=HALF)
    assert placed_by(plan_app(world)) == ["web.3"]


def test_a_late_router_of_an_early_batch_is_named() -> None:
    world = make_world(
        TARGET, serving=[*OLD, *NEW[:2]], route=HALF, routers=(make_router(served=99),)
    )
    first = plan_app(world)
    later = plan_app(replace(world, now=1010.0, timers=first.timers))
    assert placed_by(later) == ["web.3", "web.4"]
    assert later.notes == ("router-1 has not confirmed the change, going on without it",)


def test_all_old_copies_stay_until_all_new_ones_serve() -> None:
    for serving, route in (([*OLD, *NEW[:2]], HALF), ([*OLD, *NEW], HALF)):
        decision = plan_app(make_world(TARGET, serving=serving, route=route))
        assert not any(isinstance(step, Withdraw) for step in decision.steps)
    decision = plan_app(make_world(TARGET, serving=[*OLD, *NEW], route=make_route(2)))
    withdrawn = [step.placed.copy for step in decision.steps if isinstance(step, Withdraw)]
    assert sorted(withdrawn) == OLD


def half_way(dead: CopyName, **facts: object) -> World:
    """The first batch is routed, and a copy of the second has ended."""
    others = [copy for copy in NEW[:2] if copy != dead]
    ended = make_instance(dead, ready=False, phase=Phase.BACKOFF, last_exit=make_exit(3))
    return make_world(
        TARGET,
        serving=[*OLD, *others],
        placed=[make_placed(dead)],
        seen={dead: ended},
        route=HALF,
        **facts,
    )


@pytest.mark.parametrize("dead", [NEW[0], NEW[2]])
def test_a_failure_in_any_batch_gives_all_traffic_back_and_then_fails(dead: CopyName) -> None:
    world = half_way(dead)
    decision = plan_app(world)
    assert (decision.steps, decision.end) == ((PutRoute(make_route(1), 100),), None)
    assert decision.sentence == f"traffic goes back to v1: {dead.process} exited with code 3"
    assert world.route is not None
    back = replace(world, route=replace(world.route, route=make_route(1), revision=200))
    decision = plan_app(back)
    assert (decision.steps, decision.end) == ((), End.FAILED)
    assert decision.sentence == f"{dead.process} exited with code 3"


def test_a_cancel_gives_all_traffic_back() -> None:
    world = make_world(TARGET, serving=[*OLD, *NEW[:2]], route=HALF, cancel=True)
    assert plan_app(world).steps == (PutRoute(make_route(1), 100),)


def test_a_host_that_is_missed_too_long_gives_all_traffic_back() -> None:
    world = make_world(TARGET, serving=[*OLD, *NEW[:2]], route=HALF, hosts=())
    first = plan_app(world)
    assert first.sentence == "batch 2 of 2: no host takes web.3: no host is alive"
    later = plan_app(replace(world, now=1060.0, timers=first.timers))
    assert later.steps == (PutRoute(make_route(1), 100),)


def test_workers_that_come_after_are_not_started_before_all_traffic_moved() -> None:
    after = target(*NEW, WORKER, workers=Workers.AFTER)
    decision = plan_app(make_world(after, serving=[*OLD, *NEW], route=make_route(1)))
    assert decision.steps == (
        PutRoute(
            Route("hello", releases=ALL), 100, tuple((copy.container, 30) for copy in sorted(NEW))
        ),
    )
    world = make_world(after, serving=[*OLD, *NEW], route=Route("hello", releases=ALL))
    assert placed_by(plan_app(world)) == ["worker.1"]


def test_a_worker_that_comes_after_and_ends_gives_all_traffic_back() -> None:
    after = target(*NEW, WORKER, workers=Workers.AFTER)
    ended = make_instance(WORKER, ready=False, phase=Phase.BACKOFF, last_exit=make_exit(3))
    world = make_world(
        after,
        serving=[*OLD, *NEW],
        placed=[make_placed(WORKER)],
        seen={WORKER: ended},
        route=Route("hello", releases=ALL),
    )
    assert plan_app(world).steps == (PutRoute(make_route(1), 100),)


def test_workers_that_come_before_move_no_traffic() -> None:
    before = target(*NEW, WORKER, workers=Workers.BEFORE)
    world = make_world(before, serving=[*OLD, WORKER], route=make_route(1))
    assert placed_by(plan_app(world)) == ["web.1", "web.2", "web.3", "web.4"]


def test_the_first_release_is_routed_once_all_of_it_serves() -> None:
    decision = plan_app(make_world(TARGET, serving=NEW[:2]))
    assert placed_by(decision) == ["web.3", "web.4"]
    (step,) = plan_app(make_world(TARGET, serving=NEW)).steps
    assert isinstance(step, PutRoute)
    assert step.route == make_route(2)


def test_a_restart_comes_in_batches_too() -> None:
    again = [replace(copy, generation=2) for copy in NEW]
    restart = make_target(*again, fresh=frozenset(again), old=frozenset(NEW), batches=2)
    world = make_world(restart, serving=NEW, route=make_route(2))
    assert placed_by(plan_app(world)) == ["web.1", "web.2"]
    world = make_world(restart, serving=[*NEW, *again[:2]], route=make_route(2))
    assert placed_by(plan_app(world)) == ["web.3", "web.4"]


def resting(serving: list[CopyName], crashed: list[Placed]) -> World:
    """At rest, but the route is as an operation left it that was lost half way."""
    ended = {
        item.copy: make_instance(item.copy, ready=False, phase=Phase.CRASHED) for item in crashed
    }
    return make_world(
        make_target(*OLD),
        serving=[*serving, *NEW[:2]],
        placed=crashed,
        seen=ended,
        route=Route("hello", releases=ALL),
    )


def test_what_a_lost_operation_left_is_undone_though_an_old_copy_crashed() -> None:
    (step,) = plan_app(resting(OLD[:3], [make_placed(OLD[3])])).steps
    assert isinstance(step, PutRoute)
    assert step.route == make_route(1)


def test_it_is_not_undone_while_no_old_copy_serves() -> None:
    assert plan_app(resting([], [make_placed(copy) for copy in OLD])).steps == ()


def test_copies_that_lost_their_traffic_at_rest_stay_until_the_routers_know() -> None:
    late = make_router(served=99)
    world = make_world(
        make_target(*OLD), serving=[*OLD, *NEW[:2]], route=make_route(1), routers=(late,)
    )
    assert plan_app(world).steps == ()
    world = replace(world, routers=(make_router(served=100),))
    withdrawn = [s.placed.copy for s in plan_app(world).steps if isinstance(s, Withdraw)]
    assert sorted(withdrawn) == NEW[:2]


def test_a_batch_in_the_middle_that_no_host_takes_gives_all_traffic_back() -> None:
    four = target(*NEW, batches=4)
    moving = Route("hello", releases={"1": 3, "2": 1})
    world = make_world(four, serving=[*OLD, NEW[0]], route=moving, hosts=())
    first = plan_app(world)
    assert first.sentence == "batch 2 of 4: no host takes web.2: no host is alive"
    later = plan_app(replace(world, now=1060.0, timers=first.timers))
    assert later.steps == (PutRoute(make_route(1), 100),)


def test_a_copy_that_is_lost_behind_its_batch_does_not_hold_the_operation_for_ever() -> None:
    lost = {NEW[0].container: Displacement(Cause.LOST, 5, None, "host-9 is lost")}
    world = make_world(
        TARGET,
        serving=OLD,
        placed=[make_placed(NEW[0], host="host-9"), make_placed(NEW[1])],
        route=HALF,
        hosts=(),
        lost=frozenset({"host-9"}),
        displaced=lost,
    )
    first = plan_app(world)
    assert first.phase is OpPhase.PLACING
    later = plan_app(replace(world, now=1060.0, timers=first.timers))
    assert later.steps == (PutRoute(make_route(1), 100),)


def test_a_single_copy_that_waits_for_another_takes_no_traffic_yet() -> None:
    """The old copy serves until the workers that come after are up, and is told to end then."""
    after = make_target(
        NEW[0], WORKER, fresh=True, workers=Workers.AFTER, single=frozenset({"web"})
    )
    world = make_world(
        after, placed=[make_placed(OLD[0], single=True)], serving=[], route=make_route(1)
    )
    decision = plan_app(world)
    assert placed_by(decision) == ["worker.1"]
    assert not any(isinstance(step, PutRoute) for step in decision.steps)
