"""The sample app, built and run as the platform does it."""

import io
import shutil
import tarfile
from pathlib import Path

import aiohttp
import pytest
import yaml

from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError
from tests.fixtures.docker import DockerEngine
from tests.fixtures.waiting import eventually

SAMPLE = Path(__file__).parents[2] / "contrib" / "local" / "sample"
TAG = "deis-test/sample:latest"


@pytest.fixture(scope="module")
async def sample_image(docker_engine: DockerEngine) -> str:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(SAMPLE, "")
        tar.add(str(shutil.which("busybox")), "busybox")
    async with Docker(docker_engine.url) as client:
        async for _ in client.build(out.getvalue(), TAG):
            pass
    return TAG


@pytest.fixture
async def container(
    docker: Docker, docker_engine: DockerEngine, sample_image: str
) -> tuple[str, str]:
    """A running copy: its id and its URL."""
    command = yaml.safe_load((SAMPLE / "Procfile").read_text())["web"]
    facts = {"DEIS_APP": "hello", "DEIS_RELEASE": "v2<", "DEIS_CONTAINER": "hello_v2.web.1"}
    binding = {"HostIp": docker_engine.host_address, "HostPort": "0"}
    body = {
        "Image": sample_image,
        "Entrypoint": ["/bin/sh", "-c", command],
        "Env": [f"{name}={value}" for name, value in facts.items()],
        "HostConfig": {"PortBindings": {"5000/tcp": [binding]}},
    }
    identity = await docker.create("sample", body)
    await docker.start(identity)
    (port,) = (await docker.inspect(identity)).ports
    url = f"http://{port.host_ip}:{port.host_port}"
    await eventually(lambda: answers(url))
    return identity, url


async def answers(url: str) -> bool:
    try:
        return (await ask("GET", url))[0] == 200
    except aiohttp.ClientError:
        return False


async def ask(method: str, url: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, timeout=aiohttp.ClientTimeout(10)) as answer,
    ):
        return answer.status, await answer.text()


async def test_the_page_shows_what_answers(container: tuple[str, str]) -> None:
    status, page = await ask("GET", container[1])
    assert status == 200
    assert (SAMPLE / "message.txt").read_text().strip() in page
    assert "<td>v2&lt;</td>" in page
    assert "<td>hello_v2.web.1</td>" in page


async def test_every_method_gets_the_page(container: tuple[str, str]) -> None:
    assert (await ask("POST", container[1]))[0] == 200
    assert await ask("HEAD", container[1]) == (200, "")


async def test_its_health_can_be_asked(container: tuple[str, str]) -> None:
    assert await ask("GET", container[1] + "/healthz") == (200, "ok\n")


async def test_each_request_is_logged_with_its_path(
    docker: Docker, container: tuple[str, str]
) -> None:
    await ask("GET", container[1] + "/some/where")
    await eventually(lambda: logged(docker, container[0], "/some/where"))


async def logged(docker: Docker, identity: str, text: str) -> bool:
    return any(text in line for line in await docker.tail(identity, 20))


async def test_it_ends_at_once_when_told_so(docker: Docker, container: tuple[str, str]) -> None:
    await docker.kill(container[0], "SIGTERM")
    await eventually(lambda: exited(docker, container[0]), within=2)
    assert (await docker.inspect(container[0])).exit_code == 0


async def exited(docker: Docker, identity: str) -> bool:
    try:
        return (await docker.inspect(identity)).state == "exited"
    except DockerError:
        return False
