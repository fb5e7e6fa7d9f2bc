"""How changes of the store are packed into transactions."""

from deis_control.scheduler.changes import MOST, Change, pack
from deis_control.scheduler.steps import DropMove, Place, PutRoute, Raise, Stop
from deis_control.scheduler.writes import change_for
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, Put, absent, mod_revision_is
from deis_node.cluster.records import Placement, PlacementState
from tests.worlds import make_copy, make_placed, make_route


def put(key: str, size: int = 1) -> Change:
    return Change((absent(key),), (Put(key, b"x" * size),))


def make(step: Place) -> Placement:
    return make_placed(step.copy).placement


def test_small_changes_share_a_transaction_in_their_order() -> None:
    (batch,) = pack([put("a"), put("b")])
    assert [op.key for op in batch.ops if isinstance(op, Put)] == ["a", "b"]
    assert len(batch.compares) == 2


def test_nothing_makes_no_transaction() -> None:
    assert list(pack([])) == list(pack([Change()])) == []


def test_a_transaction_has_a_bounded_number_of_operations() -> None:
    batches = list(pack(put(str(n)) for n in range(2 * MOST + 1)))
    assert [len(batch.ops) for batch in batches] == [MOST, MOST, 1]


def test_a_transaction_has_a_bounded_size() -> None:
    batches = list(pack([put("a", 700_000), put("b", 700_000), put("c", 10)]))
    assert [len(batch.ops) for batch in batches] == [1, 2]


def test_a_key_is_written_once_in_a_transaction() -> None:
    assert len(list(pack([put("a"), put("a")]))) == 2


def test_a_change_is_never_split() -> None:
    big = Change((), tuple(Put(str(n), b"") for n in range(50)))
    other = Change((), tuple(Put(f"o{n}", b"") for n in range(50)))
    assert [len(batch.ops) for batch in pack([big, other])] == [50, 50]


def test_a_copy_is_placed_only_under_a_free_name() -> None:
    change = change_for("hello", Place(make_copy(), "host-1"), make)
    key = keys.placement("host-1", "hello_v2.web.1")
    assert change.compares == (absent(key),)
    assert [op.key for op in change.ops if isinstance(op, Put)] == [key]


def test_a_copy_loses_its_endpoint_in_the_transaction_that_stops_it() -> None:
    change = change_for("hello", Stop(make_placed(revision=12)), make)
    key = keys.placement("host-1", "hello_v2.web.1")
    assert change.compares == (mod_revision_is(key, 12),)
    written, deleted = change.ops
    assert isinstance(written, Put)
    assert Placement.from_bytes(written.value).state is PlacementState.STOP
    assert deleted == Delete(keys.service("hello", "hello_v2.web.1"))


def test_a_route_is_switched_with_the_barrier_while_its_endpoints_are_there() -> None:
    step = PutRoute(make_route(2), 9, (("hello_v2.web.1", 30),))
    change = change_for("hello", step, make)
    assert change.compares == (
        mod_revision_is(keys.route("hello"), 9),
        mod_revision_is(keys.service("hello", "hello_v2.web.1"), 30),
    )
    assert [op.key for op in change.ops if isinstance(op, Put)] == [keys.route("hello"), keys.AWAIT]


def test_a_barrier_can_be_raised_alone() -> None:
    (op,) = change_for("hello", Raise(), make).ops
    assert isinstance(op, Put)
    assert op.key == keys.AWAIT


def test_a_successor_names_whom_it_succeeds() -> None:
    before = make_placed(make_copy(generation=3))
    step = Place(make_copy(generation=4), "host-2", "host-1 is lost", succeeds=before)
    (op,) = change_for("hello", step, make).ops
    assert isinstance(op, Put)
    placed = Placement.from_bytes(op.value)
    assert (placed.generation, placed.succeeds, placed.why) == (4, 3, "host-1 is lost")


def test_a_single_copy_is_placed_with_the_end_of_the_lost_one_while_its_host_is_away() -> None:
    lost = make_placed(make_copy("worker"), revision=12, single=True)
    step = Place(make_copy("worker", generation=2), "host-2", instead=(lost,))
    change = change_for("hello", step, make)
    key = keys.placement("host-1", lost.copy.container)
    assert absent(keys.host("host-1")) in change.compares
    assert mod_revision_is(key, 12) in change.compares
    ended = [op for op in change.ops if isinstance(op, Put) and op.key == key]
    assert [Placement.from_bytes(op.value).state for op in ended] == [PlacementState.STOP]


def test_one_that_was_told_to_end_before_is_only_watched() -> None:
    lost = make_placed(make_copy("worker"), state=PlacementState.STOP, revision=12)
    step = Place(make_copy("worker", generation=2), "host-2", instead=(lost,))
    change = change_for("hello", step, make)
    assert len(change.ops) == 1
    assert mod_revision_is(keys.placement("host-1", lost.copy.container), 12) in change.compares


def test_a_wish_is_forgotten_as_it_was_seen() -> None:
    change = change_for("hello", DropMove("hello_v2.web.1", 9), make)
    key = keys.move("hello", "hello_v2.web.1")
    assert change == Change((mod_revision_is(key, 9),), (Delete(key),))
