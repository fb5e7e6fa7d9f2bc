"""Which copies are made again elsewhere, when, and how many at a time."""

from collections.abc import Iterable
from typing import Any

from deis_control.scheduler.displaced import AGAIN, Displaced, Fleet, displaced
from deis_control.scheduler.world import Cause, Lost, MoveSeen, Placed
from deis_node.cluster.records import Move, PlacementState
from tests.worlds import make_copy, make_placed

ONE, TWO, THREE = (make_copy(num=num) for num in (1, 2, 3))
WORKER = make_copy("worker")
TWO_HOSTS = frozenset({"host-1", "host-2"})


def find(
    placed: Iterable[Placed], moves: dict[str, MoveSeen] | None = None, **facts: Any
) -> Displaced:
    fields: dict[str, Any] = {"now": 100.0, "alive": frozenset({"host-2"})}
    by_name = {item.copy.container: item for item in placed}
    return displaced(by_name, moves or {}, Fleet(**fields | facts))


def causes(found: Displaced) -> dict[str, Cause]:
    return {name: item.cause for name, item in found.now.items()}


def wish(to: str | None = None, revision: int = 7) -> MoveSeen:
    return MoveSeen(Move("2026-01-01T00:00:00UTC", to), revision)


def test_a_copy_is_made_again_as_soon_as_its_host_did_not_only_boot() -> None:
    placed = [make_placed(ONE), make_placed(TWO, host="host-2")]
    lost = {"host-1": Lost(100)}
    assert (find(placed, lost=lost).now, find(placed, lost=lost).reconsider) == ({}, 100.5)
    found = find(placed, lost=lost, now=100.5)
    assert causes(found) == {ONE.container: Cause.LOST}
    assert found.now[ONE.container].sentence == "host-1 is lost"
    assert found.reconsider is None


def test_a_loss_that_nobody_saw_is_waited_for_one_ttl() -> None:
    lost = {"host-1": Lost(100, witnessed=False)}
    found = find([make_placed(ONE)], lost=lost)
    assert (found.now, found.reconsider) == ({}, 110)
    assert causes(find([make_placed(ONE)], lost=lost, now=110.0)) == {ONE.container: Cause.LOST}


def test_a_single_copy_is_made_again_after_three_ttls_and_its_grace() -> None:
    placed = [make_placed(WORKER, single=True, grace=25)]
    lost = {"host-1": Lost(100)}
    found = find(placed, lost=lost)
    assert (found.now, found.reconsider) == ({}, 155)
    assert "must have ended there first" in found.waiting[WORKER.container]
    assert find(placed, lost=lost, now=154.9).now == {}
    assert causes(find(placed, lost=lost, now=155.0)) == {WORKER.container: Cause.LOST}


def test_nothing_moves_while_many_hosts_vanish_at_once() -> None:
    placed = [make_placed(ONE), make_placed(TWO, host="host-2")]
    lost = {"host-1": Lost(90)}
    found = find(placed, lost=lost, held_until=160.0, draining=frozenset({"host-2"}))
    assert found.now == {}
    assert found.reconsider == 160
    assert "many hosts" in found.waiting[ONE.container]


def test_nothing_moves_and_nothing_is_waited_for_without_another_host() -> None:
    found = find([make_placed(ONE)], alive=frozenset(), lost={"host-1": Lost(90)})
    assert (found.now, found.reconsider) == ({}, None)
    assert "no other host is alive" in found.waiting[ONE.container]


def test_a_drained_host_gives_up_two_copies_of_an_app_at_a_time() -> None:
    placed = [make_placed(copy) for copy in (THREE, TWO, ONE)]
    facts: dict[str, Any] = {"draining": frozenset({"host-1"}), "alive": TWO_HOSTS}
    found = find(placed, free=5, **facts)
    assert causes(found) == {ONE.container: Cause.DRAIN, TWO.container: Cause.DRAIN}
    assert found.reconsider == 100 + AGAIN
    assert causes(find(placed, free=1, **facts)).keys() == {ONE.container}
    assert find(placed, free=0, **facts).now == {}
    assert find(placed, under_way=2, **facts).now == {}


def test_a_copy_that_is_to_be_moved_says_why_it_is_not_yet() -> None:
    facts: dict[str, Any] = {"draining": frozenset({"host-1"}), "alive": TWO_HOSTS}
    placed = [make_placed(copy) for copy in (ONE, TWO, THREE)]
    drained = "host-1 is being drained; "
    assert find(placed, free=5, **facts).waiting == {
        THREE.container: f"{drained}it waits for its turn, a few copies move at once"
    }
    turn = find([make_placed(ONE)], under_way=2, **facts).waiting[ONE.container]
    assert turn == f"{drained}it waits for its turn, of an app 2 copies move at once"
    held = find([make_placed(ONE)], held_until=200.0, **facts).waiting[ONE.container]
    assert held.startswith(f"{drained}many hosts vanished at once")


def test_a_planned_move_that_has_begun_goes_on_whatever_else_is_under_way() -> None:
    successor = make_placed(make_copy(generation=2), host="host-2", succeeds=1)
    placed = [make_placed(ONE), make_placed(TWO), successor]
    found = find(placed, draining=frozenset({"host-1"}), alive=TWO_HOSTS, under_way=2, free=0)
    assert causes(found) == {ONE.container: Cause.DRAIN}


def test_process_types_take_turns() -> None:
    placed = [make_placed(copy) for copy in (ONE, TWO, WORKER)]
    found = find(placed, draining=frozenset({"host-1"}), alive=TWO_HOSTS)
    assert causes(found).keys() == {ONE.container, WORKER.container}


def test_what_ends_on_a_drained_host_is_left_alone() -> None:
    placed = [make_placed(ONE, state=PlacementState.WITHDRAW)]
    assert find(placed, draining=frozenset({"host-1"}), alive=TWO_HOSTS).now == {}


def test_a_wish_moves_a_copy_to_the_host_that_it_names() -> None:
    found = find([make_placed(ONE)], {ONE.container: wish("host-2")}, alive=TWO_HOSTS)
    assert found.now[ONE.container].cause is Cause.MOVE
    assert found.now[ONE.container].to == "host-2"
    assert found.senseless == frozenset()


def test_wishes_that_make_no_sense_are_named() -> None:
    placed = [
        make_placed(ONE, state=PlacementState.WITHDRAW),
        make_placed(TWO),
        make_placed(THREE),
        make_placed(WORKER, single=True),
    ]
    moves = {
        ONE.container: wish(),
        TWO.container: wish("host-9"),
        THREE.container: wish("host-1"),
        WORKER.container: wish(),
        make_copy(num=9).container: wish(),
    }
    found = find(placed, moves, alive=TWO_HOSTS)
    assert (found.now, found.senseless) == ({}, moves.keys())
    closed = find([make_placed(TWO)], {TWO.container: wish("host-2")}, closed=TWO_HOSTS)
    assert closed.senseless == {TWO.container}


def test_without_any_host_no_wish_is_judged() -> None:
    moves = {ONE.container: wish("host-2")}
    assert find([], moves, alive=frozenset()).senseless == frozenset()
