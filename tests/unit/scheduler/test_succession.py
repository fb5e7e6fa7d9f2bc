"""Who runs in a copy's place while it is made again elsewhere: the one that serves."""

from typing import Any

from deis_control.scheduler.succession import succession
from deis_control.scheduler.world import Cause, Displacement, Placed, Published, World
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import PlacementState
from tests.worlds import make_copy, make_endpoint, make_instance, make_placed, make_world

ONE = make_copy()
SECOND, THIRD = make_copy(generation=2), make_copy(generation=3)
LOST = Displacement(Cause.LOST, 5, None, "host-1 is lost")
DRAIN = Displacement(Cause.DRAIN, 5, None, "host-1 is being drained")


def successor(copy: CopyName = SECOND, host: str = "host-2", after: int = 1) -> Placed:
    return make_placed(copy, host=host, succeeds=after)


def world(*placed: Placed, ready: Any = (), **facts: Any) -> World:
    hosts = {item.copy: item.host for item in placed}
    published = {c.container: Published(make_endpoint(c, hosts[c]), 30) for c in ready}
    seen = {copy: make_instance(copy) for copy in ready}
    return make_world(None, placed=placed, seen=seen, endpoints=published, **facts)


def holder(found: World, *, at_rest: bool = True) -> CopyName:
    return succession(found, [ONE], at_rest=at_rest).holders[ONE]


def test_a_copy_holds_its_own_place() -> None:
    assert holder(world(make_placed(ONE))) == ONE
    assert holder(world()) == ONE


def test_a_displaced_copy_gets_a_successor_under_the_next_unused_generation() -> None:
    found = world(make_placed(ONE), displaced={ONE.container: LOST}, lost=frozenset({"host-1"}))
    line = succession(found, [ONE], at_rest=True)
    assert line.holders == {ONE: SECOND}
    assert line.before[SECOND].copy == ONE
    assert line.heirs == {ONE: SECOND}


def test_a_name_that_is_taken_is_not_given_to_a_successor() -> None:
    leftover = make_placed(SECOND, host="host-2", state=PlacementState.STOP)
    found = world(make_placed(ONE), leftover, displaced={ONE.container: LOST})
    assert holder(found) == THIRD


def test_a_successor_that_was_placed_holds_the_place_from_then_on() -> None:
    old, new = make_placed(ONE), successor()
    gone = {"lost": frozenset({"host-1"}), "displaced": {ONE.container: LOST}}
    assert holder(world(old, new, **gone)) == SECOND
    unseen = {"lost": frozenset({"host-1"})}
    assert holder(world(old, new, **unseen)) == SECOND


def test_of_two_on_live_hosts_the_one_that_serves_stays() -> None:
    old, new = make_placed(ONE), successor()
    assert holder(world(old, new)) == ONE
    assert holder(world(old, new, ready=[ONE])) == ONE
    assert holder(world(old, new, ready=[SECOND])) == SECOND
    assert holder(world(old, new, ready=[ONE, SECOND])) == SECOND


def test_the_place_goes_on_when_the_successors_host_is_lost_as_well() -> None:
    old, new = make_placed(ONE), successor()
    both: dict[str, Any] = {
        "lost": frozenset({"host-1", "host-2"}),
        "displaced": {ONE.container: LOST, SECOND.container: LOST},
    }
    line = succession(world(old, new, **both), [ONE], at_rest=True)
    assert line.holders == {ONE: THIRD}
    assert line.before[THIRD].copy == SECOND
    assert line.heirs == {ONE: THIRD, SECOND: THIRD}
    waiting = both | {"displaced": {ONE.container: LOST}}
    assert holder(world(old, new, **waiting)) == SECOND


def test_the_place_is_known_when_the_first_of_the_line_is_gone() -> None:
    assert holder(world(successor())) == SECOND
    assert holder(world(successor(THIRD, after=2))) == THIRD


def test_a_copy_that_was_made_for_another_reason_is_no_successor() -> None:
    restarted = make_placed(SECOND, host="host-2")
    found = world(make_placed(ONE), restarted, ready=[SECOND])
    assert holder(found) == ONE
    assert holder(world(make_placed(ONE), restarted, successor(THIRD, after=2))) == ONE


def test_a_copy_that_was_told_to_end_is_waited_for_unless_its_host_is_lost() -> None:
    ending = make_placed(ONE, state=PlacementState.STOP)
    assert holder(world(ending)) == ONE
    gone = {"lost": frozenset({"host-1"}), "displaced": {ONE.container: LOST}}
    assert holder(world(ending, **gone)) == SECOND


def test_an_operation_begins_no_planned_move_and_goes_on_with_one() -> None:
    drained: dict[str, Any] = {"displaced": {ONE.container: DRAIN}}
    assert holder(world(make_placed(ONE), **drained)) == SECOND
    assert holder(world(make_placed(ONE), **drained), at_rest=False) == ONE
    assert holder(world(make_placed(ONE), successor(), **drained), at_rest=False) == SECOND


def test_a_database_behind_the_store_begins_no_planned_move() -> None:
    drained: dict[str, Any] = {"displaced": {ONE.container: DRAIN}, "may_remove": False}
    assert holder(world(make_placed(ONE), **drained)) == ONE
