"""The Docker Engine of a local platform: its network, its restarts, and its end."""

import asyncio
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from deis_cli.deisctl.local import engine, network
from deis_cli.deisctl.local.cgroups import cgroup_pids, cgroup_remove, hierarchies
from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.mounts import mounts_below, unmount_below
from deis_cli.deisctl.local.port_hold import CHAIN
from deis_cli.deisctl.local.programs import output_of
from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError
from deis_node.docker.model import State
from tests.fixtures.docker import BUSYBOX, DockerEngine, build_image, busybox_root
from tests.fixtures.waiting import eventually

SLOW = """#!/bin/sh
echo Content-Type: text/plain; echo
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo $i; sleep 0.2; done
"""


async def serve(docker: Docker, engine_: DockerEngine, name: str, port: int) -> str:
    """Start a container that answers with its name on a published port; the URL."""
    script = "mkdir -p /tmp/cgi-bin && cp /slow /tmp/cgi-bin/slow && exec httpd -f -p 5000 -h /tmp"
    published = {"5000/tcp": [{"HostIp": engine_.host_address, "HostPort": str(port)}]}
    container = await docker.create(
        name,
        {
            "Image": "deis-test/server",
            "Cmd": ["sh", "-c", f"echo -n {name} >/tmp/index.html; {script}"],
            "ExposedPorts": {"5000/tcp": {}},
            "HostConfig": {"PortBindings": published},
        },
    )
    await docker.start(container)
    url = f"http://{engine_.host_address}:{port}/"
    await eventually(lambda: answer(url) == name, within=30)
    return url


def answer(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return str(response.read(), "utf-8")
    except (OSError, http.client.HTTPException):
        return None


@contextmanager
def asked_all_the_time(url: str) -> Iterator[list[str | None]]:
    """Ask an URL again and again beside the block; all answers."""
    answers: list[str | None] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.005):
            answers.append(answer(url))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


@pytest.fixture
async def server_image(docker: Docker, busybox_image: str) -> None:
    dockerfile = f"FROM {busybox_image}\nCOPY slow /slow\n"
    await build_image(docker, "deis-test/server", dockerfile, {"slow": SLOW.encode()})


@pytest.mark.usefixtures("server_image")
async def test_a_published_port_answers_the_machine_and_other_containers(
    docker: Docker, docker_engine: DockerEngine
) -> None:
    url = await serve(docker, docker_engine, "web", 20010)
    client = await docker.create("client", {"Image": BUSYBOX, "Cmd": ["wget", "-qO-", url]})
    await docker.start(client)

    async def heard() -> bool:
        return await docker.tail(client, 1) == ("web",)

    await eventually(heard, within=30)


@pytest.mark.usefixtures("server_image")
async def test_the_machine_reaches_a_container_at_its_own_address(
    docker: Docker, docker_engine: DockerEngine
) -> None:
    await serve(docker, docker_engine, "web", 20011)
    assert answer(f"http://{(await docker.inspect('web')).ip}:5000/") == "web"


@pytest.mark.usefixtures("server_image")
@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_ports_answer_throughout_a_restart_of_the_engine(
    docker: Docker, docker_engine: DockerEngine, how: str
) -> None:
    url = await serve(docker, docker_engine, "web", 20012)
    container = (await docker.inspect("web")).id
    with asked_all_the_time(url) as answers:
        slow = f"{url}cgi-bin/slow"
        long_one = asyncio.get_running_loop().run_in_executor(None, answer, slow)
        await asyncio.to_thread(getattr(docker_engine, how))
        await eventually(lambda: len(answers) > 20)
        await asyncio.to_thread(docker_engine.start)
        assert (await long_one or "").split()[-1] == "15"
    assert set(answers) == {"web"}
    again = await docker.inspect("web")
    assert (again.id, again.state) == (container, State.RUNNING)


@pytest.mark.usefixtures("server_image")
async def test_held_ports_are_let_go_when_the_engine_answers(
    docker: Docker, docker_engine: DockerEngine
) -> None:
    url = await serve(docker, docker_engine, "web", 20013)
    docker_engine.kill()
    await asyncio.to_thread(docker_engine.start)
    rules = docker_engine.layout.network.enter(["iptables-save"])
    await eventually(lambda: CHAIN not in output_of(rules))
    await docker.remove("web", force=True)
    assert answer(url) is None


@pytest.mark.usefixtures("server_image")
async def test_containerd_is_killed_and_nobody_notices(
    docker: Docker, docker_engine: DockerEngine
) -> None:
    url = await serve(docker, docker_engine, "web", 20014)
    with asked_all_the_time(url) as answers:
        await asyncio.to_thread(docker_engine.kill_containerd)
        await asyncio.to_thread(docker_engine.start)

        async def stopped() -> bool:
            with suppress(DockerError):
                await docker.stop("web", 0)
            return (await docker.inspect("web")).state is State.EXITED

        answers_before = len(answers)
        await eventually(lambda: len(answers) > answers_before + 10)
        assert set(answers) == {"web"}
        await eventually(stopped, within=60)


async def test_a_container_is_stopped_and_seen_dead_after_a_restart(
    docker: Docker, docker_engine: DockerEngine, busybox_image: str
) -> None:
    container = await docker.create("short", {"Image": busybox_image, "Cmd": ["sleep", "60"]})
    await docker.start(container)
    pid = (await docker.inspect(container)).pid
    docker_engine.kill()
    os.kill(pid, 9)
    await asyncio.to_thread(docker_engine.start)

    async def seen() -> bool:
        return (await docker.inspect(container)).state is State.EXITED

    await eventually(seen, within=30)
    assert (await docker.inspect(container)).exit_code == 137


@pytest.fixture
def own_engine() -> Iterator[DockerEngine]:
    """An engine for a test that ends it for good; its folder's path is very long."""
    parent = Path(tempfile.mkdtemp(prefix="deis-docker-"))
    home = parent / ("long-" * 20)
    home.mkdir()
    own = DockerEngine(home)
    try:
        own.start()
        yield own
    finally:
        with suppress(FileNotFoundError):
            own.close()
        shutil.rmtree(parent, ignore_errors=True)


async def test_teardown_leaves_nothing(own_engine: DockerEngine) -> None:
    where = own_engine.layout
    async with Docker(own_engine.url) as client:
        await build_image(
            client, BUSYBOX, "FROM scratch\nADD root.tar /\n", {"root.tar": busybox_root()}
        )
        for name in ("one", "two"):
            container = await client.create(name, {"Image": BUSYBOX, "Cmd": ["sleep", "600"]})
            await client.start(container)
    pids = cgroup_pids(where.cgroup)
    assert len(pids) >= 6
    assert mounts_below(own_engine.home)
    shims = {note.read_text() for note in where.containerd_state.glob("*/*/*/address")}
    assert len(shims) == 2

    engine.teardown(where, grace=0.2)

    own_engine.reap()
    assert not cgroup_pids(where.cgroup)
    assert not any(_runs(pid) for pid in pids)
    assert not mounts_below(own_engine.home)
    assert not mounts_below(where.run)
    assert not any(Path(shim.removeprefix("unix://")).exists() for shim in shims)
    assert not where.run.exists()
    assert not [tree for tree in hierarchies() if tree.group(where.cgroup).exists()]
    assert not where.network.namespace.exists()
    assert where.network.name not in output_of(["ip", "link"])
    assert where.network.name not in output_of(["ip", "route", "show", "table", "all"])
    engine.teardown(where)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def test_an_engine_comes_back_after_its_end_with_what_it_had(
    own_engine: DockerEngine,
) -> None:
    async with Docker(own_engine.url) as client:
        await build_image(client, "deis-test/kept", "FROM scratch\nADD file /\n", {"file": b"1"})
        await client.create("kept", {"Image": "deis-test/kept", "Cmd": ["x"]})
        engine.teardown(own_engine.layout)
        own_engine.reap()
        await asyncio.to_thread(own_engine.start)
        assert [item.name for item in await client.list({})] == ["kept"]


async def test_an_engine_comes_back_after_a_reboot(own_engine: DockerEngine) -> None:
    where = own_engine.layout
    async with Docker(own_engine.url) as client:
        await build_image(
            client, BUSYBOX, "FROM scratch\nADD root.tar /\n", {"root.tar": busybox_root()}
        )
        container = await client.create("up", {"Image": BUSYBOX, "Cmd": ["sleep", "600"]})
        await client.start(container)
        _lose_power(where)
        own_engine.reap()
        await asyncio.to_thread(own_engine.start)
        assert (await client.inspect("up")).state is State.EXITED
        await client.start(container)


def _lose_power(where: engine.EngineLayout) -> None:
    """Take away what a reboot takes, and nothing else."""
    while pids := cgroup_pids(where.cgroup):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
    assert cgroup_remove(where.cgroup)
    for folder in (where.home, where.run):
        unmount_below(folder)
    network.remove(where.network)
    (where.run / "docker.boot").write_text("another boot\n")


def test_the_network_is_made_once_and_again_where_a_part_is_missing(
    docker_engine: DockerEngine,
) -> None:
    own = docker_engine.layout.network
    before = _network_state(own)
    network.ensure(own)
    assert _network_state(own) == before
    containers = str(own.bridge_address.network)
    subprocess.run(["ip", "route", "delete", containers], check=True)
    network.ensure(own)
    assert containers in {route["dst"] for route in _routes()}


def test_a_range_that_somebody_else_uses_is_refused(docker_engine: DockerEngine) -> None:
    other = network.Network("ffffff", docker_engine.layout.network.subnet)
    with pytest.raises(LocalError, match="is used by"):
        network.ensure(other)
    assert not other.namespace.exists()


def test_a_chosen_range_is_free(docker_engine: DockerEngine) -> None:
    chosen = IPv4Network(network.choose_subnet())
    assert not any(chosen.overlaps(other) for other in network.taken_networks())
    assert not chosen.overlaps(IPv4Network(docker_engine.layout.network.subnet))


def _network_state(own: network.Network) -> list[str]:
    inside = output_of(own.enter(["ip", "-json", "-4", "address", "show", "dev", "eth0"]))
    return [output_of(["ip", "-json", "-4", "address", "show", "dev", own.name]), inside]


def _routes() -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(output_of(["ip", "-json", "-4", "route"]))
    return found
