"""The store's keys, sorted by app."""

import pytest

from deis_control.scheduler.snapshot import AppKeys, Index, changed_keys
from deis_control.scheduler.world import Limits
from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import (
    SWARM,
    Await,
    Host,
    HostConf,
    Incarnation,
    Intent,
    PlacementState,
    Prefetch,
    Prepared,
    Record,
    Router,
)
from tests.worlds import make_copy, make_endpoint, make_instance, make_placed, make_route

COPY = make_copy()
PLACEMENT = keys.placement("host-1", COPY.container)


def kv(key: str, record: Record | bytes, revision: int = 10) -> KeyValue:
    value = record if isinstance(record, bytes) else record.to_bytes()
    return KeyValue(key, value, revision, revision, 1, 0)


def placement_kv(copy: CopyName, host: str = "host-1", **facts: object) -> KeyValue:
    placed = make_placed(copy, **facts)  # type: ignore[arg-type]
    return kv(keys.placement(host, copy.container), placed.placement)


def test_an_apps_keys_come_together_under_its_name() -> None:
    index = Index()
    taken = [
        placement_kv(COPY),
        kv(keys.instance("host-1", COPY.container), make_instance()),
        kv(keys.service("hello", COPY.container), make_endpoint(COPY)),
        kv(keys.route("hello"), make_route(2)),
    ]
    assert {index.take(item, 0) for item in taken} == {"hello"}
    mine = index.apps["hello"]
    assert list(mine.placed) == list(mine.endpoints) == [COPY.container]
    assert list(mine.instances) == [f"host-1/{COPY.container}"]
    assert mine.route is not None


def test_of_two_of_one_name_the_other_is_seen_when_one_is_gone() -> None:
    index = Index()
    for host in ("host-1", "host-2"):
        index.take(kv(keys.host(host), Host(host, "10.0.0.1")), 0)
        index.take(placement_kv(COPY, host, memory=1 << 20), 0)
    index.drop(keys.placement("host-2", COPY.container), 0)
    assert index.apps["hello"].placed[COPY.container].host == "host-1"
    assert [(host.copies, host.reserved) for host in index.loads()] == [(1, 1 << 20), (0, 0)]
    index.take(placement_kv(COPY, "host-2"), 0)
    index.drop(PLACEMENT, 0)
    assert index.apps["hello"].placed[COPY.container].host == "host-2"
    index.drop(keys.placement("host-2", COPY.container), 0)
    assert [(host.copies, host.reserved) for host in index.loads()] == [(0, 0), (0, 0)]
    assert "hello" not in index.apps


@pytest.mark.parametrize("gone", ["host-1", "host-2"])
def test_of_two_of_one_name_in_a_swarm_the_other_is_still_wished_for(gone: str) -> None:
    index = Index()
    for host in ("host-1", "host-2"):
        index.take(kv(keys.host(host), Host(host, "10.0.0.1")), 0)
        index.take(placement_kv(COPY, host, engine=SWARM), 0)
    index.drop(keys.placement(gone, COPY.container), 0)
    left = {"host-1": "host-2", "host-2": "host-1"}[gone]
    assert [wish.placed.host for wish in index.swarm_wishes()] == [left]


def test_one_off_commands_are_none_of_the_planners_copies_but_load_their_host() -> None:
    index = Index()
    command = make_copy("run")
    index.take(kv(keys.host("host-1"), Host("host-1", "10.0.0.1")), 0)
    index.take(placement_kv(command, memory=1 << 20), 0)
    world = index.world("hello", None, now=0, limits=Limits())
    assert (world.placed, world.runs) == ({}, 1)
    assert list(index.apps["hello"].runs) == [command.container]
    assert [(host.copies, host.reserved) for host in index.loads()] == [(1, 1 << 20)]
    index.drop(keys.placement("host-1", command.container), 0)
    assert "hello" not in index.apps
    assert [(host.copies, host.reserved) for host in index.loads()] == [(0, 0)]


def test_an_app_of_which_nothing_is_left_is_forgotten() -> None:
    index = Index()
    index.take(placement_kv(COPY), 0)
    assert index.drop(PLACEMENT, 0) == "hello"
    assert index.apps == {}


def test_hosts_carry_what_is_placed_on_them() -> None:
    index = Index()
    index.take(kv(keys.host("host-1"), Host("host-1", "10.0.0.1", memory=100)), 0)
    index.take(placement_kv(COPY, memory=30), 0)
    index.take(placement_kv(COPY, memory=40), 0)
    index.take(placement_kv(make_copy(num=2), memory=5), 0)
    (host,) = index.loads()
    assert (host.copies, host.reserved, host.memory) == (2, 45, 100)


def test_copies_that_are_being_written_count_on_their_hosts_meanwhile() -> None:
    index = Index()
    index.take(kv(keys.host("host-1"), Host("host-1", "10.0.0.1", memory=100)), 0)
    coming = make_placed(COPY, memory=30, cpu=512).placement
    with index.reserved([("host-1", coming)]):
        (host,) = index.loads()
        assert (host.copies, host.reserved, host.cpu_reserved) == (1, 30, 0.5)
        index.take(kv(PLACEMENT, coming), 0)
    (host,) = index.loads()
    assert (host.copies, host.reserved, host.cpu_reserved) == (1, 30, 0.5)


def test_images_beforehand_belong_to_their_app_and_count_when_they_are_there() -> None:
    index = Index()
    key, other = keys.prefetch("host-1", "hello"), keys.prefetch("host-2", "hello")
    assert index.take(kv(key, Prefetch("image"), 40), 0) == "hello"
    index.take(kv(other, Prefetch("image", held=True)), 0)
    world = index.world("hello", None, now=0, limits=Limits())
    assert world.held == {"host-2": "image"}
    assert index.apps["hello"].prefetch["host-1"].revision == 40
    index.drop(key, 0)
    index.drop(other, 0)
    assert index.apps == {}


def test_an_unreadable_value_is_left_out_alone() -> None:
    index = Index()
    index.take(placement_kv(make_copy(num=2)), 0)
    index.take(kv(PLACEMENT, b"{"), 0)
    index.take(kv(keys.route("hello"), b"[]"), 0)
    assert list(index.apps["hello"].placed) == [make_copy(num=2).container]
    assert index.apps["hello"].route is None


def test_a_placement_under_another_copys_name_is_left_out() -> None:
    index = Index()
    index.take(kv(PLACEMENT, make_placed(make_copy(num=2)).placement), 0)
    assert index.apps == {}


def test_foreign_names_belong_to_no_app() -> None:
    index = Index()
    assert index.take(kv(keys.placement("host-1", "no-copy"), b"{}"), 0) is None
    assert index.take(kv("/deis/unheard/of", b"{}"), 0) is None


def test_a_router_counts_from_its_first_acknowledgement() -> None:
    index = Index()
    index.take(kv(keys.router("r"), Router("i"), 20), 0)
    assert index.routers(0, 30) == ()
    index.take(kv(keys.router("r"), Router("i", served=15, draining=("a:1",)), 20), 0)
    (router,) = index.routers(0, 30)
    assert (router.served, router.draining) == (15, frozenset({"a:1"}))


def test_a_router_counts_on_for_a_while_when_its_record_is_gone() -> None:
    index = Index()
    index.take(kv(keys.router("r"), Router("i", served=15), 20), 0)
    index.drop(keys.router("r"), 100)
    index.drop(keys.router("r"), 120)
    assert [router.gone for router in index.routers(129, 30)] == [100]
    assert index.routers(130, 30) == ()


def test_an_acknowledgement_of_another_life_of_the_store_counts_for_nothing() -> None:
    index = Index()
    index.take(kv(keys.router("r"), Router("i", served=15), 20), 0)
    index.take(kv(keys.router("r"), Router("i", served=5000), 21), 0)
    assert [router.served for router in index.routers(0, 30)] == [0]


def test_the_leaders_own_keys_are_known() -> None:
    index = Index()
    index.take(kv(keys.AWAIT, Await("hello"), 33), 0)
    index.take(kv(keys.INTENT, Intent(7)), 0)
    index.take(kv(keys.INCARNATION, Incarnation("one")), 0)
    assert (index.awaited, index.intent.seq, index.incarnation) == (33, 7, Incarnation("one"))
    for key in (keys.AWAIT, keys.INTENT, keys.INCARNATION):
        index.drop(key, 0)
    assert (index.awaited, index.intent.seq, index.incarnation) == (0, 0, None)


def test_a_world_is_a_copy_that_later_changes_do_not_reach() -> None:
    index = Index()
    index.take(placement_kv(COPY), 0)
    world = index.world("hello", None, now=1, limits=Limits())
    index.drop(PLACEMENT, 0)
    assert list(world.placed) == [COPY.container]
    assert index.world("hello", None, now=1, limits=Limits()).placed == {}


def test_the_difference_of_two_looks_is_what_was_put_and_what_is_gone() -> None:
    stays, old, new, gone = (kv(key, b"", n) for n, key in enumerate(["s", "k", "k", "g"]))
    put, dropped = changed_keys({"s": stays, "k": old, "g": gone}, {"s": stays, "k": new})
    assert (put, dropped) == ([new], ["g"])


def test_nothing_is_an_app_without_keys() -> None:
    assert AppKeys().empty


def test_the_operators_word_on_a_host_wins_over_its_own_tags() -> None:
    index = Index()
    own = {"disk": "ssd", "rack": "1", "zone": "a"}
    index.take(kv(keys.host("host-1"), Host("host-1", "10.0.0.1", tags=own, arch="amd64")), 0)
    index.take(kv(keys.hostconf("host-1"), HostConf({"rack": "2", "zone": "", "x": "y"})), 0)
    (host,) = index.loads()
    assert (host.tags, host.zone) == ({"disk": "ssd", "rack": "2", "x": "y"}, "")
    assert (host.arch, host.cordoned, host.draining) == ("amd64", False, False)
    index.take(kv(keys.hostconf("host-1"), HostConf(draining=True)), 0)
    (host,) = index.loads()
    assert (host.tags, host.cordoned, host.draining) == (own, True, True)
    index.drop(keys.hostconf("host-1"), 0)
    (host,) = index.loads()
    assert (host.zone, host.cordoned) == ("a", False)


def test_cpu_shares_reserve_processors() -> None:
    index = Index()
    index.take(kv(keys.host("host-1"), Host("host-1", "10.0.0.1", cpus=4)), 0)
    index.take(placement_kv(COPY, cpu=512), 0)
    index.take(placement_kv(make_copy(num=2), cpu=1024), 0)
    assert [host.cpu_reserved for host in index.loads()] == [1.5]


def test_a_host_is_listed_while_there_is_anything_of_it() -> None:
    index = Index()
    index.take(kv(keys.host("host-1"), Host("host-1", "10.0.0.1")), 0)
    index.take(kv(keys.hostconf("host-2"), HostConf(cordoned=True)), 0)
    index.take(placement_kv(COPY, host="host-3"), 0)
    listed = {found.name: (found.alive, found.load.copies) for found in index.listed()}
    assert listed == {"host-1": (True, 0), "host-2": (False, 0), "host-3": (False, 1)}
    index.drop(keys.hostconf("host-2"), 0)
    index.drop(keys.placement("host-3", COPY.container), 0)
    assert [found.name for found in index.listed()] == ["host-1"]


def test_copies_that_swarm_shall_run_are_found_with_what_their_hosts_have_ready() -> None:
    index = Index()
    index.take(placement_kv(COPY, engine="swarm", uuid="u1"), 0)
    index.take(placement_kv(make_copy(num=2)), 0)
    (waiting,) = index.swarm_wishes()
    assert (waiting.placed.copy, waiting.prepared) == (COPY, None)
    ready = make_instance(prepared=Prepared("u1", port=20000, inside=5000))
    index.take(kv(keys.instance("host-1", COPY.container), ready), 0)
    (wish,) = index.swarm_wishes()
    assert wish.prepared == ready.prepared
    index.take(placement_kv(COPY, engine="swarm", uuid="u1", state=PlacementState.STOP), 0)
    assert index.swarm_wishes() == ()
    index.drop(PLACEMENT, 0)
    assert index.swarm_wishes() == ()


def test_the_operators_word_on_the_engine_is_known_until_it_is_taken_back() -> None:
    index = Index()
    key = keys.setting("scheduler", "engine")
    assert index.engine == ""
    index.take(kv(key, b"swarm\n"), 0)
    assert index.engine == "swarm"
    index.drop(key, 0)
    assert index.engine == ""
