"""Rollouts in batches, on a real etcd and a real PostgreSQL; agents and router are stand-ins."""

import pytest

from deis_control.db import operations
from deis_control.deltas import RestartDelta, ScaleDelta
from deis_control.model import App, Operation, OpPhase
from deis_node.cluster.records import PlacementState
from tests.fixtures.scheduling import Scheduling, web
from tests.fixtures.waiting import eventually

OLD = [web(3, num) for num in (1, 2, 3, 4)]


@pytest.fixture
async def leader(scheduling: Scheduling) -> Scheduling:
    await scheduling.lead()
    return scheduling


@pytest.fixture
async def app(leader: Scheduling) -> App:
    """Release 3 with four copies, whose changes come in two batches."""
    made = await leader.make_app()
    await leader.deployed(made, web=4)
    assert (await leader.configured(made, DEIS_DEPLOY_BATCHES="2")).phase is OpPhase.DONE
    await leader.at_rest(*OLD)
    return made


async def said(leader: Scheduling, operation: Operation) -> list[str]:
    """The operation's lines for people."""
    async with leader.database.connection() as conn:
        return [line.text for line in await operations.lines_after(conn, operation.id, 0)]


async def releases(leader: Scheduling) -> dict[str, int]:
    route = await leader.route()
    assert route is not None
    return dict(route.releases)


async def test_a_push_comes_in_two_batches(leader: Scheduling, app: App) -> None:
    done = await leader.ended(await leader.push(app, sha="7654321"))
    assert done.phase is OpPhase.DONE
    lines = await said(leader, done)
    words = "batch 1 of 2: the routers shall serve v3 (2 of 4) and v4 (2 of 4)"
    assert words in lines
    assert any(line.startswith("batch 2 of 2: placing web.3 on") for line in lines)
    assert await releases(leader) == {"4": 1}
    await leader.at_rest(*(web(4, num) for num in (1, 2, 3, 4)))


@pytest.mark.parametrize("dead", ["web.1", "web.4"])
async def test_a_copy_of_any_batch_that_exits_gives_the_traffic_back(
    leader: Scheduling, app: App, dead: str
) -> None:
    before = await leader.placements()
    leader.cluster.broken.add(dead)
    failed = await leader.ended(await leader.push(app, sha="7654321"))
    assert (failed.phase, failed.reason) == (
        OpPhase.FAILED,
        f"{dead} exited with code 1\nit broke",
    )
    assert await releases(leader) == {"3": 1}
    await leader.at_rest(*OLD)
    assert await leader.placements() == before


async def test_the_next_change_begins_with_the_traffic_where_it_was(
    leader: Scheduling, app: App
) -> None:
    leader.cluster.broken.add("web.4")
    failing = await leader.push(app, sha="7654321")
    scaling = await leader.submit(app, ScaleDelta({"web": 3}))
    assert (await leader.ended(failing)).phase is OpPhase.FAILED
    assert (await leader.ended(scaling)).phase is OpPhase.DONE
    assert await releases(leader) == {"3": 1}
    await leader.at_rest(*OLD[:3])


async def between_batches(leader: Scheduling, app: App) -> Operation:
    """A push whose second batch has been placed and never gets ready."""
    leader.cluster.slow |= {"web.3", "web.4"}
    operation = await leader.push(app, sha="7654321")
    await eventually(lambda: leader.is_placed(web(4, 4)), within=20)
    assert await releases(leader) == {"3": 2, "4": 2}
    return operation


async def test_another_leader_goes_on_with_the_second_batch(leader: Scheduling, app: App) -> None:
    operation = await between_batches(leader, app)
    await leader.kill()
    await leader.lead("control-2")
    leader.cluster.slow.clear()
    assert (await leader.ended(operation)).phase is OpPhase.DONE
    await leader.at_rest(*(web(4, num) for num in (1, 2, 3, 4)))


async def test_a_change_can_be_cancelled_between_batches(leader: Scheduling, app: App) -> None:
    operation = await between_batches(leader, app)
    await leader.cancel(operation)
    failed = await leader.ended(operation)
    assert (failed.phase, failed.reason) == (OpPhase.FAILED, "the change was cancelled")
    assert await releases(leader) == {"3": 1}
    await leader.at_rest(*OLD)


async def test_workers_may_come_after_web_and_fail_the_change_all_the_same(
    leader: Scheduling, app: App
) -> None:
    procfile = {"web": "serve", "worker": "work"}
    assert (await leader.ended(await leader.push(app, "2222222", **procfile))).phase is OpPhase.DONE
    await leader.ended(await leader.submit(app, ScaleDelta({"worker": 1})))
    assert (await leader.configured(app, DEIS_WORKER_STRATEGY="after")).phase is OpPhase.DONE
    running = {name for name, item in (await leader.placements(PlacementState.RUN)).items()}
    leader.cluster.broken.add("worker")
    failing = await leader.push(app, "3333333", **procfile)
    failed = await leader.ended(failing)
    assert failed.reason == "worker.1 exited with code 1\nit broke"
    lines = await said(leader, failed)
    assert "traffic goes back to v5: worker.1 exited with code 1" in lines
    assert await releases(leader) == {"5": 1}
    await leader.at_rest(*running)


async def test_an_apps_own_deadline_goes_before_the_platforms(leader: Scheduling, app: App) -> None:
    leader.cluster.slow.add("web.2")
    failed = await leader.configured(app, DEIS_DEPLOY_TIMEOUT="1")
    assert failed.reason == "web.2 did not become healthy within 1 s: not yet"
    await leader.at_rest(*OLD)


async def test_nonsense_is_told_in_the_apps_log_and_ignored(leader: Scheduling, app: App) -> None:
    done = await leader.configured(app, DEIS_DEPLOY_BATCHES="many", DEIS_STOP_GRACE="5")
    assert done.phase is OpPhase.DONE
    told = 'DEIS_DEPLOY_BATCHES: "many" is not a whole number from 1 to 100, ignored'
    assert ("hello", told) in leader.events.texts
    assert {item.grace for item in (await leader.placements(PlacementState.RUN)).values()} == {5}


async def test_a_crashed_copy_holds_up_no_change(leader: Scheduling, app: App) -> None:
    leader.cluster.broken.add("web.1")
    await leader.quiet()
    assert (await leader.ended(await leader.submit(app, ScaleDelta({"web": 5})))).phase is (
        OpPhase.DONE
    )
    leader.cluster.broken.clear()
    done = await leader.ended(await leader.submit(app, RestartDelta("web", 1)))
    assert done.phase is OpPhase.DONE
    assert (await leader.configured(app, A="1")).phase is OpPhase.DONE
    await leader.at_rest(*(web(4, num) for num in (1, 2, 3, 4, 5)))
