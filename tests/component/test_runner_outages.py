"""Agent, etcd or Docker Engine away: containers go on, and nothing is concluded from silence."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.records import Placement, PlacementState
from deis_node.containers.lost import end_unknown, processes, without_record
from deis_node.containers.ports import Held, Ports, empty
from deis_node.containers.settings import RunnerSettings
from deis_node.docker.client import Docker
from tests.builders import make_placement
from tests.fixtures.docker import DockerEngine
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.runner import HOST, Agent
from tests.fixtures.waiting import eventually


def web(image: str, **facts: Any) -> Placement:
    return make_placement(**{"image": image, "command": None, "grace": 1} | facts)


async def started(agent: Agent, *copies: Placement) -> dict[str, str]:
    """The agent runs, and so do these copies; their containers."""
    await agent.start()
    await agent.place(*copies)
    for copy in copies:
        await eventually(lambda copy=copy: agent.is_ready(copy), within=30)
    return await agent.containers()


async def observed(agent: Agent, copy: Placement) -> None:
    """The agent has looked at the copy and found it ready."""

    def known() -> bool:
        view = agent.runner.copies.get(copy.copy.container)
        return view is not None and view.known and view.revision > 0

    await eventually(known)


async def test_a_restarted_agent_touches_nothing(agent: Agent, web_image: str) -> None:
    copies = [web(web_image, num=number) for number in (1, 2, 3)]
    before = await started(agent, *copies)
    revision = await agent.etcd.revision()
    await agent.stop()
    await agent.start()
    for copy in copies:
        await observed(agent, copy)
    # A fourth copy's way up is long enough for anything wrong to show.
    fourth = web(web_image, num=4)
    await agent.place(fourth)
    await eventually(lambda: agent.is_ready(fourth))
    assert before.items() <= (await agent.containers()).items()
    for copy in copies:
        key = keys.instance(HOST, copy.copy.container)
        found = await agent.etcd.get(key)
        assert found is not None
        assert found.mod_revision <= revision


async def test_a_port_of_a_container_that_is_no_more_is_freed(agent: Agent, web_image: str) -> None:
    agent.folder.mkdir(exist_ok=True)
    book = agent.folder / "ports.json"
    gone = {"gone": Held(20000, "other")}
    book.write_bytes(replace(empty(20000, 20001), fresh=20001, held=gone).to_bytes())
    agent.runner_settings = RunnerSettings(port_low=20000, port_high=20001, sweep=0.2)
    copy = web(web_image)
    await started(agent, copy)

    def freed() -> bool:
        ports = Ports.from_bytes(book.read_bytes())
        return set(ports.held) == {copy.copy.container} and [f.port for f in ports.freed] == [20000]

    await eventually(freed)


async def test_an_agent_without_its_saved_state_touches_nothing(
    agent: Agent, web_image: str
) -> None:
    copy = web(web_image)
    before = await started(agent, copy)
    endpoint = await agent.endpoint(copy)
    await agent.stop()
    for file in agent.folder.iterdir():
        file.unlink()
    await agent.start()
    await observed(agent, copy)
    second = web(web_image, num=2)
    await agent.place(second)
    await eventually(lambda: agent.is_ready(second))
    assert before.items() <= (await agent.containers()).items()
    assert await agent.endpoint(copy) == endpoint


async def test_what_died_while_the_agent_was_away_is_noticed(agent: Agent, web_image: str) -> None:
    copy = web(web_image)
    await started(agent, copy)
    await agent.stop()
    await agent.docker.kill(copy.copy.container)
    revision = await agent.etcd.revision()
    await agent.start()

    async def back() -> bool:
        found = await agent.etcd.get(keys.instance(HOST, copy.copy.container))
        return (
            found is not None and found.mod_revision > revision + 1 and await agent.is_ready(copy)
        )

    await eventually(back)
    instance = await agent.instance(copy)
    assert instance is not None
    assert instance.last_exit is not None


async def test_an_emptied_store_stops_nothing_and_is_filled_again(
    agent: Agent, etcd_server: EtcdMember, web_image: str
) -> None:
    copies = [web(web_image, num=number) for number in (1, 2)]
    before = await started(agent, *copies)
    etcd_server.wipe()
    await eventually(lambda: not agent.runner.wanted.trusted)
    assert await agent.containers() == before
    # The leader comes: placements first, the incarnation last.
    await agent.place(*copies)
    for copy in copies:
        await eventually(lambda copy=copy: agent.is_ready(copy))
        assert await agent.endpoint(copy) is not None
    await agent.found("two", "one")
    await eventually(lambda: agent.runner.wanted.trusted)
    assert await agent.containers() == before


async def test_a_foreign_store_stops_and_starts_nothing(
    agent: Agent, etcd_server: EtcdMember, web_image: str
) -> None:
    copy = web(web_image)
    before = await started(agent, copy)
    etcd_server.wipe()
    # Past the revisions of the lost store: at the same one, until the agent has looked, its
    # publisher could take the alien placement for the one it knows, and tell what is true of it.
    for _ in range(30):
        await agent.found("alien")
    await agent.place(replace(copy, state=PlacementState.STOP), web(web_image, num=2))
    await eventually(lambda: not agent.runner.wanted.trusted)
    await eventually(lambda: agent.runner.wanted.epoch > 1)
    assert await agent.containers() == before
    assert await agent.instance(copy) is None


async def test_without_etcd_a_restarted_agent_keeps_and_restarts_what_it_had(
    agent: Agent, etcd_server: EtcdMember, web_image: str
) -> None:
    copy = web(web_image, env="hello/2")
    await agent.set_env("hello", 2, '{"A": "1"}')
    before = await started(agent, copy)
    await agent.stop()
    etcd_server.kill()
    await agent.start()
    await agent.docker.kill(copy.copy.container)

    def restarted() -> bool:
        view = agent.runner.copies.get(copy.copy.container)
        return view is not None and view.restarts == 1 and view.run is not None

    await eventually(restarted)
    await agent.docker.remove(copy.copy.container, force=True)

    async def made_again() -> bool:
        now = await agent.containers()
        return bool(now) and now != before

    await eventually(made_again)
    etcd_server.start()
    await eventually(lambda: agent.is_ready(copy), within=30)


async def test_the_saved_state_is_nobody_elses_business(agent: Agent, web_image: str) -> None:
    copy = web(web_image, env="hello/2")
    await agent.set_env("hello", 2, '{"SECRET": "hunter2"}')
    await started(agent, copy)
    saved = agent.folder / "placements.json"
    await eventually(lambda: saved.exists() and b"hello/2" in saved.read_bytes())
    assert saved.stat().st_mode & 0o077 == 0
    assert b"hunter2" not in saved.read_bytes()


async def test_after_a_boot_the_store_is_waited_for(
    agent: Agent, etcd_server: EtcdMember, web_image: str
) -> None:
    copy = web(web_image)
    await started(agent, copy)
    await agent.stop()
    await agent.docker.kill(copy.copy.container)
    etcd_server.kill()
    agent.boot_id = "boot-2"
    agent.runner_settings = replace(agent.runner_settings, boot_wait=3.0)
    began = asyncio.get_running_loop().time()
    await agent.start()

    async def runs() -> bool:
        return bool(await agent.containers())

    await eventually(runs)
    assert asyncio.get_running_loop().time() - began >= 3.0
    etcd_server.start()


async def test_a_killed_docker_engine_changes_nothing(
    agent: Agent, docker_engine: DockerEngine, web_image: str
) -> None:
    copy = web(web_image)
    before = await started(agent, copy)
    revision = await agent.etcd.revision()
    docker_engine.kill()
    await asyncio.sleep(0.5)
    assert await agent.is_ready(copy)
    docker_engine.start()
    second = web(web_image, num=2)
    await agent.place(second)
    await eventually(lambda: agent.is_ready(second), within=30)
    assert before.items() <= (await agent.containers()).items()
    found = await agent.etcd.get(keys.instance(HOST, copy.copy.container))
    assert found is not None
    assert found.mod_revision <= revision


async def test_an_unreadable_placement_is_no_order(agent: Agent, web_image: str) -> None:
    copy = web(web_image)
    before = await started(agent, copy)
    await agent.etcd.put(keys.placement(HOST, copy.copy.container), b"{garbled")
    name = copy.copy.container
    await eventually(lambda: name in agent.runner.wanted.unreadable)
    second = web(web_image, num=2)
    await agent.place(second)
    await eventually(lambda: agent.is_ready(second))
    assert before.items() <= (await agent.containers()).items()


async def test_an_idle_host_writes_nothing(agent: Agent, etcd: Etcd, web_image: str) -> None:
    await started(agent, web(web_image, num=1), web(web_image, num=2, type="worker"))
    revision = await etcd.revision()
    await asyncio.sleep(3)
    assert await etcd.revision() == revision


async def test_a_copy_that_the_engine_lost_as_it_started_runs_once(
    agent: Agent, docker_engine: DockerEngine, web_image: str
) -> None:
    copy = web(web_image)
    (container,) = (await started(agent, copy)).values()
    lost = set(processes(container))
    assert lost
    await asyncio.to_thread(docker_engine.lose, container)

    async def anew() -> bool:
        runs = container in (await agent.containers()).values()
        return runs and not lost & set(processes(container))

    await eventually(anew, within=30)
    await eventually(lambda: agent.is_ready(copy), within=30)
    assert await agent.get(copy) == "hello\n"


async def test_of_a_copy_that_the_engine_lost_nothing_is_left_when_it_goes(
    agent: Agent, docker_engine: DockerEngine, web_image: str
) -> None:
    copy, other = web(web_image), web(web_image, num=2)
    container = (await started(agent, copy, other))[copy.copy.container]
    await agent.stop()
    await asyncio.to_thread(docker_engine.lose, container)
    await agent.unplace(copy)
    assert list(processes(container))
    await agent.start()

    async def gone() -> bool:
        found = await agent.docker.list({"deis.platform": agent.platform})
        return container not in {item.id for item in found}

    await eventually(gone, within=30)
    assert list(processes(container)) == []
    assert await agent.get(other) == "hello\n"


async def test_what_an_engine_has_no_record_of_is_ended_and_nobody_elses(
    agent: Agent, docker_engine: DockerEngine, docker: Docker, web_image: str
) -> None:
    # An app may name its processes as it likes.
    named = "printf '\\377' >/proc/$$/comm; while :; do sleep 1000; done"
    kept = await docker.create("kept", {"Image": web_image})
    lost = await docker.create("lost", {"Image": web_image, "Cmd": ["/bin/sh", "-c", named]})
    for container in (kept, lost):
        await docker.start(container)
    await asyncio.to_thread(docker_engine.lose, lost)
    await docker.remove(lost)
    found = {container: list(processes(container)) for container in (kept, lost)}
    assert all(found.values())
    # Of another engine's containers it is not known that it has no record of them; nor is it
    # when the engine that is asked lists others than those in its folder here.
    assert without_record(docker_engine.layout.data_root, found) == [lost]
    elsewhere = DockerEngine(Path(tempfile.mkdtemp(prefix="deis-docker-")))
    try:
        await asyncio.to_thread(elsewhere.start)
        async with Docker(elsewhere.url) as other:
            await end_unknown(other)
        assert list(processes(lost)) == found[lost]
    finally:
        await asyncio.to_thread(elsewhere.close)
    await agent.start()
    await eventually(lambda: not list(processes(lost)), within=30)
    assert list(processes(kept)) == found[kept]
