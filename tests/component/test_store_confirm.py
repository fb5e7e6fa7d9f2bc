"""A leader's term is confirmed in etcd before it changes what knows nothing of the election, and a
write whose answer never came is looked for before the next look, and refused after that.
"""

import asyncio

import pytest

from deis_control.db.control import Counted
from deis_control.errors import Fenced
from deis_control.scheduler.apply import Store
from deis_control.scheduler.changes import MOST, Change
from deis_control.scheduler.intent import IntentMirror
from deis_control.scheduler.view import ClusterView
from deis_control.scheduler.world import Placed
from deis_node.cluster import keys
from deis_node.cluster.election import Term
from deis_node.cluster.etcd import (
    Delete,
    DeletePrefix,
    Etcd,
    NoSpace,
    Put,
    Unavailable,
    absent,
)
from deis_node.cluster.records import Incarnation, Intent, Leader
from deis_node.runtime.tasks import Tasks
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.lost_answers import Line
from tests.worlds import make_placed

LIFE = Incarnation("one")


@pytest.fixture
async def view(etcd: Etcd) -> ClusterView:
    """What the leader saw as it began; no watch tells it of what comes then."""
    await etcd.put(keys.INCARNATION, LIFE.to_bytes())
    view = ClusterView(etcd)
    async with Tasks() as tasks:
        tasks.start("view", view.run())
        await view.ready()
    return view


@pytest.fixture
async def store(etcd: Etcd, view: ClusterView) -> Store:
    """Of a leader that was elected in the store's first life."""
    await etcd.put(keys.LEADER, Leader("control-1", 1).to_bytes())
    elected = await etcd.get(keys.LEADER)
    assert elected is not None
    return Store(etcd, view, Term(etcd, elected), LIFE)


async def test_it_goes_on_and_nothing_is_written(store: Store, etcd: Etcd) -> None:
    before = await etcd.revision()
    assert await store.confirm()
    assert await etcd.revision() == before


async def test_in_another_life_of_the_store_nothing_is_to_be_changed(
    store: Store, etcd: Etcd
) -> None:
    await etcd.put(keys.INCARNATION, Incarnation("two", ("one",)).to_bytes())
    assert not await store.confirm()


async def test_the_term_is_over_when_another_leads(store: Store, etcd: Etcd) -> None:
    await etcd.delete(keys.LEADER)
    await etcd.put(keys.LEADER, Leader("control-2", 2).to_bytes())
    with pytest.raises(Fenced):
        await store.confirm()


def placing(placed: Placed) -> Change:
    """The copy gets a host; as the leader writes it, who does not see it there."""
    key = keys.placement(placed.host, placed.copy.container)
    return Change((absent(key),), (Put(key, placed.placement.to_bytes()),))


async def test_a_write_whose_answer_is_lost_is_seen_at_the_next_look(
    store: Store, etcd: Etcd, view: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed, line = make_placed(), Line(etcd, monkeypatch, silent=3)
    with pytest.raises(Unavailable):
        await store.write([placing(placed)])
    assert view.app("hello").placed == {}
    await store.trust()
    assert line.silent == 0
    assert list(view.app("hello").placed) == [placed.copy.container]


async def test_an_end_whose_answer_is_lost_is_seen_at_the_next_look(
    store: Store, etcd: Etcd, view: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = make_placed()
    await store.write([placing(placed)])
    assert list(view.app("hello").placed) == [placed.copy.container]
    Line(etcd, monkeypatch, silent=1)
    key = keys.placement(placed.host, placed.copy.container)
    with pytest.raises(Unavailable):
        await store.write([Change((), (Delete(key),))])
    await store.trust()
    assert view.app("hello").placed == {}


async def test_a_write_that_arrives_after_it_was_looked_for_is_refused(
    store: Store, etcd: Etcd, view: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_placed(), make_placed(host="host-2")
    line = Line(etcd, monkeypatch)
    line.late = True
    with pytest.raises(Unavailable):
        await store.write([placing(first)])
    await store.trust()
    assert await store.write([placing(second)])
    assert not (await line.arrive()).succeeded
    there = (await etcd.list(keys.PLACEMENTS)).items
    assert [kv.key for kv in there] == [keys.placement("host-2", second.copy.container)]
    assert [item.host for item in view.app("hello").placed.values()] == ["host-2"]


async def test_a_write_that_another_worker_s_fence_overtook_is_sent_again(
    store: Store, etcd: Etcd, view: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(etcd, monkeypatch)
    line.late = True
    with pytest.raises(Unavailable):
        await store.write([placing(make_placed(num=1))])
    async with asyncio.TaskGroup() as group:
        group.create_task(store.trust())
        writes = [group.create_task(store.write([placing(make_placed(num=n))])) for n in (2, 3, 4)]
    assert [write.result() for write in writes] == [True] * 3
    assert len(view.app("hello").placed) == 3


async def test_a_write_that_was_cancelled_is_looked_for(
    store: Store, etcd: Etcd, view: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(etcd, monkeypatch)
    line.hang = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        write = group.create_task(store.write([placing(make_placed())]))
        await asyncio.wait_for(line.hang.wait(), 5)
        write.cancel()
    await store.trust()
    assert len(view.app("hello").placed) == 1


async def test_more_than_one_transaction_of_keys_is_looked_for(
    store: Store, etcd: Etcd, view: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(etcd, monkeypatch)
    changes = [placing(make_placed(num=num)) for num in range(1, 2 * MOST + 10)]
    for first in range(0, len(changes), MOST):
        line.silent = 1
        with pytest.raises(Unavailable):
            await store.write(changes[first : first + MOST])
    await store.trust()
    assert len(view.app("hello").placed) == len(changes)


async def test_a_late_deletion_of_an_app_s_keys_takes_nothing_of_the_next_one(
    store: Store, etcd: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(etcd, monkeypatch)
    line.late = True
    with pytest.raises(Unavailable):
        await store.write([Change((), (DeletePrefix(f"{keys.ENVS}hello/"),))])
    await store.trust()
    assert await store.write([Change((), (Put(keys.env("hello", 2), b"sealed"),))])
    assert not (await line.arrive()).succeeded
    assert await etcd.get(keys.env("hello", 2)) is not None


async def test_a_full_store_is_waited_for_before_the_look(
    store: Store, etcd_server: EtcdMember, etcd: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    Line(etcd, monkeypatch, silent=1)
    with pytest.raises(Unavailable):
        await store.write([placing(make_placed())])
    await asyncio.to_thread(etcd_server.alarm, on=True)
    try:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.trust(), 1)
    finally:
        await asyncio.to_thread(etcd_server.alarm, on=False)
    await asyncio.wait_for(store.trust(), 10)


async def test_a_write_that_filled_the_store_is_seen_at_the_next_look(
    store: Store,
    etcd_server: EtcdMember,
    etcd: Etcd,
    view: ClusterView,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await asyncio.to_thread(etcd_server.alarm, on=True)
    try:
        with pytest.raises(NoSpace):
            await store.write([placing(make_placed(num=1))])
        await asyncio.wait_for(store.trust(), 5)
        assert view.app("hello").placed == {}
    finally:
        await asyncio.to_thread(etcd_server.alarm, on=False)
    line = Line(etcd, monkeypatch, silent=1)
    line.error = NoSpace("database space exceeded")
    with pytest.raises(NoSpace):
        await store.write([placing(make_placed(num=2))])
    await store.trust()
    assert len(view.app("hello").placed) == 1


async def test_writes_go_on_after_one_that_came_late_however_many_answers_are_lost(
    store: Store, etcd: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(etcd, monkeypatch, silent=4)
    with pytest.raises(Unavailable):
        await store.write([placing(make_placed(num=1))])
    await store.trust()
    assert line.silent == 0
    assert await store.write([placing(make_placed(num=2))])
    assert await store.confirm()


async def test_an_accepted_change_is_not_taken_back_by_an_earlier_one_that_arrives_later(
    store: Store, etcd: Etcd, view: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, intent = Line(etcd, monkeypatch), IntentMirror(store, view)
    line.late = True
    async with Tasks() as tasks:
        tasks.start("intent", intent.run())
        for seq in (1, 2):
            intent.note(view.intent, Counted(seq, str(seq), True))
            await asyncio.wait_for(intent.settled(), 10)
    assert not (await line.arrive()).succeeded
    kv = await etcd.get(keys.INTENT)
    assert kv is not None
    assert Intent.from_bytes(kv.value).seq == 2


async def test_what_a_hung_etcd_was_given_is_seen_at_the_next_look_or_never_done(
    etcd_server: EtcdMember, etcd: Etcd, view: ClusterView
) -> None:
    await etcd.put(keys.LEADER, Leader("control-1", 1).to_bytes())
    elected = await etcd.get(keys.LEADER)
    assert elected is not None
    async with Etcd([etcd_server.endpoint], timeout=0.2) as quick:
        store = Store(quick, view, Term(quick, elected), LIFE)
        for num in range(1, 13):
            await asyncio.to_thread(etcd_server.pause)
            try:
                with pytest.raises(Unavailable):
                    await store.write([placing(make_placed(num=num))])
            finally:
                etcd_server.resume()
            await store.trust()
            seen = set(view.app("hello").placed)
            await asyncio.sleep(0.2)  # as long as what it was given may take
            there = (await etcd.list(keys.PLACEMENTS)).items
            assert {kv.key.rpartition("/")[2] for kv in there} == seen
