"""Images of the platform's registry: fetched when a copy needs them, removed when nobody does."""

from collections.abc import Callable
from dataclasses import replace

from deis_node.containers.cleaning import Cleaner
from deis_node.containers.settings import RunnerSettings
from deis_node.docker.client import Docker
from tests.builders import make_placement
from tests.fixtures.registry import RegistryServer
from tests.fixtures.runner import Agent
from tests.fixtures.waiting import eventually


async def pushed(docker: Docker, registry: RegistryServer, image: str) -> str:
    """The image in the registry and nowhere else; its reference by digest."""
    await docker.tag(image, f"{registry.address}/hello", "v2")
    digest = await docker.push(f"{registry.address}/hello:v2")
    reference = f"{registry.address}/hello@{digest}"
    await docker.remove_image(f"{registry.address}/hello:v2")
    if await docker.image(reference) is not None:
        await docker.remove_image(reference)
    return reference


async def test_copies_share_one_fetch_of_their_image(
    agent: Agent, registry_server: RegistryServer, web_image: str
) -> None:
    reference = await pushed(agent.docker, registry_server, web_image)
    copies = [make_placement(image=reference, command=None, num=number) for number in (1, 2, 3)]
    await agent.start()
    await agent.place(*copies)
    for copy in copies:
        await eventually(lambda copy=copy: agent.is_ready(copy), within=30)


async def test_a_registry_that_comes_back_is_enough(
    agent: Agent, registry_server: RegistryServer, web_image: str
) -> None:
    reference = await pushed(agent.docker, registry_server, web_image)
    registry_server.kill()
    copy = make_placement(image=reference, command=None)
    await agent.start()
    await agent.place(copy)

    def told() -> bool:
        view = agent.runner.copies.get(copy.copy.container)
        return view is not None and view.error is not None

    await eventually(told)
    view = agent.runner.copies.get(copy.copy.container)
    assert view is not None
    assert str(view.error).startswith("the image cannot be fetched: ")
    assert view.phase == "pulling"
    registry_server.start()
    await eventually(lambda: agent.is_ready(copy), within=30)


async def test_images_go_when_nothing_needs_them(
    docker: Docker, registry_server: RegistryServer, web_image: str
) -> None:
    address = registry_server.address
    reference = await pushed(docker, registry_server, web_image)
    await docker.pull(reference)
    used: set[str] = {reference}
    cleaner = make_cleaner(docker, address, lambda: frozenset(used))
    await cleaner.clean()
    assert await docker.image(reference) is not None
    used.clear()
    await cleaner.clean()
    assert await docker.image(reference) is None
    assert await docker.image(web_image) is not None


def make_cleaner(docker: Docker, registry: str, used: Callable[[], frozenset[str]]) -> Cleaner:
    settings = replace(RunnerSettings(), image_hours=0.0)
    return Cleaner(docker, "p1", registry, used, settings)
