"""Decisions about copies of lost and drained hosts, one at a time."""

from dataclasses import replace
from typing import Any

from deis_control.model import OpPhase
from deis_control.scheduler.plan import End, plan_app
from deis_control.scheduler.steps import DropMove, Place, PutRoute
from deis_control.scheduler.world import Cause, Displacement, MoveSeen, World
from deis_node.cluster.records import Instance, LastExit, Move, Phase, PlacementState
from tests.worlds import (
    make_copy,
    make_host,
    make_instance,
    make_placed,
    make_route,
    make_target,
    make_world,
)

ONE, TWO = make_copy(num=1), make_copy(num=2)
SECOND = make_copy(generation=2)
OTHERS = (make_host("host-2"), make_host("host-3"))


def lost(*copies: Any, **facts: Any) -> dict[str, Any]:
    """Facts of a world in which host-1 is lost with these copies."""
    found = {
        copy.container: Displacement(Cause.LOST, 990, None, "host-1 is lost") for copy in copies
    }
    fields = {"lost": frozenset({"host-1"}), "displaced": found, "hosts": OTHERS}
    return fields | {"route": make_route(2)} | facts


def moved(to: str | None, **facts: Any) -> dict[str, Any]:
    """Facts of a world in which somebody wants the first copy elsewhere."""
    wish = Displacement(Cause.MOVE, 1000, to, "it was rebalanced")
    seen = MoveSeen(Move("2026-01-01T00:00:00UTC", to), 77)
    fields: dict[str, Any] = {
        "displaced": {ONE.container: wish},
        "moves": {ONE.container: seen},
        "hosts": (make_host("host-1"), *OTHERS),
    }
    return fields | {"route": make_route(2)} | facts


def test_a_lost_copy_is_made_again_like_it_was_and_says_why() -> None:
    world = make_world(make_target(ONE), serving=[ONE], **lost(ONE))
    (step,) = plan_app(world).steps
    assert step == Place(SECOND, "host-2", succeeds=world.placed[ONE.container])
    assert isinstance(step, Place)
    assert "host-1 is lost" in (step.why or "")


def test_a_lost_copy_goes_to_a_host_that_has_its_image() -> None:
    world = make_world(make_target(ONE), serving=[ONE], **lost(ONE))
    image = world.placed[ONE.container].placement.image
    for held, host in (({"host-3": image}, "host-3"), ({"host-3": "another"}, "host-2")):
        (step,) = plan_app(replace(world, held=held)).steps
        assert isinstance(step, Place)
        assert step.host == host


def test_a_lost_copy_is_nobody_who_serves() -> None:
    waiting = lost(displaced={}, waiting={ONE.container: "host-1 is lost, and …"})
    world = make_world(make_target(ONE, TWO), serving=[ONE], placed=[make_placed(TWO)], **waiting)
    surplus = make_placed(make_copy(num=3), host="host-2")
    world = replace(world, placed={**world.placed, surplus.copy.container: surplus})
    assert plan_app(world).steps == ()


def test_a_flapping_host_takes_a_copy_only_when_no_other_fits() -> None:
    world = make_world(make_target(ONE), serving=[ONE], **lost(ONE, flapping={"host-2"}))
    assert [step.host for step in plan_app(world).steps if isinstance(step, Place)] == ["host-3"]
    full = (make_host("host-2"), make_host("host-3", cordoned=True))
    decision = plan_app(replace(world, hosts=full))
    assert [step.host for step in decision.steps if isinstance(step, Place)] == ["host-2"]


def test_a_lost_copy_that_fits_nowhere_holds_nothing_else_up() -> None:
    route = replace(make_route(2), domains=("example.org",))
    target = make_target(ONE, TWO, route=route, tags={"disk": "ssd"})
    world = make_world(target, serving=[ONE], placed=[make_placed(TWO, host="host-2")], **lost(ONE))
    assert plan_app(world).steps == (PutRoute(route, 100, ()),)
    decision = plan_app(replace(world, target=replace(target, route=make_route(2))))
    assert (decision.steps, decision.end) == ((), None)
    assert decision.sentence.startswith("no host takes web.1: host-2 is not tagged disk=ssd")


def test_an_operation_waits_long_for_a_copy_whose_host_is_lost_and_names_it_then() -> None:
    waiting = lost(displaced={}, waiting={ONE.container: "…"}, route=None)
    world = make_world(make_target(ONE, fresh=True), placed=[make_placed(ONE)], **waiting)
    first = plan_app(world)
    assert (first.end, first.sentence) == (None, "web.1: lost with host-1")
    later = replace(world, now=world.now + 419, timers=first.timers)
    assert plan_app(later).end is None
    last = plan_app(replace(world, now=world.now + 420, timers=first.timers))
    assert last.end is End.FAILED
    assert last.sentence == "web.1 was lost with host-1 and not made again within 420 s"


def test_an_operations_copy_is_looked_for_under_its_successors_name() -> None:
    world = make_world(
        make_target(ONE, fresh=True),
        placed=[make_placed(ONE), make_placed(SECOND, host="host-2", succeeds=1)],
        **lost(ONE, route=None),
    )
    decision = plan_app(world)
    assert (decision.end, decision.sentence) == (None, "web.1: starting on host-2")


def test_a_wish_is_carried_out_on_the_host_that_it_names() -> None:
    world = make_world(make_target(ONE), serving=[ONE], **moved("host-3"))
    assert [s.host for s in plan_app(world).steps if isinstance(s, Place)] == ["host-3"]
    anywhere = make_world(make_target(ONE), serving=[ONE], **moved(None))
    assert [s.host for s in plan_app(anywhere).steps if isinstance(s, Place)] == ["host-2"]


def test_a_wish_for_a_host_that_does_not_take_the_copy_is_forgotten() -> None:
    target = make_target(ONE, memory={"web": 100})
    hosts = (make_host("host-1"), make_host("host-2", memory=10))
    world = make_world(target, serving=[ONE], **moved("host-2", hosts=hosts))
    assert plan_app(world).steps == (DropMove(ONE.container, 77),)


def test_a_senseless_wish_is_forgotten_also_when_the_app_is_gone() -> None:
    facts = moved("host-9", displaced={}, senseless=frozenset({ONE.container}))
    world = make_world(make_target(ONE), serving=[ONE], **facts)
    assert plan_app(world).steps == (DropMove(ONE.container, 77),)
    gone = make_world(None, **facts | {"route": None})
    assert plan_app(gone).steps == (DropMove(ONE.container, 77),)


def single(new: Instance | None, **facts: Any) -> World:
    """A restart of a single worker whose old copy has ended on its host, and maybe a new one."""
    old, fresh = make_copy("worker"), make_copy("worker", generation=2)
    target = make_target(
        fresh,
        fresh=[fresh],
        old=frozenset([old]),
        single=frozenset(["worker"]),
        route=make_route(2),
    )
    ended = make_placed(old, state=PlacementState.STOP, revision=90)
    seen = {old: make_instance(old, phase=Phase.STOPPED, ready=False)}
    placed = [ended] if new is None else [ended, make_placed(fresh)]
    if new is not None:
        seen[fresh] = new
    return make_world(target, placed=placed, seen=seen, route=make_route(2), **facts)


def test_a_single_copy_starts_when_the_one_before_has_ended_and_the_change_waits_for_it() -> None:
    fresh = make_copy("worker", generation=2)
    assert Place(fresh, "host-1") in plan_app(single(None)).steps
    starting = plan_app(single(Instance(Phase.STARTING)))
    assert (starting.end, starting.phase) == (None, OpPhase.RETIRING)
    assert starting.sentence == "waiting for worker.1: starting on host-1"
    assert plan_app(single(make_instance(fresh))).end is End.DONE


def test_a_single_copy_that_fails_is_told_of_for_there_is_no_way_back() -> None:
    dead = Instance(Phase.BACKOFF, last_exit=LastExit(3))
    decision = plan_app(single(dead))
    assert (decision.end, decision.notes) == (End.DONE, ("worker.1 exited with code 3",))


def test_what_waits_for_its_time_is_looked_at_then() -> None:
    waiting = lost(displaced={}, waiting={ONE.container: "host-1 is lost, and …"}, reconsider=1030)
    decision = plan_app(make_world(make_target(ONE), serving=[ONE], **waiting))
    assert (decision.end, decision.wake) == (None, 1030)
    assert decision.sentence == "host-1 is lost, and …"


def test_a_change_does_not_fail_at_once_while_the_host_that_it_needs_is_only_lost() -> None:
    """A copy that an operation made is lost with the one host of its kind, maybe for a moment."""
    needs = make_target(ONE, fresh=True, tags={"disk": "ssd"})
    world = make_world(needs, placed=[make_placed(ONE)], **lost(ONE, route=make_route(1)))
    decision = plan_app(world)
    assert (decision.phase, decision.end) == (OpPhase.PLACING, None)
    assert "disk=ssd" in decision.sentence


def test_a_change_does_not_fail_at_once_while_any_host_is_lost_for_a_moment() -> None:
    needs = make_target(ONE, fresh=True, tags={"disk": "ssd"})
    decision = plan_app(make_world(needs, missing=True))
    assert (decision.phase, decision.end) == (OpPhase.PLACING, None)
    assert plan_app(make_world(needs)).end is End.FAILED


def test_nothing_is_placed_of_a_change_that_no_host_can_ever_take_whole() -> None:
    worker = make_copy("worker")
    needs = make_target(ONE, worker, fresh=True, memory={"worker": 500})
    decision = plan_app(make_world(needs, hosts=(make_host("host-1", memory=100),)))
    assert (decision.steps, decision.end) == ((), End.FAILED)
    assert "worker.1" in decision.sentence


def test_a_flapping_host_does_not_make_another_take_too_much() -> None:
    both = make_target(ONE, TWO, fresh=True, memory={"web": 60})
    hosts = (make_host("host-1", memory=100), make_host("host-2", memory=100))
    world = make_world(both, hosts=hosts, flapping=frozenset({"host-2"}))
    placed = {step.copy: step.host for step in plan_app(world).steps if isinstance(step, Place)}
    assert placed == {ONE: "host-1", TWO: "host-2"}


def test_moves_of_one_look_see_what_those_before_them_took() -> None:
    hosts = (make_host("host-1"), make_host("host-2", memory=100))
    wish = Displacement(Cause.MOVE, 1000, "host-2", "it was rebalanced")
    names = (ONE.container, TWO.container)
    world = make_world(
        make_target(ONE, TWO, memory={"web": 60}),
        serving=[ONE, TWO],
        route=make_route(2),
        displaced=dict.fromkeys(names, wish),
        moves={name: MoveSeen(Move("2026-01-01T00:00:00UTC", "host-2"), 40) for name in names},
        hosts=hosts,
    )
    assert plan_app(world).steps == (
        Place(SECOND, "host-2", succeeds=world.placed[ONE.container]),
        DropMove(TWO.container, 40),
    )


def test_a_move_goes_to_no_host_that_flaps() -> None:
    for to in (None, "host-2"):
        world = make_world(make_target(ONE), serving=[ONE], **moved(to, flapping={"host-2"}))
        places = [step for step in plan_app(world).steps if isinstance(step, Place)]
        assert [step.host for step in places] == (["host-3"] if to is None else [])


def test_a_copy_from_before_its_type_was_single_may_run_on_a_silent_host_for_ever() -> None:
    before = make_copy("worker", release=1)
    now = make_copy("worker", release=2)
    target = make_target(now, fresh=True, single=frozenset({"worker"}))
    for single, waits in ((False, True), (True, False)):
        there = [make_placed(before, single=single)]
        world = make_world(target, placed=there, **lost(before, route=make_route(1)))
        steps = plan_app(world).steps
        assert any(isinstance(step, Place) for step in steps) is not waits
