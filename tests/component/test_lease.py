"""Leases against a real server: kept, lost, adopted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deis_node.cluster.etcd import Etcd
from deis_node.cluster.lease import Lease
from deis_node.runtime.settings import SettingsError
from deis_node.runtime.tasks import Tasks
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.proxy import relay
from tests.fixtures.waiting import eventually

TTL = 2


@pytest.fixture
async def quick(etcd_server: EtcdMember, etcd: Etcd) -> AsyncIterator[Etcd]:
    """A client whose deadlines fit into a lease of two seconds."""
    async with Etcd([etcd_server.endpoint], timeout=0.4) as client:
        yield client


@asynccontextmanager
async def kept(etcd: Etcd, *, adopt: int = 0) -> AsyncIterator[Lease]:
    """A lease that is held."""
    lease = Lease(etcd, TTL, name="test")
    lease.adopt(adopt)
    async with Tasks() as tasks:
        tasks.start("lease", lease.run())
        async with asyncio.timeout(10):
            await lease.held()
        yield lease


async def test_a_lease_outlives_its_ttl_while_it_is_kept(quick: Etcd) -> None:
    async with kept(quick) as lease:
        await quick.put("/a", b"", lease.id)
        await asyncio.sleep(TTL * 2)
        assert await quick.get("/a") is not None
        assert lease.is_held


async def test_keeping_a_lease_writes_nothing(quick: Etcd) -> None:
    async with kept(quick):
        before = await quick.revision()
        await asyncio.sleep(TTL)
        assert await quick.revision() == before


async def test_a_lease_that_is_not_kept_any_more_runs_out(quick: Etcd) -> None:
    async with kept(quick) as lease:
        await quick.put("/a", b"", lease.id)

    async def gone() -> bool:
        return await quick.get("/a") is None

    assert lease.lost.is_set()
    await eventually(gone, within=TTL * 5)


async def test_a_lost_lease_is_told_and_a_new_one_taken(quick: Etcd) -> None:
    async with kept(quick) as lease:
        first = lease.id
        signal = lease.subscribe()
        signal.clear()
        await quick.revoke(first)
        async with asyncio.timeout(5):
            await lease.lost.wait()
            await lease.held()
        assert signal.is_set()
        assert lease.id not in (0, first)


async def test_a_wiped_store_costs_the_lease(etcd_server: EtcdMember, quick: Etcd) -> None:
    async with kept(quick) as lease:
        first = lease.id
        await asyncio.to_thread(etcd_server.wipe)
        await eventually(lambda: lease.is_held and lease.id != first)
        assert await quick.keepalive(lease.id) == TTL


async def test_a_lease_that_cannot_be_confirmed_is_lost_after_its_ttl(
    etcd_server: EtcdMember, quick: Etcd
) -> None:
    async with kept(quick) as lease:
        first = lease.id
        await asyncio.to_thread(etcd_server.kill)
        try:
            async with asyncio.timeout(TTL * 3):
                await lease.lost.wait()
        finally:
            await asyncio.to_thread(etcd_server.start)
        async with asyncio.timeout(10):
            await lease.held()
        # The server gives leases their whole TTL again when it comes back.
        assert lease.id == first


async def test_a_short_outage_costs_nothing(etcd_server: EtcdMember, quick: Etcd) -> None:
    async with (
        relay(etcd_server.endpoint) as cutting,
        Etcd([cutting.endpoint], timeout=0.4) as client,
        kept(client) as lease,
    ):
        first = lease.id
        calls = cutting.count("POST /v3/lease/keepalive")
        cutting.cut()
        await eventually(lambda: cutting.count("POST /v3/lease/keepalive") > calls)
        assert (lease.id, lease.is_held) == (first, True)


async def test_a_restarted_process_goes_on_with_its_lease(quick: Etcd) -> None:
    async with kept(quick) as lease:
        await quick.put("/a", b"", lease.id)
    async with kept(quick, adopt=lease.id) as again:
        assert again.id == lease.id
    assert await quick.get("/a") is not None


async def test_a_dead_lease_is_not_adopted(quick: Etcd) -> None:
    dead = await quick.grant(60)
    await quick.revoke(dead)
    async with kept(quick, adopt=dead) as lease:
        assert lease.id not in (0, dead)


async def test_a_lease_of_a_shorter_ttl_is_not_adopted(quick: Etcd) -> None:
    short = await quick.grant(TTL)
    lease = Lease(quick, TTL * 2, name="test")
    lease.adopt(short)
    async with Tasks() as tasks:
        tasks.start("lease", lease.run())
        async with asyncio.timeout(5):
            assert await lease.held() != short


async def test_revoking_ends_the_keys(quick: Etcd) -> None:
    async with kept(quick) as lease:
        await quick.put("/a", b"", lease.id)
    await lease.revoke()
    assert await quick.get("/a") is None


async def test_a_ttl_too_short_for_the_deadlines_is_refused(quick: Etcd) -> None:
    with pytest.raises(SettingsError, match="must be less than the TTL"):
        Lease(quick, 2, name="test", refresh=1.2)
