"""Images that a host shall have beforehand, with a real Docker Engine, registry and etcd."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from deis_node.cluster import keys
from deis_node.cluster.records import Prefetch
from deis_node.containers.prefetch import Fetched, Prefetcher
from deis_node.containers.settings import RunnerSettings
from deis_node.docker.client import Docker
from deis_node.runtime.tasks import Tasks
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


class Disk(ThreadPoolExecutor):
    """Where the loop's blocking calls are made: one at a time, and none while it is held."""

    def __init__(self) -> None:
        super().__init__(1)
        self._free = threading.Event()
        self._free.set()
        self.waiting = 0
        """How many calls came while it was held."""

    def hold(self) -> None:
        self._free.clear()

    def let_go(self) -> None:
        self._free.set()

    def submit(self, call: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        self.waiting += not self._free.is_set()
        return super().submit(self._when_free, call, *args, **more)

    def _when_free(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        self._free.wait()
        return call(*args, **more)


@pytest.fixture
async def disk() -> AsyncIterator[Disk]:
    disk = Disk()
    asyncio.get_running_loop().set_default_executor(disk)
    yield disk
    disk.let_go()


def prefetcher(
    agent: Agent,
    *,
    busy: Callable[[], bool] = lambda: False,
    used: Callable[[], frozenset[str]] = frozenset,
) -> Prefetcher:
    """One without an agent around it."""
    settings = RunnerSettings(prefetch_free=0.0, sweep=0.2)
    return Prefetcher(
        agent.etcd,
        agent.docker,
        HOST,
        agent.folder,
        settings,
        busy=busy,
        used=used,
        trusted=lambda: True,
    )


async def test_a_copy_that_comes_while_room_is_looked_for_comes_first(
    agent: Agent, registry_server: RegistryServer, web_image: str, disk: Disk
) -> None:
    image = await pushed(agent.docker, registry_server, web_image)
    await wish(agent, image)
    coming, asked = [False], asyncio.Event()

    def busy() -> bool:
        if coming[0]:
            asked.set()
        return coming[0]

    def used() -> frozenset[str]:
        disk.hold()
        return frozenset()

    with capture_logs() as logs:
        async with Tasks() as tasks:
            tasks.start("prefetch", prefetcher(agent, busy=busy, used=used).run())
            await eventually(lambda: disk.waiting > 0)
            coming[0] = True
            disk.let_go()
            await eventually(asked.is_set)
            assert not said(logs, "prefetch started")


async def test_what_a_copy_came_for_while_another_is_removed_stays(
    agent: Agent, registry_server: RegistryServer, web_image: str, busybox_image: str
) -> None:
    stored = [f"{web_image.partition(':')[0]}:fetched-{number}" for number in (1, 2)]
    for name in stored:
        await agent.docker.tag(busybox_image, *name.rsplit(":", 1))
    agent.folder.mkdir(parents=True)
    saved = agent.folder / "prefetch.json"
    saved.write_bytes(Fetched(tuple(stored)).to_bytes())
    looks: list[frozenset[str]] = [frozenset()]

    def used() -> frozenset[str]:
        return looks.pop() if looks else frozenset(stored[1:])

    async with Tasks() as tasks:
        tasks.start("prefetch", prefetcher(agent, used=used).run())
        await eventually(lambda: Fetched.from_bytes(saved.read_bytes()).images == ())
    assert await agent.docker.image(stored[0]) is None
    assert await agent.docker.image(stored[1]) is not None
    await agent.docker.remove_image(stored[1])


async def test_a_copy_may_come_when_the_fetch_has_just_ended(
    agent: Agent, slow_registry: RegistryServer, web_image: str, disk: Disk
) -> None:
    image = await pushed(agent.docker, slow_registry, web_image)
    slow_registry.freeze()
    await wish(agent, image)
    fetching = prefetcher(agent)

    async def ended() -> bool:
        return disk.waiting > 0 or await is_held(agent)

    with capture_logs() as logs:
        async with Tasks() as tasks:
            tasks.start("prefetch", fetching.run())
            await eventually(lambda: said(logs, "prefetch started"), within=30)
            disk.hold()
            slow_registry.thaw()
            await eventually(ended, within=60)
            fetching.give_way("another")
            disk.let_go()
            await eventually(lambda: is_held(agent), within=30)


async def test_an_image_that_the_engine_lists_by_another_name_is_not_fetched_at_once_again(
    agent: Agent, registry_server: RegistryServer, web_image: str
) -> None:
    image = (await pushed(agent.docker, registry_server, web_image)).replace("@", ":v2@")
    await wish(agent, image)
    with capture_logs() as logs:
        async with Tasks() as tasks:
            tasks.start("prefetch", prefetcher(agent).run())
            await eventually(lambda: said(logs, "image cannot be fetched beforehand"), within=30)
    assert sum(entry.get("event") == "prefetch started" for entry in logs) == 1


async def test_what_cannot_be_written_down_is_not_fetched(
    agent: Agent, registry_server: RegistryServer, web_image: str
) -> None:
    image = await pushed(agent.docker, registry_server, web_image)
    await wish(agent, image)
    broken = [True]

    def used() -> frozenset[str]:
        if broken[0] and not agent.folder.exists():
            agent.folder.write_text("no folder")
        return frozenset()

    with capture_logs() as logs:
        async with Tasks() as tasks:
            tasks.start("prefetch", prefetcher(agent, used=used).run())
            await eventually(lambda: said(logs, "loop failed"), within=30)
            assert not said(logs, "prefetch started")
            broken[0] = False
            agent.folder.unlink()
            await eventually(lambda: is_held(agent), within=30)
    assert image in (agent.folder / "prefetch.json").read_text()


def said(logs: list[object], text: str) -> bool:
    """Whether a line of the log says so."""
    return any(isinstance(entry, dict) and entry.get("event") == text for entry in logs)
