"""What both scheduling engines promise of a copy's life: when it serves, what it may use, how it
ends; with a real leader, agent and Docker Engine.
"""

from contextlib import aclosing, suppress
from typing import Any

import pytest

from deis_control.deltas import ConfigDelta, RestartDelta, ScaleDelta, StartDelta, StopDelta
from deis_control.model import OpPhase
from deis_node.cluster import keys
from deis_node.cluster.etcd import DELETE
from deis_node.cluster.names import parse_container
from deis_node.cluster.records import NATIVE
from deis_node.docker import labels
from deis_node.docker.errors import NotFound
from deis_node.docker.events import ContainerDied
from deis_node.runtime.tasks import Tasks
from tests.fixtures.runner import PLATFORM
from tests.fixtures.scheduling import web
from tests.fixtures.swarm import PATIENCE, OneHost
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.long(190)

_SERVE = "/bin/busybox httpd -p 5000 -h /www; while :; do sleep 0.1; done"
AT_ONCE = f"trap 'exit 0' TERM; {_SERVE}"
AFTER_A_SECOND = f"trap 'sleep 1; exit 0' TERM; {_SERVE}"
NEVER = "trap '' TERM; while :; do sleep 0.1; done"
MIB = 1 << 20


@pytest.fixture
def stand_in_hosts() -> tuple[str, ...]:
    """Only the router is played."""
    return ()


class Ends:
    """How containers ended: process type and release → exit code."""

    def __init__(self, one_host: OneHost) -> None:
        self._docker = one_host.docker
        self.seen: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        async with aclosing(self._docker.events({labels.PLATFORM: PLATFORM})) as events:
            async for event in events:
                if isinstance(event, ContainerDied):
                    whose = event.labels[labels.TYPE], event.labels[labels.RELEASE]
                    self.seen[whose] = event.exit_code


async def fewest_served(one_host: OneHost, since: int, names: set[str]) -> int:
    """The smallest number of published endpoints from a revision, when it was these, until now."""
    served = set(names)
    fewest = len(served)
    final = set(await one_host.scheduling.served())
    watch = one_host.scheduling.etcd.watch(keys.services_of("hello"), since + 1)
    async with aclosing(watch) as batches:
        async for batch in batches:
            for event in batch:
                name = event.kv.key.rpartition("/")[2]
                served = served - {name} if event.kind is DELETE else served | {name}
            fewest = min(fewest, len(served))
            if served == final:
                break
    return fewest


async def test_a_restart_is_rolling(one_host: OneHost) -> None:
    app = await one_host.deployed(2)
    before = {web(2), web(2, 2)}
    revision = await one_host.scheduling.etcd.revision()
    await one_host.change(app, RestartDelta())
    after = {web(2, 1, 2), web(2, 2, 2)}

    async def replaced() -> bool:
        return set(await one_host.scheduling.served()) == after

    await eventually(replaced, within=PATIENCE)
    assert await fewest_served(one_host, revision, before) >= 2
    assert await one_host.answers(web(2, 1, 2))
    assert await one_host.answers(web(2, 2, 2))


async def test_a_copy_is_told_to_end_when_routers_have_let_go_of_it(one_host: OneHost) -> None:
    app = await one_host.deployed(web=AT_ONCE)
    (before,) = await one_host.running()
    one_host.scheduling.cluster.deaf = True
    operation = await one_host.scheduling.submit(app, ConfigDelta({"A": "1"}))

    async def withdrawn() -> bool:
        return set(await one_host.scheduling.served()) == {web(3)}

    await eventually(withdrawn, within=PATIENCE)
    # It would end in a moment if it was told.
    assert before.id in [item.id for item in await one_host.running()]
    for _ in range(5):
        await one_host.docker.info()
        assert before.id in [item.id for item in await one_host.running()]
    one_host.scheduling.cluster.deaf = False
    done = await one_host.scheduling.ended(operation, within=PATIENCE)
    assert done.phase is OpPhase.DONE, done.reason

    async def gone() -> bool:
        return before.id not in [item.id for item in await one_host.containers()]

    await eventually(gone, within=PATIENCE)


async def test_a_copy_ends_by_itself_within_its_grace_or_is_killed_after_it(
    one_host: OneHost,
) -> None:
    app = await one_host.deployed(web=AFTER_A_SECOND, worker=NEVER)
    await one_host.change(app, ScaleDelta({"worker": 1}))
    await one_host.change(app, ConfigDelta({"DEIS_STOP_GRACE": "6"}))
    ends = Ends(one_host)
    async with Tasks() as tasks:
        tasks.start("ends", ends.run())
        await one_host.change(app, ConfigDelta({"A": "1"}))

        def both_old_ones_ended() -> bool:
            return {("web", "3"), ("worker", "3")} <= ends.seen.keys()

        await eventually(both_old_ones_ended, within=PATIENCE)
        assert (ends.seen["web", "3"], ends.seen["worker", "3"]) == (0, 137)
        await tasks.stop(10)


async def test_a_failing_health_check_fails_the_change_and_the_old_copy_serves_on(
    one_host: OneHost,
) -> None:
    app = await one_host.deployed()
    (before,) = await one_host.running()
    values = {"HEALTHCHECK_URL": "/no", "DEIS_DEPLOY_TIMEOUT": "8"}
    operation = await one_host.scheduling.submit(app, ConfigDelta(values))
    failed = await one_host.scheduling.ended(operation, within=PATIENCE)
    assert failed.phase is OpPhase.FAILED
    assert "answered 404" in failed.reason

    async def only_the_old_one() -> bool:
        return [item.id for item in await one_host.containers()] == [before.id]

    await eventually(only_the_old_one, within=PATIENCE)
    assert set(await one_host.scheduling.served()) == {web(2)}
    assert await one_host.answers(web(2))


async def test_a_copy_that_hangs_is_withdrawn_and_serves_again(one_host: OneHost) -> None:
    app = await one_host.deployed()
    await one_host.change(app, ConfigDelta({"HEALTHCHECK_LIVENESS_URL": "/index.html"}))

    async def alone() -> bool:
        return len(await one_host.containers()) == 1

    await eventually(alone, within=PATIENCE)
    (before,) = await one_host.running()
    await one_host.docker.kill(before.id, "SIGSTOP")

    async def withdrawn() -> bool:
        return await one_host.scheduling.served() == {}

    await eventually(withdrawn, within=PATIENCE)
    await eventually(lambda: one_host.answers(web(3)), within=PATIENCE)
    instance = await one_host.instance(web(3))
    assert instance is not None
    assert instance.restarts == 1
    assert instance.last_exit is not None
    assert "liveness check /index.html" in str(instance.last_exit.why)


async def test_an_apps_stop_ends_its_copies_and_a_start_brings_them_back(
    one_host: OneHost,
) -> None:
    app = await one_host.deployed(2)
    await one_host.change(app, StopDelta())

    async def nothing_is_left() -> bool:
        return await one_host.containers() == [] and await one_host.scheduling.served() == {}

    await eventually(nothing_is_left, within=PATIENCE)
    await one_host.change(app, StartDelta())
    served = set(await one_host.scheduling.served())
    processes = [copy.process for name in served if (copy := parse_container(name))]
    assert sorted(processes) == ["web.1", "web.2"]
    for name in served:
        assert await one_host.answers(name)


async def test_limits_hold_and_shares_are_what_the_engine_knows_of_them(
    one_host: OneHost,
) -> None:
    app = await one_host.deployed()
    delta = ConfigDelta({"DEIS_PIDS_LIMIT": "50"}, memory={"web": "64M"}, cpu={"web": 512})
    await one_host.change(app, delta)
    made = await host_config(one_host)
    assert (made["Memory"], made["PidsLimit"]) == (64 * MIB, 50)
    services = await one_host.docker._ask("GET", "services") or ()
    reserved = [item["Spec"]["TaskTemplate"]["Resources"]["Reservations"] for item in services]
    # From here on the exceptions that docs/operators.md names ("Scheduling engines").
    if one_host.engine == NATIVE:
        assert (made["CpuShares"], made["MemorySwap"], reserved) == (512, -1, [])
    else:
        # Swarm knows no shares: half a processor is kept free for the copy, and that is all.
        assert (made["CpuShares"], made["MemorySwap"]) == (0, 128 * MIB)
        assert {"MemoryBytes": 64 * MIB, "NanoCPUs": 500_000_000} in reserved


async def host_config(one_host: OneHost) -> dict[str, Any]:
    """What the engine was asked for the container of `web.1` of release 3."""
    for item in await one_host.running():
        with suppress(NotFound):
            found = await one_host.docker._ask("GET", f"containers/{item.id}/json")
            if item.labels[labels.RELEASE] == "3":
                return dict(found["HostConfig"])
    raise AssertionError("no such container runs")
