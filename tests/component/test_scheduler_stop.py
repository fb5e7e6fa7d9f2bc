"""Stopping and starting on a real etcd and a real PostgreSQL; agents and router are stand-ins."""

import pytest

from deis_control.deltas import ConfigDelta, Delta, RestartDelta, ScaleDelta, StartDelta, StopDelta
from deis_control.errors import OperationFailed
from deis_control.model import App, Operation, OpPhase, ReleaseState, User
from deis_control.scheduler.view import ClusterView
from deis_control.services.previews import Preview, Previews
from deis_node.cluster import keys
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import PlacementState
from tests.fixtures.scheduling import RING, Scheduling, web
from tests.fixtures.waiting import eventually
from tests.worlds import LONG_AGO

ANN = User(1, "ann", "", "", "", False, True, LONG_AGO, LONG_AGO)


def worker(release: int, num: int = 1, generation: int = 1) -> str:
    return CopyName("hello", release, "worker", num, generation).container


async def done(scheduling: Scheduling, operation: Operation) -> Operation:
    ended = await scheduling.ended(operation)
    assert ended.phase is OpPhase.DONE, ended.reason
    return ended


async def change(scheduling: Scheduling, app: App, delta: Delta) -> Operation:
    return await done(scheduling, await scheduling.submit(app, delta))


async def two_types(scheduling: Scheduling, **structure: int) -> App:
    """An app of web and worker, in release 2."""
    app = await scheduling.make_app()
    await done(scheduling, await scheduling.push(app, web="serve", worker="work"))
    await change(scheduling, app, ScaleDelta(structure or {"web": 2, "worker": 1}))
    return app


async def services(scheduling: Scheduling) -> list[str]:
    return [kv.key for kv in (await scheduling.etcd.list(keys.SERVICES)).items]


async def test_a_stop_ends_the_copies_and_keeps_counts_and_route(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await two_types(scheduling)
    operation = await scheduling.submit(app, StopDelta())
    ended = await done(scheduling, operation)
    assert ended.release is None
    assert OpPhase.RETIRING in await scheduling.phases(operation)
    await scheduling.at_rest()
    assert await services(scheduling) == []
    found = await scheduling.app(app)
    assert (found.structure, found.stopped) == ({"web": 2, "worker": 1}, ("web", "worker"))
    route = await scheduling.route()
    assert route is not None
    assert route.releases == {"2": 1}  # without an endpoint: 503, as for an app scaled to zero
    assert await scheduling.versions(app) == dict.fromkeys((1, 2), ReleaseState.LIVE)


async def test_a_stop_of_a_type_leaves_the_copies_of_others_alone(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await two_types(scheduling)
    before = (await scheduling.placements())[worker(2)]
    number = {name: made for (_, name), made in scheduling.cluster.running.items()}[worker(2)]
    await change(scheduling, app, StopDelta("web"))
    await scheduling.at_rest(worker(2))
    assert (await scheduling.placements())[worker(2)] == before
    assert list(scheduling.cluster.running.values()) == [number]
    await change(scheduling, app, StartDelta("web"))
    assert (await scheduling.placements(PlacementState.RUN))[worker(2)] == before
    assert len(await scheduling.placements(PlacementState.RUN)) == 3


async def test_a_start_runs_the_same_scale_again(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await two_types(scheduling)
    await change(scheduling, app, StopDelta())
    await scheduling.at_rest()
    await change(scheduling, app, StartDelta())
    await scheduling.at_rest(web(2, 1), web(2, 2), worker(2))
    assert len(await services(scheduling)) == 2
    assert (await scheduling.app(app)).stopped == ()


async def test_releases_go_live_without_the_stopped_types(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await two_types(scheduling)
    await change(scheduling, app, StopDelta("web"))
    made = await done(scheduling, await scheduling.push(app, "7654321", web="serve", worker="work"))
    assert made.release == 3
    await scheduling.at_rest(worker(3))
    await change(scheduling, app, StopDelta())
    assert (await scheduling.configured(app, A="1")).phase is OpPhase.DONE
    await scheduling.at_rest()
    assert await scheduling.versions(app) == dict.fromkeys((1, 2, 3, 4), ReleaseState.LIVE)
    route = await scheduling.route()
    assert route is not None
    assert route.releases == {"4": 1}
    await change(scheduling, app, StartDelta())
    await scheduling.at_rest(web(4, 1), web(4, 2), worker(4))
    assert (await scheduling.placements())[web(4)].env == "hello/4"


async def test_a_deploy_that_would_break_goes_live_while_it_is_stopped(
    scheduling: Scheduling,
) -> None:
    """Nothing of it starts, so nothing can fail; the start tells."""
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    await change(scheduling, app, StopDelta())
    scheduling.cluster.broken.add("web")
    assert (await scheduling.ended(await scheduling.push(app, "7654321"))).release == 3
    failed = await scheduling.ended(await scheduling.submit(app, StartDelta()))
    assert (failed.phase, failed.reason) == (OpPhase.FAILED, "web.1 exited with code 1\nit broke")
    await scheduling.at_rest()
    assert (await scheduling.app(app)).stopped == ("web",)


async def test_a_restart_starts_nothing_that_is_stopped(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await two_types(scheduling)
    await change(scheduling, app, StopDelta("web"))
    await change(scheduling, app, RestartDelta())
    await scheduling.at_rest(worker(2, generation=2))
    assert (await scheduling.app(app)).stopped == ("web",)


async def test_a_scale_starts_the_types_that_it_names(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await two_types(scheduling)
    await change(scheduling, app, StopDelta())
    await scheduling.at_rest()
    await change(scheduling, app, ScaleDelta({"web": 1}))
    await scheduling.at_rest(web(2))
    found = await scheduling.app(app)
    assert (found.structure, found.stopped) == ({"web": 1, "worker": 1}, ("worker",))


async def test_changes_queue_in_order_around_a_stop(scheduling: Scheduling) -> None:
    app = await scheduling.make_app()
    deltas = [StopDelta(), ScaleDelta({"web": 3}), StopDelta("web"), ConfigDelta({"A": "1"})]
    asked = [await scheduling.push(app), *[await scheduling.submit(app, d) for d in deltas]]
    await scheduling.lead()
    for operation in asked:
        await done(scheduling, operation)
    await scheduling.at_rest()
    await change(scheduling, app, StartDelta())
    await scheduling.at_rest(web(3, 1), web(3, 2), web(3, 3))


async def test_a_stop_outlives_its_leader(scheduling: Scheduling) -> None:
    await scheduling.lead("control-1")
    app = await two_types(scheduling)
    operation = await scheduling.submit(app, StopDelta())

    async def begun() -> bool:
        return (seen := await scheduling.look(operation)) is not None and bool(seen.started)

    await eventually(begun)
    await scheduling.kill("control-1")
    await scheduling.lead("control-2")
    await done(scheduling, operation)
    await scheduling.at_rest()
    assert (await scheduling.app(app)).stopped == ("web", "worker")


async def test_a_start_outlives_its_leader(scheduling: Scheduling) -> None:
    await scheduling.lead("control-1")
    app = await two_types(scheduling)
    await change(scheduling, app, StopDelta())
    await scheduling.at_rest()
    scheduling.cluster.paused = True
    operation = await scheduling.submit(app, StartDelta())
    await eventually(lambda: scheduling.is_placed(worker(2)))
    await scheduling.kill("control-1")
    scheduling.cluster.paused = False
    await scheduling.lead("control-2")
    await done(scheduling, operation)
    await scheduling.at_rest(web(2, 1), web(2, 2), worker(2))


async def test_a_new_leader_leaves_stopped_what_is_stopped(scheduling: Scheduling) -> None:
    await scheduling.lead("control-1")
    app = await two_types(scheduling)
    await change(scheduling, app, StopDelta("web"))
    await scheduling.at_rest(worker(2))
    await scheduling.kill("control-1")
    await scheduling.lead("control-2")
    await scheduling.cluster.fail(worker(2))  # it has something to do, and does no more than that
    await scheduling.configured(await scheduling.make_app("other"), A="1")
    await scheduling.quiet()
    await scheduling.at_rest(worker(2))


async def test_why_a_host_was_taken_is_kept_with_the_placement(scheduling: Scheduling) -> None:
    view = await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    found = {item.copy.process: item.placed.placement.why for item in view.observed("hello")}
    assert found == {
        "web.1": "first by name among 2 hosts that fit",
        "web.2": "fewest copies of web (0) among 2 hosts that fit",
    }
    await change(scheduling, app, ScaleDelta({"web": 1}))
    assert (await scheduling.placements())[web(2)].why == found["web.1"]


async def preview(scheduling: Scheduling, view: ClusterView, app: App, delta: Delta) -> Preview:
    async with scheduling.database.snapshot() as conn:
        found = await scheduling.app(app)
        return await Previews(RING, view).of(conn, found, ANN, delta)


@pytest.mark.parametrize(
    "delta",
    [
        ConfigDelta({"A": "1"}),
        ScaleDelta({"web": 1, "worker": 3}),
        RestartDelta("web"),
        StopDelta("web"),
        StopDelta(),
        StartDelta(),
    ],
    ids=str,
)
async def test_a_dry_run_foresees_what_the_change_then_does(
    scheduling: Scheduling, delta: Delta
) -> None:
    view = await scheduling.lead()
    app = await two_types(scheduling, web=2, worker=2)
    await change(scheduling, app, StopDelta("worker"))
    await scheduling.at_rest(web(2, 1), web(2, 2))
    before = set(await scheduling.placements())
    foreseen = await preview(scheduling, view, app, delta)
    assert set(await scheduling.placements()) == before
    ended = await change(scheduling, app, delta)
    difference = foreseen.difference
    expected = {copy.container for copy in (*difference.start, *difference.keep)}
    await scheduling.at_rest(*expected)
    assert before - expected == {copy.container for copy in difference.stop}
    making = foreseen.decided.making
    assert ended.release == (None if making is None else foreseen.decided.plan.release)
    after = await scheduling.app(app)
    assert after.structure == foreseen.decided.plan.structure
    assert after.stopped == foreseen.decided.plan.stopped


async def test_what_the_leader_would_refuse_is_refused_with_its_reason(
    scheduling: Scheduling,
) -> None:
    view = await scheduling.lead()
    await scheduling.quiet()  # A new leader reads everything anew.
    app = await scheduling.make_app()
    with pytest.raises(OperationFailed) as refused:
        await preview(scheduling, view, app, ScaleDelta({"web": 1}))
    failed = await scheduling.ended(await scheduling.submit(app, ScaleDelta({"web": 1})))
    assert (failed.phase, failed.reason) == (OpPhase.FAILED, str(refused.value))
