"""The wrapper of aiodocker against a real Docker Engine and a real registry."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from deis_node.docker import labels
from deis_node.docker.client import Docker
from deis_node.docker.errors import (
    BuildFailed,
    Conflict,
    DockerError,
    NotFound,
    PullFailed,
    PushFailed,
    StartFailed,
    StartFault,
    Unavailable,
)
from deis_node.docker.model import BuildLine, Built, LogChunk, State
from tests.fixtures.docker import DockerEngine, build_context, build_image
from tests.fixtures.docker_versions import versions_of
from tests.fixtures.registry import RegistryServer
from tests.fixtures.waiting import eventually


def body(image: str, *command: str, **more: Any) -> dict[str, Any]:
    return {"Image": image, "Cmd": list(command), **more}


async def started(docker: Docker, name: str, create_body: dict[str, Any]) -> str:
    container = await docker.create(name, create_body)
    await docker.start(container)
    return container


async def ended(docker: Docker, container: str) -> None:
    async def has_ended() -> bool:
        return (await docker.inspect(container)).state is State.EXITED

    await eventually(has_ended, within=60)


async def read_log(docker: Docker, container: str, since: str | None = None) -> list[LogChunk]:
    return [chunk async for chunk in docker.logs(container, since=since)]


async def test_an_engine_tells_its_processors_and_memory(docker: Docker) -> None:
    info = await docker.info()
    assert info.cpus >= 1
    assert info.memory > 100_000_000
    assert info.live_restore
    assert (await docker.version()) == info.version


async def test_a_later_engine_is_asked_in_its_version(docker_engine: DockerEngine) -> None:
    async with versions_of(docker_engine) as gate:
        gate.least, gate.most = "1.44", "1.52"
        async with Docker(gate.url) as later:
            assert (await later.info()).cpus >= 1
        assert gate.asked == ["1.52"]


@pytest.mark.parametrize(("least", "most"), [("1.44", "1.52"), ("1.12", "1.40")])
async def test_an_engine_that_was_upgraded_or_taken_back_is_asked_in_its_new_version(
    docker_engine: DockerEngine, least: str, most: str
) -> None:
    async with versions_of(docker_engine) as gate, Docker(gate.url) as docker:
        await docker.info()
        gate.least, gate.most = least, most
        with pytest.raises(Unavailable, match="API version"):
            await docker.info()
        assert (await docker.info()).cpus >= 1
    assert gate.asked == ["1.41", most]


async def test_a_list_holds_only_containers_with_the_labels(
    docker: Docker, busybox_image: str
) -> None:
    for name, app in (("one", "hello"), ("two", "other")):
        await docker.create(name, body(busybox_image, "true", Labels={labels.APP: app}))
    found = await docker.list({labels.APP: "hello"})
    assert [(item.name, item.state, item.ip) for item in found] == [("one", State.CREATED, None)]
    assert len(await docker.list({labels.APP: ""})) == 2


async def test_a_running_container_is_told_with_its_address_and_ports(
    docker: Docker, docker_engine: DockerEngine, busybox_image: str
) -> None:
    published = {"5000/tcp": [{"HostIp": docker_engine.host_address, "HostPort": "20001"}]}
    more = {"ExposedPorts": {"5000/tcp": {}}, "HostConfig": {"PortBindings": published}}
    container = await started(docker, "web", body(busybox_image, "sleep", "60", **more))
    info = await docker.inspect("web")
    (port,) = info.ports
    assert (info.id, info.state, info.finished_at) == (container, State.RUNNING, None)
    assert (port.container_port, port.host_port) == (5000, 20001)
    (listed,) = await docker.list({})
    assert info.ip == listed.ip is not None


async def test_a_container_that_ended_tells_its_exit_code(
    docker: Docker, busybox_image: str
) -> None:
    container = await started(docker, "short", body(busybox_image, "sh", "-c", "exit 7"))
    await ended(docker, container)
    info = await docker.inspect(container)
    (listed,) = await docker.list({})
    assert (info.exit_code, info.oom_killed, info.ip) == (7, False, None)
    assert (listed.state, listed.exit_code) == (State.EXITED, 7)


async def test_a_container_that_took_too_much_memory_tells_so(
    docker: Docker, busybox_image: str
) -> None:
    # tail collects the endless line in its own memory.
    hungry = body(busybox_image, "sh", "-c", "exec tail /dev/zero")
    hungry["HostConfig"] = {"Memory": 16 << 20, "MemorySwap": 16 << 20}
    container = await started(docker, "hungry", hungry)
    await ended(docker, container)
    info = await docker.inspect(container)
    assert (info.exit_code, info.oom_killed) == (137, True)


async def test_a_taken_name_is_a_conflict(docker: Docker, busybox_image: str) -> None:
    await docker.create("taken", body(busybox_image, "true"))
    with pytest.raises(Conflict, match="already in use"):
        await docker.create("taken", body(busybox_image, "true"))


async def test_an_image_without_a_shell_is_told_apart(docker: Docker) -> None:
    await build_image(docker, "deis-test/empty", "FROM scratch\nADD file /file\n", {"file": b"1"})
    container = await docker.create("shell", body("deis-test/empty", "/bin/sh", "-c", "true"))
    with pytest.raises(StartFailed, match="/bin/sh") as failure:
        await docker.start(container)
    assert failure.value.fault is StartFault.NO_EXECUTABLE


async def test_a_taken_port_is_told_apart(
    docker: Docker, docker_engine: DockerEngine, busybox_image: str
) -> None:
    published = {"5000/tcp": [{"HostIp": docker_engine.host_address, "HostPort": "20002"}]}
    more = {"ExposedPorts": {"5000/tcp": {}}, "HostConfig": {"PortBindings": published}}
    wanted = body(busybox_image, "sleep", "60", **more)
    await started(docker, "first", wanted)
    second = await docker.create("second", wanted)
    with pytest.raises(StartFailed) as failure:
        await docker.start(second)
    assert failure.value.fault is StartFault.PORT_TAKEN


async def test_what_is_not_there_is_not_found(docker: Docker) -> None:
    for question in (
        docker.inspect("nobody"),
        docker.start("nobody"),
        docker.stop("nobody", 1),
        docker.kill("nobody", "SIGTERM"),
        docker.remove("nobody", force=True),
        docker.tail("nobody", 1),
        docker.create("somebody", body("deis-test/nothing", "true")),
        docker.remove_image("deis-test/nothing"),
        docker.inspect("../images/json?all=1"),
    ):
        with pytest.raises(NotFound):
            await question
    assert await docker.image("deis-test/nothing") is None


async def test_a_body_that_the_engine_refuses_is_an_error_with_its_text(
    docker: Docker, busybox_image: str
) -> None:
    with pytest.raises(DockerError, match="6MB"):
        await docker.create("small", body(busybox_image, "true", HostConfig={"Memory": 100}))


async def test_stop_asks_first_and_kills_after_the_grace(
    docker: Docker, busybox_image: str
) -> None:
    script = "trap 'exit 3' TERM; echo ready; sleep 60 & wait"
    polite = await started(docker, "polite", body(busybox_image, "sh", "-c", script))
    deaf = await started(docker, "deaf", body(busybox_image, "sleep", "60"))

    async def has_its_trap() -> bool:
        return await docker.tail(polite, 1) == ("ready",)

    await eventually(has_its_trap)
    await asyncio.gather(docker.stop(polite, 60), docker.stop(deaf, 1))
    assert (await docker.inspect(polite)).exit_code == 3
    assert (await docker.inspect(deaf)).exit_code == 137
    await docker.stop(deaf, 1)


async def test_kill_of_what_does_not_run_is_a_conflict(docker: Docker, busybox_image: str) -> None:
    container = await docker.create("asleep", body(busybox_image, "true"))
    with pytest.raises(Conflict):
        await docker.kill(container, "SIGTERM")


async def test_a_log_is_read_from_a_time_stamp_on(docker: Docker, busybox_image: str) -> None:
    script = "echo one; echo two >&2; echo three"
    container = await started(docker, "talker", body(busybox_image, "sh", "-c", script))
    await ended(docker, container)
    everything = await read_log(docker, container)
    assert {(chunk.stream, chunk.line) for chunk in everything} == {
        ("stdout", b"one"),
        ("stderr", b"two"),
        ("stdout", b"three"),
    }
    stamp = sorted(chunk.timestamp for chunk in everything)[1]
    later = await read_log(docker, container, since=stamp)
    assert later == [chunk for chunk in everything if chunk.timestamp >= stamp]
    assert await docker.tail(container, 1) == (everything[-1].line.decode(),)


async def test_a_followed_log_ends_with_its_container(docker: Docker, busybox_image: str) -> None:
    script = "echo first; read line; echo $line"
    container = await started(
        docker, "follow", body(busybox_image, "sh", "-c", script, OpenStdin=True)
    )
    lines = []
    async with aclosing(docker.logs(container, follow=True)) as log:
        async for chunk in log:
            lines.append(chunk.line)
            await docker.kill(container, "SIGKILL")
    assert lines == [b"first"]


async def test_a_very_long_line_comes_in_parts(docker: Docker, busybox_image: str) -> None:
    script = "head -c 40000 /dev/zero | tr '\\0' x; echo"
    container = await started(docker, "long", body(busybox_image, "sh", "-c", script))
    await ended(docker, container)
    chunks = await read_log(docker, container)
    assert [chunk.partial for chunk in chunks] == [True, True, False]
    assert b"".join(chunk.line for chunk in chunks) == b"x" * 40000


async def test_a_build_tells_its_steps_and_then_its_image(docker: Docker) -> None:
    context = build_context("FROM scratch\nADD file /file\nEXPOSE 8080 53/udp 80\n", {"file": b"1"})
    build = docker.build(context, "deis-test/built:v1", {labels.APP: "hello"})
    *lines, built = [entry async for entry in build]
    image = await docker.image("deis-test/built:v1")
    assert isinstance(built, Built)
    assert BuildLine("Step 2/4 : ADD file /file") in lines
    assert image is not None
    assert (image.id, image.labels) == (built.image_id, {labels.APP: "hello"})
    assert image.exposed_ports == ((53, "udp"), (80, "tcp"), (8080, "tcp"))


async def test_a_build_takes_a_context_of_pieces(docker: Docker) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        context = build_context("FROM scratch\nADD big /big\n", {"big": b"x" * 3_000_000})
        for start in range(0, len(context), 100_000):
            yield context[start : start + 100_000]

    *_, built = [entry async for entry in docker.build(pieces(), "deis-test/big")]
    assert isinstance(built, Built)
    found = await docker.image(built.image_id)
    assert found is not None
    assert found.size == 3_000_000


async def test_a_build_that_fails_tells_its_output_and_why(
    docker: Docker, busybox_image: str
) -> None:
    context = build_context(f"FROM {busybox_image}\nRUN echo so far; exit 3\n")
    seen: list[object] = []

    async def collect() -> None:
        async for entry in docker.build(context, "deis-test/failed"):
            seen.append(entry)

    with pytest.raises(BuildFailed, match="returned a non-zero code: 3"):
        await collect()
    assert BuildLine("so far") in seen


async def test_a_dockerfile_that_is_none_fails_the_build(docker: Docker) -> None:
    with pytest.raises(BuildFailed, match="unknown instruction"):
        async for _ in docker.build(build_context("NONSENSE"), "deis-test/nonsense"):
            pass


async def test_a_pushed_image_is_pulled_again_by_its_digest(
    docker: Docker, registry_server: RegistryServer
) -> None:
    repository = f"{registry_server.address}/pushed"
    await build_image(docker, f"{repository}:v1", "FROM scratch\nADD file /\n", {"file": b"2"})
    digest = await docker.push(f"{repository}:v1")
    await docker.remove_image(f"{repository}:v1", force=True)
    reference = f"{repository}@{digest}"
    assert await docker.image(reference) is None
    await docker.pull(reference)
    image = await docker.image(reference)
    assert image is not None
    assert image.digests == (reference,)


async def test_a_tag_is_another_name_of_the_same_image(docker: Docker, busybox_image: str) -> None:
    await docker.tag(busybox_image, "deis-test/renamed", "v2")
    image = await docker.image("deis-test/renamed:v2")
    stored = {item.id: item.tags for item in await docker.images()}
    assert image is not None
    assert "deis-test/renamed:v2" in stored[image.id]
    await docker.remove_image("deis-test/renamed:v2")
    assert await docker.image("deis-test/renamed:v2") is None


async def test_what_a_registry_lacks_cannot_be_pulled(
    docker: Docker, registry_server: RegistryServer
) -> None:
    with pytest.raises(PullFailed, match="manifest unknown"):
        await docker.pull(f"{registry_server.address}/nothing:v1")


async def test_a_registry_that_is_away_fails_pull_and_push(
    docker: Docker, busybox_image: str
) -> None:
    await docker.tag(busybox_image, "127.0.0.1:1/app", "v1")
    with pytest.raises(PushFailed, match="connection refused"):
        await docker.push("127.0.0.1:1/app:v1")
    with pytest.raises(PullFailed, match="connection refused"):
        await docker.pull("127.0.0.1:1/app:v2")


async def test_an_engine_that_is_not_there_is_unavailable() -> None:
    async with Docker("unix:///run/no-such-engine.sock") as client:
        with pytest.raises(Unavailable):
            await client.info()


async def test_an_engine_that_hangs_is_unavailable_after_the_deadline(
    docker_engine: DockerEngine,
) -> None:
    async with Docker(docker_engine.url, timeout=0.5) as client:
        await client.version()
        docker_engine.pause()
        try:
            with pytest.raises(Unavailable, match=r"0\.5 s"):
                await client.info()
        finally:
            docker_engine.resume()


async def test_many_logs_can_be_followed_at_once(docker: Docker, busybox_image: str) -> None:
    container = await started(docker, "popular", body(busybox_image, "sh", "-c", "echo x; cat"))

    async def first_line() -> bytes:
        async with aclosing(docker.logs(container, follow=True)) as log:
            async for chunk in log:
                await gathered.wait()
                return chunk.line
        return b""

    gathered = asyncio.Barrier(120)
    assert set(await asyncio.gather(*(first_line() for _ in range(120)))) == {b"x"}
