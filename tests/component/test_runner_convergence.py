"""However often the agent is ended in the middle of its work, what is wanted becomes true."""

import asyncio
import random
from dataclasses import replace

import pytest

from deis_node.cluster import keys
from deis_node.cluster.records import Endpoint, Instance, Phase, Placement, PlacementState
from tests.builders import make_placement
from tests.fixtures.runner import HOST, Agent
from tests.fixtures.waiting import eventually


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_ends_at_random_moments_leave_nothing_behind(
    agent: Agent, web_image: str, seed: int
) -> None:
    dice = random.Random(seed)
    wanted: dict[str, Placement] = {}
    agent.runner_settings = replace(agent.runner_settings, default_grace=0.0)
    await agent.start()
    for number in range(1, 9):
        made = make_placement(image=web_image, command=None, grace=0, num=number)
        wanted[made.copy.container] = made
        await agent.place(made)
        name = dice.choice(sorted(wanted))
        match dice.randrange(4):
            case 0:
                wanted[name] = replace(wanted[name], state=PlacementState.STOP)
                await agent.place(wanted[name])
            case 1:
                await agent.unplace(wanted.pop(name))
            case 2 if name in await agent.containers():
                await agent.docker.remove(name, force=True)
        await asyncio.sleep(dice.uniform(0, 0.4))
        await agent.stop()
        await agent.start()
    await eventually(lambda: settled(agent, wanted), within=60)


async def settled(agent: Agent, wanted: dict[str, Placement]) -> bool:
    """Containers, instances and endpoints are exactly those that the placements ask for."""
    run = {name for name, item in wanted.items() if item.state is PlacementState.RUN}
    listed = await agent.docker.list({"deis.platform": agent.platform})
    prefix = keys.instances_of(HOST)
    instances = {
        keys.tail(item.key, prefix): Instance.from_bytes(item.value)
        for item in (await agent.etcd.list(prefix)).items
    }
    endpoints = {
        keys.pair(item.key, keys.SERVICES)[1]: Endpoint.from_bytes(item.value).address
        for item in (await agent.etcd.list(keys.SERVICES)).items
    }
    return (
        {item.name for item in listed} == run
        and {name for name, item in instances.items() if item.ready} == run
        and {name for name, item in instances.items() if item.phase is Phase.STOPPED}
        == wanted.keys() - run
        and instances.keys() == wanted.keys()
        and endpoints.keys() == run
        and len(set(endpoints.values())) == len(run)
    )
