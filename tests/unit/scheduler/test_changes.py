"""How changes of the store are packed into transactions."""

from deis_control.scheduler.changes import MOST, Change, pack
from deis_control.scheduler.steps import Place, PutRoute, Raise, Stop
from deis_control.scheduler.writes import change_for
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, Put, absent, mod_revision_is
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Placement, PlacementState
from tests.worlds import make_copy, make_placed, make_route


def put(key: str, size: int = 1) -> Change:
    return Change((absent(key),), (Put(key, b"x" * size),))


def make(copy: CopyName) -> Placement:
    return make_placed(copy).placement


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
