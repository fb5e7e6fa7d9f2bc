"""A leader's term is confirmed in etcd before it changes what knows nothing of the election, and a
write whose answer never came is looked for before the next look.
"""

from typing import Any

import pytest

from deis_control.errors import Fenced
from deis_control.scheduler.apply import Store
from deis_control.scheduler.changes import Change
from deis_control.scheduler.view import ClusterView
from deis_node.cluster import keys
from deis_node.cluster.election import Term
from deis_node.cluster.etcd import Etcd, Put, TxnResult, Unavailable, absent
from deis_node.cluster.records import Incarnation, Leader
from deis_node.runtime.tasks import Tasks
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
    return Store(etcd, view, Term(keys.LEADER, elected.create_revision), LIFE)


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


async def test_a_write_whose_answer_is_lost_is_seen_at_the_next_look(
    store: Store, etcd: Etcd, view: ClusterView, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed, txn = make_placed(), etcd.txn
    silent = iter((True, True, True))

    async def unanswered(*asked: Any) -> TxnResult:
        found = await txn(*asked)
        if next(silent, False):
            raise Unavailable("no answer")
        return found

    key = keys.placement("host-1", placed.copy.container)
    monkeypatch.setattr(etcd, "txn", unanswered)
    with pytest.raises(Unavailable):
        await store.write([Change((absent(key),), (Put(key, placed.placement.to_bytes()),))])
    assert view.app("hello").placed == {}
    await store.trust()
    assert not next(silent, False)
    assert list(view.app("hello").placed) == [placed.copy.container]
