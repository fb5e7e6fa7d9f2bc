"""Logspout between a real Docker Engine and a real logger."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deis_node.docker.client import Docker
from deis_node.logspout.follower import FollowedContainer
from deis_node.logspout.logspout import Logspout
from deis_node.logspout.settings import LogspoutSettings
from deis_node.runtime.tasks import Tasks
from tests.fixtures.docker import DockerEngine
from tests.fixtures.logger import RunningLogger
from tests.fixtures.waiting import eventually

COUNT = "i=0; while [ $i -lt {0} ]; do echo {1} $i; i=$((i+1)); {2}done"
BURST = "seq 0 {0} | sed 's/^/tick /'"
TICK = COUNT.format(100_000, "tick", "usleep 2000; ")


class Host:
    """A host whose containers are logged."""

    def __init__(self, docker: Docker, image: str, state: Path, logger: RunningLogger) -> None:
        self.docker = docker
        self.image = image
        self.state = state
        self.logger = logger
        self.settings = LogspoutSettings(save_interval=0.05)
        self.targets: Callable[[], list[str]] = lambda: [logger.settings.tcp]

    async def started(self, script: str, **more: object) -> FollowedContainer:
        """A container that runs a script."""
        body = {"Image": self.image, "Cmd": ["/bin/sh", "-c", script], **more}
        container = await self.docker.create("hello_v2.web.1", body)
        await self.docker.start(container)
        return FollowedContainer(container, "hello_v2.web.1", "hello", "web.1")

    @asynccontextmanager
    async def logspout(self) -> AsyncIterator[Logspout]:
        """Logspout at work on this host."""
        working = Logspout(self.docker, self.state, self.targets, "node-1", self.settings)
        async with Tasks() as tasks:
            tasks.start("logspout", working.run())
            yield working


@pytest.fixture
async def host(docker: Docker, busybox_image: str, tmp_path: Path, logger: RunningLogger) -> Host:
    state = tmp_path / "state"
    state.mkdir()
    return Host(docker, busybox_image, state, logger)


def numbered(lines: list[str], word: str = "tick") -> bool:
    """Whether the lines count from 0 without a gap and without a repetition."""
    return lines == [f"{word} {number}" for number in range(len(lines))]


async def test_both_outputs_reach_the_apps_log(host: Host) -> None:
    container = await host.started("echo out; echo err >&2; exec sleep 100")
    async with host.logspout() as logspout:
        logspout.follow(container)
        await host.logger.has(2)

    assert sorted(await host.logger.lines()) == ["err", "out"]
    stored = (host.logger.directory / "hello.log").read_text()
    assert all("UTC hello[web.1]: " in line for line in stored.splitlines())


async def test_lines_arrive_whole_whatever_is_in_them(host: Host) -> None:
    long = "head -c 40000 /dev/zero | tr '\\0' x; echo; "
    container = await host.started(
        f"{long} echo; printf 'a\\rb\\n'; printf '\\377 other[x]: y\\n'; printf 'no end'"
    )
    async with host.logspout() as logspout:
        logspout.follow(container)
        await host.logger.has(5)

    assert await host.logger.lines() == [
        "x" * 40000, "", "a\rb", "\ufffd other[x]: y", "no end"
    ]  # fmt: skip


async def test_what_the_agent_says_of_an_app_stands_in_its_log(host: Host) -> None:
    async with host.logspout() as logspout:
        logspout.say("hello", "web.1 was ended")
        await host.logger.has(1)
    stored = (host.logger.directory / "hello.log").read_text()
    assert stored.endswith(" hello[deis-node]: web.1 was ended\n")
    # After a restart its lines are no repetitions.
    async with host.logspout() as logspout:
        logspout.say("hello", "web.2 was ended")
        await host.logger.has(2)


async def test_a_quiet_container_is_logged_when_it_speaks(host: Host) -> None:
    container = await host.started("trap 'echo here' USR1; echo up; while :; do usleep 5000; done")
    async with host.logspout() as logspout:
        logspout.follow(container)
        logspout.follow(container)
        await host.logger.has(1)
        for spoken in (2, 3):
            await host.docker.kill(container.id, "SIGUSR1")
            await host.logger.has(spoken)

    assert await host.logger.lines() == ["up", "here", "here"]


async def test_a_restarted_agent_goes_on_where_it_was(host: Host) -> None:
    container = await host.started(TICK)
    for part in range(1, 5):
        async with host.logspout() as logspout:
            logspout.follow(container)
            await host.logger.has(part * 200)

    assert numbered(await host.logger.lines())


async def test_an_agent_that_was_killed_doubles_no_line(host: Host, tmp_path: Path) -> None:
    container = await host.started(TICK)
    cursors, old = host.state / "log-cursors.json", tmp_path / "old"
    async with host.logspout() as logspout:
        logspout.follow(container)
        await eventually(cursors.exists)
        shutil.copy(cursors, old)
        await host.logger.has(400)
    shutil.copy(old, cursors)
    async with host.logspout() as logspout:
        logspout.follow(container)
        await host.logger.has(600)

    assert numbered(await host.logger.lines())


async def test_without_cursors_lines_come_twice_but_none_is_lost(host: Host) -> None:
    container = await host.started(COUNT.format(50, "tick", ""))
    for _ in range(2):
        async with host.logspout() as logspout:
            logspout.follow(container)
            await host.logger.has(50)
            await eventually(lambda logspout=logspout: not logspout.pending)
        (host.state / "log-cursors.json").unlink()

    lines = await host.logger.lines()
    assert numbered(lines[:50])
    assert set(lines[50:]) <= set(lines[:50])


async def test_a_docker_engine_that_is_killed_costs_no_line(
    host: Host, docker_engine: DockerEngine
) -> None:
    container = await host.started(TICK)
    async with host.logspout() as logspout:
        logspout.follow(container)
        await host.logger.has(200)
        await asyncio.to_thread(docker_engine.kill)
        await asyncio.to_thread(docker_engine.start)
        before = len(await host.logger.lines())
        await host.logger.has(before + 200)

    assert numbered(await host.logger.lines())


async def test_a_container_that_starts_again_is_followed_again(host: Host) -> None:
    container = await host.started("echo run")
    async with host.logspout() as logspout:
        for run in range(1, 4):
            logspout.follow(container)
            await host.logger.has(run)
            assert await logspout.drained(container.id, 10.0)
            await host.docker.start(container.id)

    assert await host.logger.lines() == ["run"] * 3


async def test_a_container_that_never_started_is_no_hindrance_to_its_removal(host: Host) -> None:
    body = {"Image": host.image, "Cmd": ["/bin/sh", "-c", "echo up"]}
    container = await host.docker.create("hello_v2.web.1", body)
    followed = FollowedContainer(container, "hello_v2.web.1", "hello", "web.1")
    async with host.logspout() as logspout:
        logspout.follow(followed)
        assert await logspout.drained(container, 10.0)
        await host.docker.start(container)
        logspout.follow(followed)
        await host.logger.has(1)
        assert await logspout.drained(container, 10.0)


async def test_last_words_arrive_and_a_removed_containers_cursor_is_dropped(host: Host) -> None:
    container = await host.started(BURST.format(19_999))
    async with host.logspout() as logspout:
        logspout.follow(container)
        assert await logspout.drained(container.id, 60.0)
        await host.docker.remove(container.id)
        logspout.gone(container.id)
        await host.logger.has(20_000)
        await eventually(lambda: container.id not in (host.state / "log-cursors.json").read_text())

    assert numbered(await host.logger.lines())


async def test_files_that_the_engine_puts_aside_cost_no_line_and_double_none(host: Host) -> None:
    script = f"i=0; while [ $i -lt 1500 ]; do echo tick $i{' ' * 500}; i=$((i+1)); usleep 300; done"
    kept = {"Type": "json-file", "Config": {"max-size": "200k", "max-file": "4"}}
    container = await host.started(script, HostConfig={"LogConfig": kept})
    async with host.logspout() as logspout:
        logspout.follow(container)
        await host.logger.has(1500)
        assert await logspout.drained(container.id, 10.0)

    assert numbered([line.rstrip() for line in await host.logger.lines()])


async def test_lines_wait_at_the_engine_while_the_logger_is_away(host: Host) -> None:
    host.settings = LogspoutSettings(buffer_lines=100, save_interval=0.05)
    await host.logger.stop()
    container = await host.started(COUNT.format(3000, "tick", ""))
    async with host.logspout() as logspout:
        logspout.follow(container)
        await eventually(lambda: logspout.pending >= 100)
        assert logspout.pending == 100
        await host.logger.start()
        await host.logger.has(3000)

    assert numbered(await host.logger.lines())


async def test_a_logger_that_restarts_costs_no_line_and_doubles_none(host: Host) -> None:
    container = await host.started(TICK)
    async with host.logspout() as logspout:
        logspout.follow(container)
        for part in range(1, 4):
            await host.logger.has(part * 150)
            await host.logger.stop()
            await host.logger.start()
        await host.logger.has(600)

    assert numbered(await host.logger.lines())
