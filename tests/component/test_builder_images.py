"""Images on their way into the registry, and the registry's client."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deis_control.builder.images import Images
from deis_control.errors import BadRequest, Unavailable
from deis_control.registry.client import Registry, RegistryUnavailable
from deis_control.registry.names import Names
from deis_node.docker.client import Docker
from deis_node.docker.errors import PushFailed
from tests.fixtures.docker import DockerEngine, build_image
from tests.fixtures.registry import RegistryServer

ABSENT = "sha256:" + "0" * 64


@pytest.fixture
async def registry(registry_server: RegistryServer) -> AsyncIterator[Registry]:
    at = registry_server.url.removeprefix("http://")
    async with Registry(lambda: at) as client:
        yield client


@pytest.fixture
def images(docker: Docker, registry: Registry, registry_server: RegistryServer) -> Images:
    return Images(docker, registry, Names(registry_server.port), patience=1.0)


@pytest.fixture(scope="module")
def other(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """A registry that is not the platform's."""
    server = RegistryServer(docker_engine, tmp_path_factory.mktemp("other") / "registry")
    server.folder.mkdir()
    server.start()
    yield server
    server.close()


async def test_a_built_image_is_published_by_digest(images: Images, docker: Docker) -> None:
    await build_image(docker, images.tagged("hello", "git-01234567"), "FROM scratch\nENV A=1\n")
    reference = await images.publish("hello", "git-01234567")
    assert reference == await images.find_image("hello", "0123456789")
    assert await docker.image(reference) is not None


async def test_an_image_that_nobody_pushed_cannot_be_found(images: Images) -> None:
    with pytest.raises(BadRequest, match="There is no image hello:git-ffffffff in the registry"):
        await images.find_image("hello", "f" * 40)


async def test_an_image_from_elsewhere_is_imported(
    images: Images, docker: Docker, other: RegistryServer
) -> None:
    source = f"{other.address}/some/app:v1"
    built = await build_image(docker, source, "FROM scratch\nENV B=1\n")
    await docker.push(source)
    await docker.remove_image(source)
    reference = await images.import_image("hello", source)
    found = await docker.image(reference)
    assert found is not None
    assert found.id == built
    assert await images.architecture(reference) == (await docker.info()).arch


async def test_what_an_image_is_built_for_that_is_not_here_is_not_known(images: Images) -> None:
    assert await images.architecture(f"127.0.0.1:5000/hello@sha256:{'0' * 64}") == ""


async def test_an_image_that_is_only_here_will_do(
    images: Images, docker: Docker, other: RegistryServer
) -> None:
    source = f"{other.address}/only/here:v1"
    await build_image(docker, source, "FROM scratch\nENV C=1\n")
    assert (await images.import_image("hello", source)).startswith("127.0.0.1:")


async def test_an_image_that_cannot_be_had_is_named(images: Images, other: RegistryServer) -> None:
    with pytest.raises(BadRequest, match=r"The image .*/none:v1 could not be pulled: .*unknown"):
        await images.import_image("hello", f"{other.address}/none:v1")


@pytest.mark.parametrize("name", ["../x:v1", "A b:v1", "a?b:1", "-x:1", "a//b:1"])
async def test_what_is_no_name_of_an_image_is_refused(images: Images, name: str) -> None:
    with pytest.raises(BadRequest):
        await images.import_image("hello", name)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST.", "[::1]", "node-2.example"]
)
async def test_another_apps_image_is_not_imported(
    images: Images, registry_server: RegistryServer, host: str
) -> None:
    with pytest.raises(BadRequest, match="belongs to another app"):
        await images.import_image("hello", f"{host}:{registry_server.port}/other:v3")


async def test_an_images_id_is_not_taken_for_its_name(images: Images, docker: Docker) -> None:
    built = await build_image(docker, "127.0.0.1:1/secret:v1", "FROM scratch\nENV D=1\n")
    for name in (built, built.removeprefix("sha256:"), built.removeprefix("sha256:")[:12]):
        with pytest.raises(BadRequest, match="is the id of an image, not its name"):
            await images.import_image("hello", name)


async def test_a_registry_that_stays_away_ends_the_push(docker: Docker, registry: Registry) -> None:
    images = Images(docker, registry, Names(1), patience=0.5)
    await build_image(docker, images.tagged("hello", "git-1"), "FROM scratch\nENV E=1\n")
    with pytest.raises(PushFailed):
        await images.publish("hello", "git-1")


async def test_the_registry_answers_a_ping(registry: Registry) -> None:
    await registry.ping()


async def test_an_image_is_removed_by_its_digest(
    images: Images, registry: Registry, docker: Docker
) -> None:
    await build_image(docker, images.tagged("gone", "v1"), "FROM scratch\nENV F=1\n")
    digest = (await images.publish("gone", "v1")).partition("@")[2]
    assert await registry.delete("gone", digest)
    assert await registry.digest("gone", "v1") is None
    assert not await registry.delete("gone", digest)


@pytest.mark.parametrize(
    ("app", "tag"), [("../x", "v1"), ("a?b", "v1"), ("hello", "../v1"), ("hello", "none")]
)
async def test_what_cannot_be_there_is_not_there(registry: Registry, app: str, tag: str) -> None:
    assert await registry.digest(app, tag) is None
    assert not await registry.delete(app, ABSENT)


async def test_a_registry_that_is_away_is_told_from_one_that_refuses(
    docker: Docker, tmp_path: Path
) -> None:
    async with Registry(lambda: "127.0.0.1:1", timeout=1.0) as nobody:
        with pytest.raises(RegistryUnavailable):
            await nobody.ping()
        with pytest.raises(Unavailable):
            await Images(docker, nobody, Names(1)).find_image("hello", "0" * 40)
