"""Images that a host shall have beforehand, with a real Docker Engine, registry and etcd."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from deis_node.cluster import keys
from deis_node.cluster.records import Prefetch
from deis_node.docker.client import Docker
from tests.builders import make_placement
from tests.fixtures.docker import DockerEngine
from tests.fixtures.registry import RegistryServer
from tests.fixtures.runner import HOST, Agent
from tests.fixtures.waiting import eventually

KEY = keys.prefetch(HOST, "hello")


async def pushed(docker: Docker, registry: RegistryServer, image: str) -> str:
    """The image in the registry and nowhere else; its reference by digest."""
    name = f"{registry.address}/hello"
    await docker.tag(image, name, "v2")
    reference = f"{name}@{await docker.push(f'{name}:v2')}"
    await docker.remove_image(f"{name}:v2")
    if await docker.image(reference) is not None:
        await docker.remove_image(reference)
    return reference


async def wish(agent: Agent, image: str) -> None:
    await agent.etcd.put(KEY, Prefetch(image).to_bytes())


async def is_held(agent: Agent) -> bool:
    kv = await agent.etcd.get(KEY)
    return kv is not None and Prefetch.from_bytes(kv.value).held


@pytest.fixture
def slow_registry(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[RegistryServer]:
    """A second registry, which a test may freeze."""
    folder = tmp_path / "registry"
    folder.mkdir()
    server = RegistryServer(docker_engine, folder)
    try:
        server.start()
        yield server
    finally:
        server.close()


async def test_an_image_is_fetched_before_a_copy_comes_and_goes_when_none_came(
    agent: Agent, registry_server: RegistryServer, web_image: str
) -> None:
    agent.runner_settings = replace(agent.runner_settings, prefetch_free=0.0)
    image = await pushed(agent.docker, registry_server, web_image)
    await wish(agent, image)
    await agent.start()
    await eventually(lambda: is_held(agent), within=30)
    assert await agent.docker.image(image) is not None
    await agent.stop()
    await agent.start()
    await agent.etcd.delete(KEY)

    async def gone() -> bool:
        return await agent.docker.image(image) is None

    await eventually(gone, within=30)
    assert await agent.docker.image(web_image) is not None


async def test_what_a_copy_came_for_stays_when_the_wish_goes(
    agent: Agent, registry_server: RegistryServer, web_image: str
) -> None:
    agent.runner_settings = replace(agent.runner_settings, prefetch_free=0.0, sweep=0.2)
    image = await pushed(agent.docker, registry_server, web_image)
    await wish(agent, image)
    await agent.start()
    await eventually(lambda: is_held(agent), within=30)
    copy = make_placement(image=image, command=None, grace=1)
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy), within=30)
    saved = agent.folder / "prefetch.json"
    await eventually(lambda: image not in saved.read_text(), within=30)
    await agent.etcd.delete(KEY)
    await agent.unplace(copy)

    async def ended() -> bool:
        return not await agent.docker.list({"deis.platform": agent.platform})

    await eventually(ended, within=30)
    assert await agent.docker.image(image) is not None, "it is the cleaning's by now"


async def test_a_copy_waits_for_no_image_that_is_fetched_beforehand(
    agent: Agent, registry_server: RegistryServer, slow_registry: RegistryServer, web_image: str
) -> None:
    agent.runner_settings = replace(agent.runner_settings, prefetch_free=0.0)
    later = await pushed(agent.docker, slow_registry, web_image)
    now = await pushed(agent.docker, registry_server, web_image)
    slow_registry.freeze()
    await wish(agent, later)
    with capture_logs() as logs:
        await agent.start()
        await eventually(lambda: said(logs, "prefetch started"), within=30)
        copy = make_placement(image=now, command=None, grace=1)
        await agent.place(copy)
        await eventually(lambda: agent.is_ready(copy), within=30)
        assert said(logs, "prefetch gave way")
    assert not await is_held(agent)
    slow_registry.thaw()
    await eventually(lambda: is_held(agent), within=60)


async def test_nothing_is_fetched_beforehand_without_room(
    agent: Agent, registry_server: RegistryServer, web_image: str
) -> None:
    agent.runner_settings = replace(agent.runner_settings, prefetch_free=100.0)
    image = await pushed(agent.docker, registry_server, web_image)
    await wish(agent, image)
    with capture_logs() as logs:
        await agent.start()
        await eventually(lambda: said(logs, "no room to fetch images beforehand"), within=30)
    assert await agent.docker.image(image) is None
    await agent.stop()
    agent.runner_settings = replace(agent.runner_settings, prefetch_free=0.0)
    await agent.start()
    await eventually(lambda: is_held(agent), within=30)


def said(logs: list[object], text: str) -> bool:
    """Whether a line of the log says so."""
    return any(isinstance(entry, dict) and entry.get("event") == text for entry in logs)
