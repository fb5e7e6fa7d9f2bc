"""What must never run twice, on a host that the store has not confirmed: it ends, and waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.records import Host, Phase, Placement, PlacementState
from deis_node.containers.lost import processes
from deis_node.heartbeat import Heartbeat
from deis_node.runtime.tasks import Tasks
from tests.builders import make_placement
from tests.fixtures.docker import DockerEngine
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.proxy import Relay, relay
from tests.fixtures.runner import HOST, Agent
from tests.fixtures.waiting import eventually

TTL = 3


@dataclass
class Confirmed:
    """An agent whose lease goes through a relay of its own."""

    agent: Agent
    way: Relay

    async def runs(self, copy: Placement) -> bool:
        return copy.copy.container in await self.agent.containers()

    async def ended(self, copy: Placement) -> bool:
        return not await self.runs(copy)


@pytest.fixture
async def confirmed(agent: Agent, etcd_server: EtcdMember) -> AsyncIterator[Confirmed]:
    """The host of `agent` with a lease, the agent started."""
    async with AsyncExitStack() as stack, Tasks() as tasks:
        way = await stack.enter_async_context(relay(etcd_server.endpoint))
        etcd = await stack.enter_async_context(Etcd([way.endpoint], timeout=0.8))
        agent.folder.mkdir(exist_ok=True)
        heartbeat = Heartbeat(etcd, Host(HOST, agent.address), TTL, agent.folder)
        agent.tenure = heartbeat.tenure
        tasks.start("heartbeat", heartbeat.run())
        await agent.start()
        yield Confirmed(agent, way)


async def test_a_single_copy_ends_after_two_ttls_and_comes_back_with_the_lease(
    confirmed: Confirmed, web_image: str
) -> None:
    agent, clock = confirmed.agent, asyncio.get_running_loop().time
    single = make_placement(image=web_image, command=None, grace=1, single=True)
    other = make_placement(image=web_image, command=None, grace=1, num=2)
    await agent.place(single, other)
    for copy in (single, other):
        await eventually(lambda copy=copy: agent.is_ready(copy), within=30)
    confirmed.way.freeze()
    frozen = clock()
    await eventually(lambda: confirmed.ended(single), within=4 * TTL)
    # The last question that was answered was sent at most a refresh and its way before.
    assert clock() - frozen > TTL
    assert await confirmed.runs(other)
    assert not await agent.is_ready(single)
    await eventually(lambda: yielded(agent, single))
    confirmed.way.thaw()
    await eventually(lambda: agent.is_ready(single), within=20)
    assert await confirmed.runs(other)


async def test_a_single_copy_that_the_engine_lost_ends_when_it_is_not_confirmed(
    confirmed: Confirmed, docker_engine: DockerEngine, web_image: str
) -> None:
    agent = confirmed.agent
    single = make_placement(image=web_image, command=None, grace=1, single=True)
    await agent.place(single)
    await eventually(lambda: agent.is_ready(single), within=30)
    container = (await agent.containers())[single.copy.container]
    confirmed.way.freeze()
    await asyncio.to_thread(docker_engine.kill_at_start_of, container)
    await asyncio.sleep(3 * TTL)
    # Nobody can end it properly without an engine.
    assert list(processes(container))
    await asyncio.to_thread(docker_engine.start)
    await eventually(lambda: not list(processes(container)), within=20)
    confirmed.way.thaw()
    await eventually(lambda: confirmed.runs(single), within=20)


async def yielded(agent: Agent, copy: Placement) -> bool:
    """Whether everybody can see why the copy ended, and that it did not end by itself."""
    found = await agent.instance(copy)
    assert found is not None
    return found.last_exit is None and "not confirmed this host" in (found.error or "")


async def test_a_single_copy_that_was_made_again_elsewhere_does_not_come_back(
    confirmed: Confirmed, web_image: str
) -> None:
    agent = confirmed.agent
    single = make_placement(image=web_image, command=None, grace=1, single=True)
    await agent.place(single)
    await eventually(lambda: agent.is_ready(single), within=30)
    confirmed.way.freeze()
    await eventually(lambda: confirmed.ended(single), within=4 * TTL)
    await agent.place(replace(single, state=PlacementState.STOP))
    confirmed.way.thaw()
    started = False

    async def confirmed_stop() -> bool:
        nonlocal started
        started = started or await confirmed.runs(single)
        found = await agent.instance(single)
        back = await agent.etcd.get(keys.host(HOST))
        return back is not None and found is not None and found.phase is Phase.STOPPED

    await eventually(confirmed_stop, within=20)
    assert not started


async def test_a_restarted_agent_remembers_the_stores_last_word(
    confirmed: Confirmed, web_image: str
) -> None:
    agent, clock = confirmed.agent, asyncio.get_running_loop().time
    single = make_placement(image=web_image, command=None, grace=1, single=True)
    await agent.place(single)
    await eventually(lambda: agent.is_ready(single), within=30)
    confirmed.way.freeze()
    frozen = clock()
    await asyncio.sleep(TTL)
    await agent.stop()
    word = agent.tenure(0.0)
    agent.tenure = lambda unknown: replace(word, confirmed=unknown, since=None)
    await agent.start()
    await eventually(lambda: confirmed.ended(single), within=2 * TTL)
    assert clock() - frozen < 3 * TTL
