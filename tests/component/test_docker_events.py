"""The stream of events of a real Docker Engine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from deis_node.docker import labels
from deis_node.docker.client import Docker
from deis_node.docker.errors import Unavailable
from deis_node.docker.events import (
    ContainerDied,
    ContainerEvent,
    ContainerOOM,
    ContainerRemoved,
    ContainerStarted,
    Event,
    Subscribed,
)
from tests.fixtures.docker import DockerEngine

OURS = {labels.PLATFORM: "test"}


async def until_removed(events: AsyncIterator[Event]) -> list[ContainerEvent]:
    seen: list[ContainerEvent] = []
    async with asyncio.timeout(60):
        async for event in events:
            if isinstance(event, ContainerEvent):
                seen.append(event)
            if isinstance(event, ContainerRemoved):
                break
    return seen


async def test_a_life_is_told_from_start_to_removal(docker: Docker, busybox_image: str) -> None:
    command = ["sh", "-c", "exit 5"]
    async with aclosing(docker.events(OURS)) as events:
        assert await anext(events) == Subscribed()
        body = {"Image": busybox_image, "Cmd": command, "Labels": {**OURS, labels.APP: "hello"}}
        container = await docker.create("told", body)
        await docker.start(container)
        await docker.stop(container, 10)
        await docker.remove(container)
        seen = await until_removed(events)
    assert [type(event) for event in seen] == [ContainerStarted, ContainerDied, ContainerRemoved]
    assert {(event.id, event.name, event.labels[labels.APP]) for event in seen} == {
        (container, "told", "hello")
    }
    assert isinstance(seen[1], ContainerDied)
    assert seen[1].exit_code == 5
    assert seen[0].time <= seen[1].time


async def test_containers_without_the_label_are_not_told(
    docker: Docker, busybox_image: str
) -> None:
    async with aclosing(docker.events(OURS)) as events:
        await anext(events)
        for name, given in (("other", {}), ("ours", OURS)):
            container = await docker.create(
                name, {"Image": busybox_image, "Cmd": ["true"], "Labels": given}
            )
            await docker.remove(container)
        (event,) = await until_removed(events)
    assert event.name == "ours"


async def test_want_of_memory_is_told(docker: Docker, busybox_image: str) -> None:
    limits = {"Memory": 16 << 20, "MemorySwap": 16 << 20}
    async with aclosing(docker.events(OURS)) as events:
        await anext(events)
        container = await docker.create(
            "hungry",
            {
                "Image": busybox_image,
                "Cmd": ["tail", "/dev/zero"],
                "Labels": OURS,
                "HostConfig": limits,
            },
        )
        await docker.start(container)
        # The kernel may tell of it more than once, and before or after the end.
        missing = {ContainerStarted, ContainerOOM, ContainerDied}
        async with asyncio.timeout(60):
            while missing:
                missing.discard(type(await anext(events)))


async def test_an_engine_that_goes_away_ends_the_stream(docker_engine: DockerEngine) -> None:
    async with Docker(docker_engine.url) as client, aclosing(client.events({})) as events:
        await anext(events)
        docker_engine.kill()
        try:
            with pytest.raises(Unavailable):
                async with asyncio.timeout(60):
                    await anext(events)
        finally:
            await asyncio.to_thread(docker_engine.start)
