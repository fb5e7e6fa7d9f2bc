"""What both scheduling engines promise, with a real leader, agent and Docker Engine.

Where Docker Swarm promises less is named in docs/operators.md ("Scheduling engines").
"""

import pytest

from deis_control.deltas import ScaleDelta
from deis_control.model import OpPhase
from deis_node.docker.errors import NotFound
from tests.fixtures.scheduling import web
from tests.fixtures.swarm import FAIL, PATIENCE, OneHost
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.long(100)


@pytest.fixture
def stand_in_hosts() -> tuple[str, ...]:
    """Only the router is played."""
    return ()


async def test_copies_are_made_by_the_engine_that_is_set_serve_and_go(one_host: OneHost) -> None:
    app = await one_host.deployed(2)
    assert await one_host.engines() == {web(2): one_host.engine, web(2, 2): one_host.engine}
    assert await one_host.answers(web(2))
    assert await one_host.answers(web(2, 2))
    await one_host.change(app, ScaleDelta({"web": 1}))

    async def one_is_left() -> bool:
        return set(await one_host.engines()) == {web(2)} and len(await one_host.containers()) == 1

    await eventually(one_is_left, within=PATIENCE)
    assert await one_host.answers(web(2))
    assert set(await one_host.scheduling.served()) == {web(2)}


async def test_a_copy_whose_container_dies_comes_back_and_its_end_is_told(
    one_host: OneHost,
) -> None:
    await one_host.deployed()
    (before,) = await one_host.running()
    started = (await one_host.docker.inspect(before.id)).started_at
    await one_host.docker.kill(before.id)

    async def runs_again() -> bool:
        for item in await one_host.running():
            try:
                info = await one_host.docker.inspect(item.id)
            except NotFound:
                return False
            if info.started_at != started and await one_host.answers(web(2)):
                return True
        return False

    await eventually(runs_again, within=PATIENCE)
    instance = await one_host.instance(web(2))
    assert instance is not None
    assert instance.restarts == 1
    assert instance.last_exit is not None
    assert instance.last_exit.signal == 9


async def test_a_copy_that_exits_fails_the_push_and_the_old_one_serves_on(
    one_host: OneHost,
) -> None:
    app = await one_host.deployed()
    (before,) = await one_host.running()
    operation = await one_host.push(app, FAIL, sha="7654321")
    failed = await one_host.scheduling.ended(operation, within=PATIENCE)
    assert failed.phase is OpPhase.FAILED
    assert failed.reason.endswith(".1 exited with code 3\nit broke")

    async def only_the_old_one() -> bool:
        return [item.id for item in await one_host.containers()] == [before.id]

    await eventually(only_the_old_one, within=PATIENCE)
    assert await one_host.answers(web(2))


async def test_another_leader_goes_on_with_what_runs(one_host: OneHost) -> None:
    app = await one_host.deployed()
    (before,) = await one_host.running()
    await one_host.scheduling.kill()
    await one_host.scheduling.lead("control-2")
    await one_host.change(app, ScaleDelta({"web": 2}))
    assert before.id in [item.id for item in await one_host.running()]
    assert await one_host.answers(web(2, 2))


async def test_an_agent_that_starts_again_finds_its_copies_and_writes_nothing(
    one_host: OneHost,
) -> None:
    await one_host.deployed()
    (before,) = await one_host.running()
    await one_host.scheduling.quiet()
    revision = await one_host.scheduling.etcd.revision()
    await one_host.agent.stop()
    await one_host.agent.start()

    def known() -> bool:
        view = one_host.agent.runner.copies.get(web(2))
        return view is not None and view.container_id == before.id and view.run is not None

    await eventually(known, within=PATIENCE)
    await one_host.scheduling.quiet()
    assert await one_host.scheduling.etcd.revision() == revision
    assert await one_host.answers(web(2))


async def test_a_value_that_looks_like_a_template_arrives_as_it_is(one_host: OneHost) -> None:
    app = await one_host.deployed()
    done = await one_host.scheduling.configured(app, ODD="{{.Node.ID}} {{{ }}", GREETING="a=b\nc")
    assert done.phase is OpPhase.DONE, done.reason
    assert await one_host.answers(web(3))
    environments = [(await one_host.docker.inspect(x.id)).env for x in await one_host.running()]
    assert any({"ODD={{.Node.ID}} {{{ }}", "GREETING=a=b\nc"} <= set(env) for env in environments)
