"""The leader's view of the store: what it concludes from what it may have missed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deis_control.scheduler.view import ClusterView
from deis_control.scheduler.world import Limits
from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.records import Host
from deis_node.runtime.tasks import Tasks
from tests.fixtures.waiting import eventually
from tests.worlds import make_copy, make_placed, make_target

WORKER = make_copy("worker")
LIMITS = Limits(host_ttl=10)


@pytest.fixture
async def view(etcd: Etcd) -> AsyncIterator[ClusterView]:
    """A view of many hosts, of which the first was lost with a single copy."""
    for name in (f"host-{number}" for number in range(1, 9)):
        await etcd.put(keys.host(name), Host(name, "10.0.0.1").to_bytes())
    placement = make_placed(WORKER, single=True).placement
    await etcd.put(keys.placement("host-1", WORKER.container), placement.to_bytes())
    made = ClusterView(etcd)
    async with Tasks() as tasks:
        tasks.start("view", made.run())
        await made.ready()
        await etcd.delete(keys.host("host-1"))
        await eventually(lambda: not made.is_alive("host-1"))
        yield made


def made_again_at(view: ClusterView) -> float:
    """When the single copy may be made again, on the loop's clock."""
    found = view.snapshot("hello", make_target(WORKER), LIMITS).reconsider
    assert found is not None
    return found


async def test_a_single_copy_waits_anew_when_everything_was_read_anew(view: ClusterView) -> None:
    before = made_again_at(view)
    await asyncio.sleep(0.1)
    assert made_again_at(view) == before
    await view.reload()
    assert made_again_at(view) >= before + 0.1


async def test_a_single_copy_waits_anew_when_its_host_was_back_for_a_moment(
    view: ClusterView, etcd: Etcd
) -> None:
    before = made_again_at(view)
    await etcd.put(keys.host("host-1"), Host("host-1", "10.0.0.1").to_bytes())
    gone = await etcd.delete(keys.host("host-1"))
    await eventually(lambda: view.revision >= gone)
    assert made_again_at(view) > before


async def test_a_single_copy_does_not_wait_anew_when_another_host_is_lost(
    view: ClusterView, etcd: Etcd
) -> None:
    before = made_again_at(view)
    await etcd.delete(keys.host("host-3"))
    await eventually(lambda: not view.is_alive("host-3"))
    assert made_again_at(view) == before
