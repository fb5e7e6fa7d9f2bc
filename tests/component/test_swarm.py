"""What is only Docker Swarm's: changing over to it, what others left there, what stays away."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from deis_control.db import operations
from deis_control.deltas import ConfigDelta, RestartDelta
from deis_control.model import OpPhase
from deis_control.scheduler.engines import swarm
from deis_control.scheduler.engines.swarm import Wish
from deis_control.scheduler.swarm_sync import AT_ONCE
from deis_node.cluster import keys
from deis_node.cluster.records import NATIVE, SWARM, Host, PlacementState, Prepared, SwarmNodes
from deis_node.docker import labels
from deis_node.docker.client import Docker
from deis_node.docker.errors import Unavailable
from deis_node.runtime.tasks import Tasks
from tests.fixtures.docker import DockerEngine
from tests.fixtures.runner import PLATFORM
from tests.fixtures.scheduling import web
from tests.fixtures.swarm import PATIENCE, OneHost, SwarmEngine
from tests.fixtures.waiting import eventually
from tests.worlds import make_copy, make_placed

pytestmark = pytest.mark.long(190)


@pytest.fixture
def stand_in_hosts() -> tuple[str, ...]:
    """Only the router is played."""
    return ()


@pytest.fixture(params=[SWARM])
def engine_kind(request: pytest.FixtureRequest) -> str:
    """The platform is set to Docker Swarm when a test begins."""
    return str(request.param)


class Customer:
    """Asks the endpoints that are published, in turn and without a pause."""

    def __init__(self, one_host: OneHost) -> None:
        self._one_host = one_host
        self.answered = 0
        self.failed: list[str] = []

    async def run(self) -> None:
        while True:
            listed = await self._one_host.scheduling.served()
            if not any([await self._one_host.answers(name) for name in sorted(listed)]):
                self.failed.append(f"none of {sorted(listed)} answers")
            self.answered += 1


@pytest.mark.parametrize(
    ("engine_kind", "to"), [(NATIVE, SWARM), (SWARM, NATIVE)], indirect=["engine_kind"]
)
async def test_a_restart_takes_an_app_to_the_engine_that_was_set_while_it_serves(
    one_host: OneHost, to: str
) -> None:
    app = await one_host.deployed()
    await one_host.switch(to)
    customer = Customer(one_host)
    async with Tasks() as tasks:
        tasks.start("customer", customer.run())
        operation = await one_host.scheduling.submit(app, RestartDelta())
        done = await one_host.scheduling.ended(operation, within=PATIENCE)
        assert done.phase is OpPhase.DONE, done.reason
        await tasks.stop(10)
    assert customer.failed == []
    assert customer.answered > 5
    assert (await one_host.engines())[web(2, 1, 2)] == to

    async def only_the_new_one() -> bool:
        found = await one_host.containers()
        return set(await one_host.engines()) == {web(2, 1, 2)} and len(found) == 1

    await eventually(only_the_new_one, within=PATIENCE)
    assert await one_host.answers(web(2, 1, 2))


async def test_nothing_moves_when_only_the_setting_changes(one_host: OneHost) -> None:
    await one_host.deployed()
    (before,) = await one_host.running()
    await one_host.switch(NATIVE)
    await one_host.scheduling.quiet()
    assert [item.id for item in await one_host.running()] == [before.id]
    assert await one_host.engines() == {web(2): SWARM}


async def test_a_single_type_stays_with_the_agent(one_host: OneHost) -> None:
    app = await one_host.deployed()
    done = await one_host.scheduling.configured(app, DEIS_SINGLE="web")
    assert done.phase is OpPhase.DONE, done.reason
    assert (await one_host.engines())[web(3)] == NATIVE
    assert await one_host.answers(web(3))


async def test_what_no_placement_names_is_removed_whatever_epoch_it_bears(
    one_host: OneHost,
) -> None:
    await one_host.deployed()
    (mine,) = await one_host.docker.services({})
    # More than are removed at once; those of later epochs are from before an older PostgreSQL.
    for number in range(2 * AT_ONCE + 1):
        placed = make_placed(make_copy(num=number + 5), engine=SWARM, uuid=f"u{number}", image="x")
        stray = Wish(placed, Prepared(f"u{number}"))
        body = swarm.service(stray, {}, PLATFORM, number % 2 * 99)
        await one_host.docker.create_service(body)

    async def swept() -> bool:
        return await one_host.docker.services({}) == (mine,)

    await eventually(swept, within=PATIENCE)
    assert await one_host.answers(web(2))


async def test_copies_of_former_leaders_end_when_postgresql_was_restored_older(
    one_host: OneHost,
) -> None:
    async def another_leads(name: str, before: str, epoch: int) -> None:
        await one_host.scheduling.kill(before)
        async with one_host.scheduling.database.transaction("epoch") as conn:
            await conn.execute("UPDATE control SET epoch = $1", epoch)
        await one_host.scheduling.lead(name)

    await another_leads("control-2", "control-1", 40)
    app = await one_host.deployed()
    (service,) = await one_host.docker.services({})
    assert service.labels[labels.EPOCH] == "41"
    await another_leads("control-3", "control-2", 0)
    done = await one_host.scheduling.configured(app, A="1")
    assert done.phase is OpPhase.DONE, done.reason

    async def only_the_new_one() -> bool:
        return set(await one_host.engines()) == {web(3)} and len(await one_host.containers()) == 1

    await eventually(only_the_new_one, within=PATIENCE)
    (service,) = await one_host.docker.services({})
    # The store knows of epochs that the database has forgotten: none is given twice.
    assert service.labels[labels.EPOCH] == "42"


async def test_a_node_that_is_closed_takes_no_new_copies_until_it_is_open_again(
    one_host: OneHost, swarm_engine: SwarmEngine
) -> None:
    app = await one_host.deployed()
    await swarm_engine.set_availability("pause")

    async def known() -> bool:
        found = await one_host.scheduling.etcd.get(keys.SWARM)
        nodes = SwarmNodes.from_bytes(found.value).nodes if found else {}
        return nodes == {one_host.agent.host: "closed"}

    await eventually(known, within=PATIENCE)
    operation = await one_host.scheduling.submit(app, ConfigDelta({"A": "1"}))

    async def waits() -> bool:
        async with one_host.scheduling.database.connection() as conn:
            lines = await operations.lines_after(conn, operation.id, 0)
        return any("takes no tasks of the Docker Swarm" in line.text for line in lines)

    await eventually(waits, within=PATIENCE)
    assert set(await one_host.engines()) == {web(2)}
    await swarm_engine.set_availability("active")
    done = await one_host.scheduling.ended(operation, within=PATIENCE)
    assert done.phase is OpPhase.DONE, done.reason
    assert await one_host.answers(web(3))


async def test_copies_wait_for_a_manager_and_their_owner_is_told(one_host: OneHost) -> None:
    app = await one_host.deployed()
    scheduling = one_host.scheduling
    managed = scheduling.settings
    await scheduling.kill()
    scheduling.settings = replace(managed, swarm_managers=managed.swarm_managers[:1])
    await scheduling.lead("control-2")
    operation = await scheduling.submit(app, ConfigDelta({"A": "1"}))

    def told() -> bool:
        return any("cannot run web.1 yet: " in text for _, text in scheduling.events.texts)

    await eventually(told, within=PATIENCE)
    assert await one_host.answers(web(2))
    await scheduling.kill("control-2")
    scheduling.settings = managed
    await scheduling.lead("control-3")
    done = await scheduling.ended(operation, within=PATIENCE)
    assert done.phase is OpPhase.DONE, done.reason
    assert await one_host.answers(web(3))


async def test_what_swarm_has_no_room_for_is_told_to_the_apps_owner(one_host: OneHost) -> None:
    app = await one_host.deployed()
    # More memory than the node has; our own planner takes the host to be larger.
    large = Host(one_host.agent.host, one_host.agent.address, memory=1 << 50)
    await one_host.scheduling.etcd.put(keys.host(large.name), large.to_bytes())
    delta = ConfigDelta({"DEIS_DEPLOY_TIMEOUT": "15"}, memory={"web": "1000000G"})
    operation = await one_host.scheduling.submit(app, delta)
    failed = await one_host.scheduling.ended(operation, within=PATIENCE)
    assert failed.phase is OpPhase.FAILED
    told = [text for _, text in one_host.scheduling.events.texts]
    assert any("Docker Swarm cannot run web.1 yet: no suitable node" in text for text in told)
    assert await one_host.answers(web(2))


async def test_another_platforms_services_in_the_same_swarm_are_left_alone(
    one_host: OneHost,
) -> None:
    wish = Wish(make_placed(engine=SWARM, uuid="u1", image="x"), Prepared("u1"))
    foreign = await one_host.docker.create_service(swarm.service(wish, {}, "another", 0))
    app = await one_host.deployed()
    done = await one_host.scheduling.configured(app, A="1")
    assert done.phase is OpPhase.DONE, done.reason
    assert foreign in {service.id for service in await one_host.docker.services({})}


async def test_an_idle_platform_writes_nothing(one_host: OneHost) -> None:
    await one_host.deployed()
    await one_host.scheduling.quiet()
    revision = await one_host.scheduling.etcd.revision()
    services = await one_host.docker.services({})
    # Longer than the leader's time between two looks.
    with suppress(TimeoutError):
        async with asyncio.timeout(2 * one_host.scheduling.settings.look):
            await asyncio.Event().wait()
    assert await one_host.scheduling.etcd.revision() == revision
    assert await one_host.docker.services({}) == services


async def test_a_copy_that_leaves_gets_its_grace_and_its_host_confirms(one_host: OneHost) -> None:
    app = await one_host.deployed()
    (before,) = await one_host.running()
    done = await one_host.scheduling.configured(app, A="1")
    assert done.phase is OpPhase.DONE, done.reason

    async def forgotten() -> bool:
        placements = await one_host.scheduling.placements(PlacementState.STOP)
        return not placements and before.id not in [x.id for x in await one_host.containers()]

    await eventually(forgotten, within=PATIENCE)
    assert await one_host.instance(web(2)) is None


async def test_an_engine_that_manages_no_swarm_counts_as_away(docker_engine: DockerEngine) -> None:
    async with Docker(docker_engine.url) as docker:
        with pytest.raises(Unavailable, match="not a swarm manager"):
            await docker.services({})


async def test_copies_are_made_again_when_the_docker_engine_starts_again(
    one_host: OneHost, swarm_engine: SwarmEngine
) -> None:
    app = await one_host.deployed()
    (before,) = await one_host.running()
    swarm_engine.stop()
    await asyncio.to_thread(swarm_engine.start)

    async def another_serves() -> bool:
        try:
            found = await one_host.running()
        except Unavailable:
            return False
        return before.id not in [item.id for item in found] and await one_host.answers(web(2))

    await eventually(another_serves, within=PATIENCE)
    done = await one_host.scheduling.configured(app, A="1")
    assert done.phase is OpPhase.DONE, done.reason
    assert await one_host.answers(web(3))
