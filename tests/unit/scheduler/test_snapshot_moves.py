"""What the store's keys say about copies that are to be made again elsewhere."""

from deis_control.scheduler.snapshot import Index
from deis_control.scheduler.world import Cause, Displacement, Limits
from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Host, HostConf, Move, PlacementState, Record
from tests.worlds import make_copy, make_placed

COPY = make_copy()
PLACEMENT = keys.placement("host-1", COPY.container)


def kv(key: str, record: Record, revision: int = 10) -> KeyValue:
    return KeyValue(key, record.to_bytes(), revision, revision, 1, 0)


def placement_kv(copy: CopyName) -> KeyValue:
    return kv(keys.placement("host-1", copy.container), make_placed(copy).placement)


def test_a_host_is_lost_from_when_its_record_went() -> None:
    index = Index()
    for name in ("host-1", "host-2"):
        index.take(kv(keys.host(name), Host(name, "10.0.0.1")), 0)
    index.take(placement_kv(COPY), 0)
    index.drop(keys.host("host-1"), 50)
    world = index.world("hello", None, now=60, limits=Limits())
    assert world.lost == {"host-1"}
    assert world.displaced[COPY.container] == Displacement(Cause.LOST, 50, None, "host-1 is lost")
    index.take(kv(keys.host("host-1"), Host("host-1", "10.0.0.1")), 70)
    world = index.world("hello", None, now=71, limits=Limits())
    assert (world.lost, world.displaced) == (frozenset(), {})


def test_a_host_that_was_never_there_is_lost_since_the_first_look() -> None:
    index = Index()
    index.take(kv(keys.host("host-2"), Host("host-2", "10.0.0.2")), 0)
    index.take(placement_kv(COPY), 0)
    world = index.world("hello", None, now=100, limits=Limits())
    assert (world.displaced, world.reconsider) == ({}, 110)
    assert index.world("hello", None, now=110, limits=Limits()).displaced.keys() == {COPY.container}


def test_given_up_copies_of_a_host_that_was_never_there_are_no_loss_of_many() -> None:
    index = Index()
    for name in ("host-2", "host-3"):
        index.take(kv(keys.host(name), Host(name, "10.0.0.2")), 0)
    gone = make_copy(num=2)
    old = kv(
        keys.placement("host-1", gone.container),
        make_placed(gone, state=PlacementState.STOP).placement,
    )
    index.take(old, 0)
    index.take(kv(keys.placement("host-2", COPY.container), make_placed(COPY).placement), 0)
    index.world("hello", None, now=1, limits=Limits())
    index.drop(keys.host("host-2"), 2)
    assert COPY.container in index.world("hello", None, now=3, limits=Limits()).displaced


def test_a_draining_hosts_copies_are_displaced_and_its_apps_hear_of_it() -> None:
    index = Index()
    for name in ("host-1", "host-2"):
        index.take(kv(keys.host(name), Host(name, "10.0.0.1")), 0)
    index.take(placement_kv(COPY), 0)
    index.take(kv(keys.hostconf("host-1"), HostConf(draining=True)), 0)
    assert index.concerned(keys.hostconf("host-1")) == {"hello"}
    assert index.concerned(keys.host("host-1")) == {"hello"}
    assert index.concerned(keys.host("host-2")) == frozenset()
    assert index.concerned(PLACEMENT) == frozenset()
    world = index.world("hello", None, now=1, limits=Limits())
    assert world.displaced[COPY.container].cause is Cause.DRAIN


def test_no_more_planned_moves_than_hosts_are_under_way_at_once() -> None:
    index = Index()
    for name in ("host-1", "host-2"):
        index.take(kv(keys.host(name), Host(name, "10.0.0.1")), 0)
    index.take(kv(keys.hostconf("host-1"), HostConf(draining=True)), 0)
    index.take(placement_kv(COPY), 0)
    for app in ("one", "two"):
        old, new = make_copy(app=app), make_copy(app=app, generation=2)
        index.take(placement_kv(old), 0)
        moved = make_placed(new, succeeds=1).placement
        index.take(kv(keys.placement("host-2", new.container), moved), 5)
    assert index.world("one", None, now=6, limits=Limits()).displaced
    world = index.world("hello", None, now=6, limits=Limits())
    assert (world.displaced, world.reconsider) == ({}, 8)
    assert index.world("hello", None, now=125, limits=Limits()).displaced
    index.drop(keys.placement("host-1", make_copy(app="two").container), 7)
    assert index.world("hello", None, now=8, limits=Limits()).displaced


def test_a_wish_for_a_move_to_a_host_that_flaps_makes_no_sense() -> None:
    index = Index()
    for name in ("host-1", "host-2"):
        index.take(kv(keys.host(name), Host(name, "10.0.0.1")), 0)
    index.take(placement_kv(COPY), 0)
    index.take(kv(keys.move("hello", COPY.container), Move("2026-01-01T00:00:00UTC", "host-2")), 0)
    assert index.world("hello", None, now=1, limits=Limits()).senseless == frozenset()
    for at in (10, 20, 30):
        index.drop(keys.host("host-2"), at)
        index.take(kv(keys.host("host-2"), Host("host-2", "10.0.0.1")), at + 1)
    world = index.world("hello", None, now=40, limits=Limits())
    assert (world.flapping, world.senseless) == ({"host-2"}, {COPY.container})


def test_wishes_for_moves_belong_to_their_app() -> None:
    index = Index()
    key = keys.move("hello", COPY.container)
    assert index.take(kv(key, Move("2026-01-01T00:00:00UTC", "host-9"), 40), 0) == "hello"
    index.take(kv(keys.host("host-2"), Host("host-2", "10.0.0.2")), 0)
    world = index.world("hello", None, now=1, limits=Limits())
    assert (world.senseless, world.moves[COPY.container].revision) == ({COPY.container}, 40)
    index.drop(key, 0)
    assert index.apps == {}
