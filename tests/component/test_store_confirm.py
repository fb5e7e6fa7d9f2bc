"""A leader's term is confirmed in etcd before it changes what knows nothing of the election."""

import pytest

from deis_control.errors import Fenced
from deis_control.scheduler.apply import Store
from deis_control.scheduler.view import ClusterView
from deis_node.cluster import keys
from deis_node.cluster.election import Term
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.records import Incarnation, Leader

LIFE = Incarnation("one")


@pytest.fixture
async def store(etcd: Etcd) -> Store:
    """Of a leader that was elected in the store's first life."""
    await etcd.put(keys.INCARNATION, LIFE.to_bytes())
    await etcd.put(keys.LEADER, Leader("control-1", 1).to_bytes())
    elected = await etcd.get(keys.LEADER)
    assert elected is not None
    return Store(etcd, ClusterView(etcd), Term(keys.LEADER, elected.create_revision), LIFE)


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
