"""What operators write about hosts, and under which conditions."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from deis_control.db.desired import Desired
from deis_control.errors import Conflict
from deis_control.scheduler.hostconf import Held
from deis_control.scheduler.rebalance import Running
from deis_control.scheduler.rooms import Need
from deis_control.scheduler.running import running_copies
from deis_node.cluster import keys
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import HostConf, Instance, Move, Phase, PlacementState
from tests.fixtures.hosts import StandInStore
from tests.worlds import make_copy, make_placed

COPY = make_copy()


def wanted(tags: Mapping[str, str] | None = None, arch: str = "") -> Desired:
    """What the app of the copies shall run."""
    structure = {"web": 1}
    return Desired(UUID(int=1), "hello", structure, False, 2, True, (), tags or {}, arch)


def place(store: StandInStore, copy: CopyName, host: str, state: PlacementState) -> None:
    store.store.put(
        keys.placement(host, copy.container), make_placed(copy, host=host, state=state).placement
    )
    store.store.put(keys.instance(host, copy.container), Instance(Phase.RUNNING))


async def test_a_word_on_a_host_is_kept_and_goes_when_it_says_nothing() -> None:
    store = StandInStore("host-1")
    first = await store.confs.read("host-1")
    assert first == Held(HostConf(), 0)
    assert await store.confs.write("host-1", HostConf(cordoned=True), first)
    held = await store.confs.read("host-1")
    assert held.conf == HostConf(cordoned=True)
    assert await store.confs.write("host-1", HostConf(), held)
    assert await store.get(keys.hostconf("host-1")) is None


async def test_of_two_who_change_at_once_the_second_decides_anew() -> None:
    store = StandInStore("host-1")
    held = await store.confs.read("host-1")
    assert await store.confs.write("host-1", HostConf(cordoned=True), held)
    assert not await store.confs.write("host-1", HostConf(draining=True), held)
    assert (await store.confs.read("host-1")).conf == HostConf(cordoned=True)


async def test_a_host_is_forgotten_with_what_it_should_have_stopped() -> None:
    store = StandInStore()
    store.store.put(keys.hostconf("host-1"), HostConf(cordoned=True))
    place(store, COPY, "host-1", PlacementState.STOP)
    place(store, make_copy(num=2), "host-2", PlacementState.RUN)
    await store.confs.forget("host-1")
    assert [found.name for found in store.hosts()] == ["host-2"]
    assert await store.get(keys.instance("host-1", COPY.container)) is None


async def test_a_host_that_still_has_copies_is_not_forgotten() -> None:
    store = StandInStore()
    store.store.put(keys.hostconf("host-1"), HostConf(cordoned=True))
    place(store, COPY, "host-1", PlacementState.RUN)
    place(store, make_copy(num=2), "host-1", PlacementState.STOP)
    with pytest.raises(Conflict, match=r"host-1 still has copies: hello_v2\.web\.1$"):
        await store.confs.forget("host-1")
    assert len(store.placed()) == 2


async def test_a_host_that_came_back_is_not_forgotten() -> None:
    store = StandInStore("host-1")
    place(store, COPY, "host-1", PlacementState.STOP)
    with pytest.raises(Conflict, match="host-1 is alive"):
        await store.confs.forget("host-1")
    assert len(store.placed()) == 1


async def test_a_move_is_asked_for_only_while_the_copy_is_there() -> None:
    store = StandInStore("host-1", "host-2")
    place(store, COPY, "host-1", PlacementState.RUN)
    gone = make_copy(num=2)
    await store.confs.ask({COPY: ("host-1", "host-2"), gone: ("host-1", "host-2")})
    moves = await store.confs.moves()
    assert {copy: move.to for copy, move in moves.items()} == {COPY: "host-2"}


def test_copies_that_serve_stand_with_what_they_ask_for() -> None:
    placed = [make_placed(COPY, memory=5, cpu=7, host="host-1")]
    (found,) = running_copies(placed, {"hello": wanted({"disk": "ssd"}, "amd64")}, {})
    assert found == Running(COPY, "host-1", Need(5, {"disk": "ssd"}, 7, "amd64"))


def test_a_copy_on_its_way_counts_where_it_shall_be() -> None:
    moves = {COPY: Move(created="", to="host-2")}
    (found,) = running_copies([make_placed(COPY)], {"hello": wanted()}, moves)
    assert (found.host, found.fixed) == ("host-2", True)


def test_what_must_not_move_is_fixed() -> None:
    at_rest = {"hello": wanted()}
    assert running_copies([make_placed(COPY, single=True)], at_rest, {})[0].fixed
    assert running_copies([make_placed(COPY)], {}, {})[0].fixed, (
        "the database does not know the app"
    )
    both = [make_placed(COPY), make_placed(make_copy(release=3))]
    assert [item.fixed for item in running_copies(both, at_rest, {})] == [True, True]


def test_a_copy_and_its_successor_count_once_and_stay() -> None:
    both = [make_placed(COPY), make_placed(make_copy(generation=2), host="host-2")]
    (found,) = running_copies(both, {"hello": wanted()}, {})
    assert (found.host, found.fixed) == ("host-2", True)


def test_a_copy_that_leaves_does_not_stand() -> None:
    placed = [make_placed(COPY, state=PlacementState.WITHDRAW)]
    assert running_copies(placed, {"hello": wanted()}, {}) == []
