"""The runner and the publisher against a real Docker Engine and a real etcd: a copy's life."""

import asyncio
import contextlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deis_node.cluster import keys
from deis_node.cluster.records import Endpoint, HealthCheck, Phase, Placement, PlacementState
from tests.builders import make_placement
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.platform import run
from tests.fixtures.runner import HOST, Agent
from tests.fixtures.waiting import eventually
from tests.load.etcd_requests import requests

STUBBORN = ("/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done")

FORK_BOMB = """
limit=$(cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max)
test "$limit" = 64 || exit 3
(while :; do sleep 600 & done) &
exec sleep 600
"""
"""As many processes as it gets; none where nothing would stop it."""


def processes(container: str) -> int:
    """How many processes the kernel counts to a container, by its id."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        with contextlib.suppress(OSError):
            found += container in path.read_text()
    return found


def web(image: str, **facts: Any) -> Placement:
    """A placement that serves by the image's own command."""
    return make_placement(**{"image": image, "command": None, "grace": 1} | facts)


async def test_a_placement_becomes_a_container_an_instance_and_an_endpoint(
    agent: Agent, web_image: str
) -> None:
    copy = web(web_image)
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    endpoint = await agent.endpoint(copy)
    assert endpoint is not None
    assert endpoint.address.startswith(f"{agent.address}:200")
    assert await agent.get(copy) == "hello\n"
    assert set(await agent.containers()) == {"hello_v2.web.1"}


async def test_twenty_copies_start_at_once(
    agent: Agent, web_image: str, etcd_server: EtcdMember
) -> None:
    copies = [web(web_image, num=number) for number in range(1, 21)]
    await agent.start()
    await agent.place(*copies)
    before = requests([etcd_server.endpoint])
    for copy in copies:
        await eventually(lambda copy=copy: agent.is_ready(copy), within=60)
    # Each copy is written about when it is begun and when it is ready; little is read meanwhile.
    written = requests([etcd_server.endpoint])["Txn"] - before["Txn"]
    assert len(copies) <= written <= 5 * len(copies)
    listing = await agent.etcd.list(keys.services_of("hello"))
    addresses = {Endpoint.from_bytes(item.value).address for item in listing.items}
    assert len(addresses) == 20


async def test_a_fork_bomb_gets_as_far_as_its_limit(agent: Agent, web_image: str) -> None:
    """It takes no process of its neighbours', and ends like any other copy."""
    bomb = web(web_image, type="worker", command=("/bin/sh", "-c", FORK_BOMB), pids=64)
    copy = web(web_image)
    await agent.start()
    await agent.place(bomb, copy)

    async def full() -> bool:
        found = await agent.containers()
        return processes(found.get(bomb.copy.container, "none")) >= 60

    await eventually(full, within=60)
    await eventually(lambda: agent.is_ready(copy), within=60)
    assert await agent.get(copy) == "hello\n"
    assert processes((await agent.containers())[bomb.copy.container]) <= 64
    await agent.place(replace(bomb, state=PlacementState.STOP))

    async def gone() -> bool:
        found = await agent.docker.list({"deis.platform": agent.platform})
        return [item.name for item in found] == [copy.copy.container]

    await eventually(gone, within=60)


async def test_a_killed_copy_is_withdrawn_and_comes_back(agent: Agent, web_image: str) -> None:
    copy = web(web_image)
    agent.runner_settings = replace(agent.runner_settings, restart_first=1.0)
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    before = await agent.endpoint(copy)
    await agent.docker.kill(copy.copy.container)

    async def withdrawn() -> bool:
        return await agent.endpoint(copy) is None

    await eventually(withdrawn, within=0.9)
    instance = await agent.instance(copy)
    assert instance is not None
    assert not instance.ready
    await eventually(lambda: agent.is_ready(copy))
    assert await agent.endpoint(copy) == before
    instance = await agent.instance(copy)
    assert instance is not None
    assert instance.last_exit is not None
    assert (instance.last_exit.signal, instance.restarts, instance.error) == (9, 1, None)


async def test_the_first_exit_is_told_with_its_last_lines(agent: Agent, web_image: str) -> None:
    copy = web(web_image, command=("/bin/sh", "-c", "echo one; echo two >&2; exit 3"))
    await agent.start()
    await agent.place(copy)

    async def told() -> bool:
        instance = await agent.instance(copy)
        return instance is not None and instance.last_exit is not None

    await eventually(told)
    instance = await agent.instance(copy)
    assert instance is not None
    assert instance.last_exit is not None
    assert instance.last_exit.code == 3
    assert sorted(instance.last_exit.lines) == ["one", "two"]
    assert instance.error == "web.1 exited with code 3"


async def test_a_copy_that_ends_again_and_again_counts_as_crashed(
    agent: Agent, web_image: str
) -> None:
    copy = web(web_image, type="worker", command=("/bin/sh", "-c", "exit 1"))
    await agent.start()
    await agent.place(copy)

    async def crashed() -> bool:
        instance = await agent.instance(copy)
        return instance is not None and instance.phase is Phase.CRASHED

    await eventually(crashed, within=30)
    instance = await agent.instance(copy)
    assert instance is not None
    assert instance.restarts == 5
    assert "after 5 exits within 60 s" in str(instance.error)
    # Its start, its first exit, and the crash: what lies between is not worth a write each.
    found = await agent.etcd.get(keys.instance(HOST, copy.copy.container))
    assert found is not None
    assert found.version <= 4


async def test_stop_is_carried_out_and_confirmed(agent: Agent, web_image: str) -> None:
    copy = web(web_image)
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    await agent.place(replace(copy, state=PlacementState.STOP))

    async def stopped() -> bool:
        instance = await agent.instance(copy)
        return instance is not None and instance.phase is Phase.STOPPED

    await eventually(stopped)
    assert await agent.docker.list({"deis.platform": agent.platform}) == ()
    assert await agent.endpoint(copy) is None
    await agent.unplace(copy)

    async def forgotten() -> bool:
        return await agent.instance(copy) is None and not agent.runner.copies.all()

    await eventually(forgotten)


async def test_what_is_stopped_before_its_turn_to_start_is_never_made(
    agent: Agent, web_image: str
) -> None:
    copy = web(web_image)
    agent.runner_settings = replace(agent.runner_settings, start_at_once=1)
    began = time.time()
    await agent.start()
    async with agent.runner._tools.maker.gate.passed():
        await agent.place(copy)

        async def begun() -> bool:
            return await agent.instance(copy) is not None

        await eventually(begun)
        await agent.place(replace(copy, state=PlacementState.STOP))
        stop = await agent.etcd.get(keys.placement(HOST, copy.copy.container))
        assert stop is not None

        def known() -> bool:
            view = agent.runner.copies.get(copy.copy.container)
            return view is not None and view.revision == stop.mod_revision

        await eventually(known)

    async def stopped() -> bool:
        instance = await agent.instance(copy)
        return instance is not None and instance.phase is Phase.STOPPED

    await eventually(stopped)
    told = ["docker", "--host", agent.docker.url, "events", "--filter", "event=create"]
    told += ["--since", f"{began:.6f}", "--until", f"{time.time():.6f}"]
    done = await asyncio.to_thread(run, told)
    assert (done.returncode, done.stdout) == (0, "")


async def test_a_slow_stop_holds_nobody_up(agent: Agent, web_image: str) -> None:
    slow = web(web_image, num=1, type="worker", command=STUBBORN, grace=60)
    await agent.start()
    await agent.place(slow)
    await eventually(lambda: agent.is_ready(slow))
    await agent.place(replace(slow, state=PlacementState.STOP))

    async def stopping() -> bool:
        instance = await agent.instance(slow)
        return instance is not None and instance.phase is Phase.STOPPING

    await eventually(stopping)
    quick = web(web_image, num=2)
    await agent.place(quick)
    await eventually(lambda: agent.is_ready(quick))
    assert slow.copy.container in await agent.containers()


async def test_a_withdrawn_copy_runs_on_without_an_endpoint(agent: Agent, web_image: str) -> None:
    copy = web(web_image)
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    await agent.place(replace(copy, state=PlacementState.WITHDRAW))

    async def withdrawn() -> bool:
        return await agent.endpoint(copy) is None

    await eventually(withdrawn)
    assert set(await agent.containers()) == {copy.copy.container}
    await agent.place(copy)

    async def published() -> bool:
        return await agent.endpoint(copy) is not None

    await eventually(published)


async def test_a_copy_without_a_placement_goes_and_leaves_nothing(
    agent: Agent, web_image: str
) -> None:
    copy = web(web_image)
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    await agent.unplace(copy)

    async def nothing() -> bool:
        left = await agent.docker.list({"deis.platform": agent.platform})
        return not left and await agent.instance(copy) is None

    await eventually(nothing)
    assert await agent.endpoint(copy) is None


async def test_a_container_that_was_removed_is_made_again(agent: Agent, web_image: str) -> None:
    copy = web(web_image)
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    before = await agent.containers()
    await agent.docker.remove(copy.copy.container, force=True)

    async def again() -> bool:
        now = await agent.containers()
        return bool(now) and now != before and await agent.is_ready(copy)

    await eventually(again)


@pytest.mark.parametrize(
    "value",
    ["", "a\nb\r\n\tc", "'\"$HOME `id` $(id) \\", "\x01\x1b[0m\x7f\u202e", "é🚀名", "x" * 65536],
    ids=["empty", "newlines", "quotes", "control", "emoji", "64KiB"],
)
async def test_a_config_value_arrives_unchanged(agent: Agent, web_image: str, value: str) -> None:
    script = 'printf %s "$V" > /www/v; exec /bin/busybox httpd -f -p 5000 -h /www'
    copy = web(web_image, command=("/bin/sh", "-c", script), env="hello/2")
    await agent.set_env("hello", 2, json.dumps({"V": value}))
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    assert await agent.get(copy, "/v") == value


async def test_an_image_without_a_shell_fails_with_a_sentence(
    agent: Agent, bare_image: str
) -> None:
    copy = web(bare_image, command=("/bin/sh", "-c", "serve"))
    await agent.start()
    await agent.place(copy)
    assert await failure(agent, copy) == (
        "the image has no /bin/sh, which runs its Procfile commands"
    )


async def test_an_image_without_a_command_fails_with_a_sentence(
    agent: Agent, bare_image: str
) -> None:
    copy = web(bare_image)
    await agent.start()
    await agent.place(copy)
    assert await failure(agent, copy) == (
        "the image names no command, and the app names none for web"
    )


async def test_an_image_that_no_registry_has_fails_with_the_reason(agent: Agent) -> None:
    agent.runner_settings = replace(agent.runner_settings, pull_patience=0.5, failure_first=0.2)
    copy = web("127.0.0.1:9/hello@sha256:" + "b" * 64)
    await agent.start()
    await agent.place(copy)
    assert (await failure(agent, copy)).startswith("the image cannot be fetched: ")


async def test_a_config_that_is_missing_fails_with_a_sentence(agent: Agent, web_image: str) -> None:
    copy = web(web_image, env="hello/2")
    await agent.start()
    await agent.place(copy)
    assert await failure(agent, copy) == "the config of hello v2 is not in etcd"


async def test_a_foreign_container_of_the_same_name_is_left_alone(
    agent: Agent, web_image: str
) -> None:
    copy = web(web_image)
    foreign = await agent.docker.create(copy.copy.container, {"Image": web_image})
    await agent.start()
    await agent.place(copy)
    assert await failure(agent, copy) == (
        "its name is taken by a container that is not of this platform"
    )
    await agent.place(replace(copy, state=PlacementState.STOP))

    async def stopped() -> bool:
        instance = await agent.instance(copy)
        return instance is not None and instance.phase is Phase.STOPPED

    await eventually(stopped)
    assert (await agent.docker.inspect(foreign)).state == "created"


async def test_a_failing_health_check_keeps_a_copy_out_and_is_told(
    agent: Agent, web_image: str
) -> None:
    sick = web(web_image, num=1, health=HealthCheck("/missing"))
    well = web(web_image, num=2, health=HealthCheck("/healthz"))
    await agent.start()
    await agent.place(sick, well)
    await eventually(lambda: agent.is_ready(well))

    async def told() -> bool:
        instance = await agent.instance(sick)
        reason = "health check /missing answered 404, not 200"
        return instance is not None and instance.error == reason

    await eventually(told)
    assert await agent.endpoint(sick) is None


async def test_a_worker_is_ready_without_an_endpoint(agent: Agent, web_image: str) -> None:
    worker = web(web_image, type="worker")
    await agent.start()
    await agent.place(worker)
    await eventually(lambda: agent.is_ready(worker))
    instance = await agent.instance(worker)
    assert instance is not None
    assert instance.address is None
    assert await agent.endpoint(worker) is None


async def test_a_host_port_that_somebody_else_holds_is_passed_over(
    agent: Agent, web_image: str
) -> None:
    binding = [{"HostIp": agent.address, "HostPort": "20000"}]
    body = {
        "Image": web_image,
        "ExposedPorts": {"5000/tcp": {}},
        "HostConfig": {"PortBindings": {"5000/tcp": binding}},
    }
    await agent.docker.start(await agent.docker.create("outsider", body))
    copy = web(web_image)
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    endpoint = await agent.endpoint(copy)
    assert endpoint is not None
    assert endpoint.address == f"{agent.address}:20001"


async def failure(agent: Agent, copy: Placement) -> str:
    """Why the copy failed, when it has."""

    async def failed() -> bool:
        instance = await agent.instance(copy)
        return instance is not None and instance.phase is Phase.FAILED

    await eventually(failed)
    instance = await agent.instance(copy)
    assert instance is not None
    assert instance.error is not None
    return instance.error


async def test_what_etcd_lost_is_written_again(agent: Agent, web_image: str) -> None:
    copy = web(web_image)
    await agent.start()
    await agent.place(copy)
    await eventually(lambda: agent.is_ready(copy))
    await agent.etcd.delete(keys.service("hello", copy.copy.container))
    await agent.etcd.delete(keys.instance(HOST, copy.copy.container))

    async def back() -> bool:
        return await agent.is_ready(copy) and await agent.endpoint(copy) is not None

    await eventually(back)
