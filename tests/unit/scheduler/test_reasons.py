"""Why copies are not where they shall be, in words."""

from dataclasses import replace
from typing import Any

from deis_control.scheduler.reasons import GONE, OLD_DATABASE, Reasons, reasons
from deis_control.scheduler.world import Cause, Displacement, World
from deis_node.cluster.names import CopyName
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

ONE, TWO = make_copy(num=1), make_copy(num=2)
NEXT = make_copy(num=1, generation=2)


def world(*wanted: CopyName, **facts: Any) -> World:
    return make_world(make_target(*wanted), **{"route": make_route(2)} | facts)


def waits(world: World, *, busy: bool = False) -> dict[str, str]:
    return dict(reasons(world, busy=busy).waits)


def displaced(cause: Cause, text: str, copy: CopyName = ONE) -> dict[str, Displacement]:
    return {copy.container: Displacement(cause, 990.0, None, text)}


LOST = displaced(Cause.LOST, "host-9 is lost")
DRAINED = displaced(Cause.DRAIN, "host-1 is being drained")


def test_what_is_as_it_shall_be_waits_for_nothing() -> None:
    assert reasons(world(ONE, serving=[ONE]), busy=False) == Reasons()


def test_why_a_lost_copy_is_not_made_again_is_what_the_planner_says() -> None:
    facts: dict[str, Any] = {
        "placed": [make_placed(ONE, host="host-9")],
        "lost": frozenset({"host-9"}),
        "waiting": {ONE.container: "host-9 is lost, and many hosts vanished at once"},
    }
    assert waits(world(ONE, **facts)) == facts["waiting"]
    assert waits(world(ONE, **facts), busy=True) == facts["waiting"]


def test_a_lost_copy_that_no_host_takes_says_what_each_lacks() -> None:
    found = world(
        ONE,
        placed=[make_placed(ONE, host="host-9")],
        lost=frozenset({"host-9"}),
        displaced=LOST,
        hosts=(make_host(cordoned=True),),
    )
    text = "host-9 is lost; no host takes web.1: host-1 is cordoned"
    assert waits(found) == {ONE.container: text}
    assert reasons(found, busy=False).missing == {}


def test_a_drained_copy_waits_for_its_successor() -> None:
    heir = make_placed(NEXT, host="host-2", succeeds=1)
    found = world(
        ONE,
        serving=[ONE],
        placed=[heir],
        seen={NEXT: make_instance(NEXT, ready=False, phase=Phase.PULLING)},
        displaced=DRAINED,
        hosts=(make_host(draining=True), make_host("host-2")),
    )
    text = "host-1 is being drained; web.1: pulling its image on host-2"
    assert waits(found)[ONE.container] == text


def test_a_drained_single_copy_that_no_other_host_takes_says_so() -> None:
    single = make_placed(ONE, single=True)
    found = make_world(
        make_target(ONE, single=frozenset({"web"})),
        placed=[single],
        seen={ONE: make_instance(ONE)},
        displaced=DRAINED,
        hosts=(make_host(cordoned=True, draining=True),),
        route=make_route(2),
    )
    text = "host-1 is being drained; no host takes web.1: host-1 is being drained"
    assert waits(found) == {ONE.container: text}


def test_a_planned_move_waits_for_a_change_of_the_app() -> None:
    found = world(ONE, serving=[ONE], displaced=DRAINED)
    assert waits(found, busy=True)[ONE.container].endswith("that is under way is over")


def test_an_older_database_holds_moves_and_removals() -> None:
    held = world(ONE, serving=[ONE, TWO], displaced=DRAINED, may_remove=False)
    assert waits(held) == {
        ONE.container: f"host-1 is being drained; {OLD_DATABASE}",
        TWO.container: OLD_DATABASE,
    }


def test_copies_of_an_app_that_is_gone_say_so() -> None:
    gone = make_world(None, serving=[ONE])
    assert waits(gone) == {ONE.container: GONE}
    assert waits(replace(gone, may_remove=False)) == {ONE.container: OLD_DATABASE}


def test_a_withdrawn_copy_waits_for_the_routers_and_then_for_its_requests() -> None:
    leaving = make_placed(TWO, state=PlacementState.WITHDRAW)
    facts: dict[str, Any] = {
        "serving": [ONE],
        "placed": [leaving],
        "seen": {TWO: make_instance(TWO)},
    }
    late = world(ONE, routers=(make_router("local-2", served=1),), **facts)
    told = "waiting for local-2 to confirm that it gets no more requests"
    assert waits(late) == {TWO.container: told}
    address = make_instance(TWO).address
    busy = world(ONE, routers=(make_router(draining=frozenset({address})),), **facts)
    assert waits(busy) == {TWO.container: "requests may be in flight on it"}
    idle = world(ONE, routers=(make_router(),), **facts)
    assert waits(idle) == {TWO.container: "it is about to be told to end"}


def test_what_was_told_to_end_waits_for_its_host() -> None:
    ending = make_placed(TWO, state=PlacementState.STOP)
    assert waits(world(ONE, serving=[ONE], placed=[ending])) == {TWO.container: "host-1 ends it"}
    lost = world(ONE, serving=[ONE], placed=[ending], lost=frozenset({"host-1"}))
    assert waits(lost)[TWO.container] == "host-1 is lost and cannot confirm its end"


def test_a_surplus_copy_ends_when_the_wanted_ones_serve() -> None:
    found = world(ONE, serving=[TWO], placed=[make_placed(ONE)])
    assert waits(found) == {
        ONE.container: "host-1 has not taken it up yet",
        TWO.container: "it is not wanted any more, and ends when the wanted copies serve",
    }


def test_a_wanted_copy_that_is_on_no_host_says_why() -> None:
    full = world(ONE, TWO, serving=[ONE], hosts=(make_host(cordoned=True),))
    assert reasons(full, busy=False).missing == {TWO: "no host takes it: host-1 is cordoned"}
    free = world(ONE, TWO, serving=[ONE])
    assert reasons(free, busy=False).missing == {TWO: "it is about to be placed"}


def test_a_single_copy_waits_for_the_other_to_end() -> None:
    worker = make_copy("worker", release=3)
    before = make_placed(make_copy("worker"), single=True)
    found = make_world(
        make_target(worker, single=frozenset({"worker"})), placed=[before], route=make_route(2)
    )
    text = "there must never be two: worker.1 on host-1 must have ended first"
    assert reasons(found, busy=False).missing == {worker: text}
