"""Images that hosts shall have beforehand, with a real etcd and a real PostgreSQL."""

from dataclasses import replace

import pytest

from deis_control.deltas import DestroyDelta
from deis_node.cluster import keys
from deis_node.cluster.records import Prefetch
from tests.fixtures.scheduling import Scheduling, web
from tests.fixtures.waiting import eventually


@pytest.fixture
def stand_in_hosts() -> tuple[str, ...]:
    return ("host-1", "host-2", "host-3", "host-4")


async def wishes(scheduling: Scheduling) -> dict[str, Prefetch]:
    """Host → what it shall have."""
    listing = await scheduling.etcd.list(keys.PREFETCH)
    return {kv.key.split("/")[3]: Prefetch.from_bytes(kv.value) for kv in listing.items}


async def wished(scheduling: Scheduling, wanted: dict[str, Prefetch]) -> None:
    async def so() -> bool:
        return await wishes(scheduling) == wanted

    await eventually(so, within=60)


async def test_hosts_that_do_not_run_it_shall_have_the_image_of_the_live_release(
    scheduling: Scheduling,
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    assert await scheduling.placed_on("host-1") == {web(2)}
    first = Prefetch("127.0.0.1:5000/hello@sha256:1234567")
    await wished(scheduling, {"host-2": first, "host-3": first})
    await scheduling.ended(await scheduling.push(app, "7654321"))
    second = Prefetch("127.0.0.1:5000/hello@sha256:7654321")

    async def renewed() -> bool:
        found = await wishes(scheduling)
        runs = set((await scheduling.served()).values())
        return len(found) == 2 and not runs & found.keys() and set(found.values()) == {second}

    await eventually(renewed, within=60)
    await scheduling.ended(await scheduling.submit(app, DestroyDelta()))
    await wished(scheduling, {})


async def test_a_copy_of_a_lost_host_goes_where_its_image_is(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    image = Prefetch("127.0.0.1:5000/hello@sha256:1234567")
    await wished(scheduling, {"host-2": image, "host-3": image})
    held = replace(image, held=True)
    await scheduling.etcd.put(keys.prefetch("host-3", "hello"), held.to_bytes())
    await scheduling.cluster.lose("host-1")

    async def moved() -> bool:
        return set((await scheduling.served()).values()) == {"host-3"}

    await eventually(moved, within=60)
    placed = (await scheduling.placements())[web(2, generation=2)]
    assert "the image is there" in (placed.why or "")
    await wished(scheduling, {"host-2": image, "host-4": image})
