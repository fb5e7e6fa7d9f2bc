"""Operations on a real etcd and a real PostgreSQL; agents and router are stand-ins."""

import asyncio
from dataclasses import replace

import pytest

from deis_control.db import control, mirror, operations, refs
from deis_control.db.listen import APPS
from deis_control.deltas import (
    ConfigDelta,
    DestroyDelta,
    RestartDelta,
    RollbackDelta,
    ScaleDelta,
)
from deis_control.model import OpPhase, ReleaseState
from deis_control.scheduler.plan import BEHIND
from deis_node.cluster import keys
from deis_node.cluster.records import Intent, PlacementState
from tests.fixtures.scheduling import OTHER_RING, RING, Scheduling, web
from tests.fixtures.waiting import eventually

LIVE, FAILED = ReleaseState.LIVE, ReleaseState.FAILED


@pytest.fixture
async def leader(scheduling: Scheduling) -> Scheduling:
    await scheduling.lead()
    return scheduling


async def test_a_new_app_gets_a_route_that_serves_nothing(leader: Scheduling) -> None:
    await leader.make_app()

    async def routed() -> bool:
        route = await leader.route()
        return route is not None and route.releases == {}

    await eventually(routed)


async def test_a_push_goes_through_every_phase_to_done(leader: Scheduling) -> None:
    app = await leader.make_app()
    operation = await leader.push(app)
    done = await leader.ended(operation)
    assert (done.phase, done.release, done.reason) == (OpPhase.DONE, 2, "")
    phases = await leader.phases(operation)
    assert phases[:3] == [OpPhase.QUEUED, OpPhase.PLACING, OpPhase.STARTING]
    assert phases[-1] is OpPhase.DONE
    assert await leader.versions(app) == {1: LIVE, 2: LIVE}
    assert (await leader.app(app)).structure == {"web": 1}
    await leader.at_rest(web(2))


async def test_a_push_moves_route_and_ref(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    route = await leader.route()
    assert route is not None
    assert route.releases == {"2": 1}
    async with leader.database.connection() as conn:
        assert await refs.of_app(conn, app.uuid) == {"refs/heads/master": "1234567"}
    assert ("hello", "ann deployed 1234567") in leader.events.texts


async def test_a_second_push_replaces_every_copy(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=3)
    operation = await leader.push(app, sha="7654321")
    assert (await leader.ended(operation)).phase is OpPhase.DONE
    assert OpPhase.RETIRING in await leader.phases(operation)
    await leader.at_rest(web(3, 1), web(3, 2), web(3, 3))


async def test_a_copy_that_exits_fails_the_push_and_leaves_the_old_ones_alone(
    leader: Scheduling,
) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    before = (await leader.placements())[web(2)]
    leader.cluster.broken.add("cmd")
    leader.cluster.broken.add("web")
    failed = await leader.ended(await leader.push(app, sha="7654321"))
    assert failed.phase is OpPhase.FAILED
    assert failed.reason == "web.1 exited with code 1\nit broke"
    assert await leader.versions(app) == {1: LIVE, 2: LIVE, 3: FAILED}
    await leader.at_rest(web(2))
    assert (await leader.placements())[web(2)] == before
    route = await leader.route()
    assert route is not None
    assert route.releases == {"2": 1}
    async with leader.database.connection() as conn:
        assert (await refs.of_app(conn, app.uuid))["refs/heads/master"] == "1234567"


async def test_a_failed_number_is_not_used_again(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    leader.cluster.broken.add("web")
    await leader.ended(await leader.push(app, sha="2222222"))
    leader.cluster.broken.clear()
    done = await leader.ended(await leader.push(app, sha="3333333"))
    assert (done.phase, done.release) == (OpPhase.DONE, 4)
    await leader.at_rest(web(4))


async def test_config_is_sealed_for_the_copies_that_need_it(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    done = await leader.configured(app, A="1\n☃")
    assert done.phase is OpPhase.DONE
    assert (await leader.placements())[web(3)].env == "hello/3"
    kv = await leader.etcd.get(keys.env("hello", 3))
    assert kv is not None
    assert RING.open(kv.value, kind="env", app="hello", release=3) == '{"A": "1\\n☃"}'.encode()
    assert ("hello", "ann added A") in leader.events.texts


async def test_old_configs_are_deleted_when_nobody_needs_them(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    for value in "123":
        await leader.configured(app, A=value)

    async def names() -> bool:
        listing = await leader.etcd.list(keys.ENVS)
        return [kv.key for kv in listing.items] == [keys.env("hello", 4), keys.env("hello", 5)]

    await eventually(names)


async def test_a_config_before_the_first_build_is_live_at_once(leader: Scheduling) -> None:
    app = await leader.make_app()
    done = await leader.configured(app, A="1")
    assert (done.phase, done.release) == (OpPhase.DONE, 2)
    assert await leader.placements() == {}
    await leader.deployed(app)
    assert (await leader.placements())[web(3)].env == "hello/3"


async def test_a_whitelist_comes_with_the_release_and_wrong_entries_are_told(
    leader: Scheduling,
) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    await leader.configured(app, DEIS_WHITELIST="10.0.0.0/8:office,}")
    route = await leader.route()
    assert route is not None
    assert route.whitelist == ("10.0.0.0/8",)
    assert any("is not an address" in text for _, text in leader.events.texts)


async def test_a_rollback_takes_image_and_config_back(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    await leader.configured(app, A="1")
    await leader.ended(await leader.push(app, sha="7654321"))
    done = await leader.ended(await leader.submit(app, RollbackDelta(2)))
    assert (done.phase, done.release) == (OpPhase.DONE, 5)
    placement = (await leader.placements())[web(5)]
    assert placement.image.endswith("1234567")
    assert placement.env is None
    assert ("hello", "ann rolled back to v2") in leader.events.texts


async def test_a_rollback_to_nothing_to_run_is_refused(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    failed = await leader.ended(await leader.submit(app, RollbackDelta(1)))
    assert failed.phase is OpPhase.FAILED
    assert "No build" in failed.reason


async def test_scaling_up_and_down(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=5)
    await leader.at_rest(*(web(2, num) for num in range(1, 6)))
    hosts = [kv.key.split("/")[3] for kv in (await leader.etcd.list(keys.PLACEMENTS)).items]
    assert sorted(map(hosts.count, set(hosts))) == [2, 3]
    await leader.ended(await leader.submit(app, ScaleDelta({"web": 2})))
    await leader.at_rest(web(2, 1), web(2, 2))
    assert (await leader.app(app)).structure == {"web": 2}


async def test_scaling_to_nothing_leaves_the_route(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=0)
    await leader.at_rest()
    route = await leader.route()
    assert route is not None
    assert (await leader.etcd.list(keys.SERVICES)).items == ()
    assert (await leader.ended(await leader.push(app, sha="7654321"))).phase is OpPhase.DONE
    route = await leader.route()
    assert route is not None
    assert route.releases == {"3": 1}


async def test_a_failed_scale_leaves_the_formation_as_it_was(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.ended(await leader.push(app, web="serve", worker="work"))
    leader.cluster.broken.add("worker")
    failed = await leader.ended(await leader.submit(app, ScaleDelta({"web": 2, "worker": 1})))
    assert failed.reason.startswith("worker.1 exited with code 1")
    await leader.at_rest(web(2))
    assert (await leader.app(app)).structure == {"web": 1}


async def test_a_restart_makes_new_generations(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=2)
    done = await leader.ended(await leader.submit(app, RestartDelta("web", 2)))
    assert (done.phase, done.release) == (OpPhase.DONE, None)
    await leader.at_rest(web(2, 1), web(2, 2, 2))
    await leader.ended(await leader.submit(app, RestartDelta()))
    await leader.at_rest(web(2, 1, 2), web(2, 2, 3))


async def test_a_logger_that_is_away_is_left_word_to_delete_a_log(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    leader.events.absent = ("control-2",)
    await leader.ended(await leader.submit(app, DestroyDelta()))
    listing = await leader.etcd.list(keys.LOGS_DELETED)
    assert [kv.key for kv in listing.items] == [keys.log_deleted("control-2", "hello")]


async def test_a_destroyed_app_leaves_nothing(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=2)
    await leader.configured(app, A="1")
    await leader.ended(await leader.submit(app, DestroyDelta()))
    await leader.at_rest()

    async def nothing() -> bool:
        listing = await leader.etcd.list(keys.ROOT)
        return not any("hello" in kv.key for kv in listing.items)

    await eventually(nothing)


async def test_operations_of_an_app_run_in_order_and_apps_side_by_side(
    leader: Scheduling,
) -> None:
    first, second = await leader.make_app(), await leader.make_app("other")
    leader.cluster.paused = True
    stuck = await leader.push(first)
    config = await leader.submit(first, ConfigDelta({"A": "1"}))
    leader.cluster.paused = False
    other = await leader.push(second)
    assert (await leader.ended(other)).phase is OpPhase.DONE
    assert (await leader.ended(config)).release == 3
    assert (await leader.ended(stuck)).release == 2


async def test_a_cancelled_deploy_ends_and_the_next_operation_goes_on(
    leader: Scheduling,
) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    leader.cluster.paused = True
    stuck = await leader.push(app, sha="7654321")
    await eventually(lambda: leader.is_placed(web(3)))
    await leader.cancel(stuck)
    assert (await leader.ended(stuck)).reason == "the change was cancelled"
    leader.cluster.paused = False
    await leader.at_rest(web(2))


async def test_the_view_shows_copies_in_the_apis_words(scheduling: Scheduling) -> None:
    view = await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    states = sorted(view.copies("hello"), key=lambda copy: copy.name)
    assert [(copy.name.job, copy.state) for copy in states] == [
        ("hello_v2.web.1", "up"),
        ("hello_v2.web.2", "up"),
    ]
    assert view.copies("nobody") == []


async def test_a_cluster_at_rest_is_not_written_to(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=3)
    await leader.at_rest(*(web(2, num) for num in (1, 2, 3)))
    await leader.quiet()
    before = await leader.etcd.revision()
    await asyncio.sleep(6)
    assert await leader.etcd.revision() == before


async def test_a_missing_placement_is_made_again(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app, web=2)
    listing = await leader.etcd.list(keys.PLACEMENTS)
    lost = next(kv.key for kv in listing.items if kv.key.endswith(web(2, 2)))
    await leader.etcd.delete(lost)
    await leader.at_rest(web(2, 1), web(2, 2))


async def test_placements_of_an_unknown_app_are_removed(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    placement = (await leader.placements())[web(2)]
    ghost = replace(placement, app="ghost")
    await leader.etcd.put(keys.placement("host-1", "ghost_v2.web.1"), ghost.to_bytes())
    await leader.at_rest(web(2))


async def test_the_mirror_holds_what_lasts(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    await leader.etcd.put(keys.setting("router", "bodySize"), b"5m")
    lasting = (keys.PLACEMENTS, keys.ROUTES, keys.ENVS, keys.setting("router", ""))

    async def same() -> bool:
        async with leader.database.connection() as conn:
            held = await mirror.all_entries(conn)
        listing = await leader.etcd.list(keys.ROOT)
        wanted = {kv.key: kv.value for kv in listing.items if kv.key.startswith(lasting)}
        return {key: held[key] for key in held if key.startswith(lasting)} == wanted

    await eventually(same)


async def test_nothing_is_stopped_while_a_database_is_behind_the_store(
    leader: Scheduling,
) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    await leader.kill()
    await leader.database_goes_back()
    await leader.lead("control-2")
    await asyncio.sleep(3)
    assert await leader.placements(PlacementState.RUN)
    await leader.accept_database()
    await leader.at_rest()


async def test_a_database_that_goes_back_under_a_leader_has_no_word_before_that_is_known(
    leader: Scheduling,
) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    async with leader.database.transaction("go back and tell") as conn:
        await conn.execute("DELETE FROM apps")
        await conn.execute("UPDATE intent SET seq = 0")
        await conn.execute("DELETE FROM intents")
        await control.notify(conn, APPS, str(app.uuid))
    await leader.quiet()
    assert (await leader.placements(PlacementState.RUN)).keys() == {web(2)}
    await leader.accept_database()
    await leader.at_rest()


async def test_a_database_that_was_put_back_stays_behind_whatever_it_accepts(
    leader: Scheduling,
) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    kept = await leader.placements(PlacementState.RUN)
    await leader.kill()
    await leader.database_goes_back()
    async with leader.database.transaction("accept a lot") as conn:
        for _ in range(50):
            await control.count_intent(conn)
    await leader.lead("control-2")
    other = await leader.make_app("other")
    await leader.deployed(other)
    await leader.quiet()
    running = await leader.placements(PlacementState.RUN)
    assert running.keys() == {*kept, web(2, app="other")}
    await leader.accept_database()
    await leader.at_rest(web(2, app="other"))
    await leader.deployed(other)
    await leader.at_rest(web(3, app="other"))


async def test_a_restart_while_a_database_is_behind_the_store_ends_nothing_that_it_does_not_know(
    scheduling: Scheduling,
) -> None:
    view = await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=3)
    await scheduling.etcd.put(keys.INTENT, Intent(1000).to_bytes())
    await eventually(lambda: view.intent.seq == 1000)
    async with scheduling.database.transaction("forget the scale") as conn:
        await conn.execute("UPDATE apps SET structure = '{\"web\": 1}'")
    restart = await scheduling.ended(await scheduling.submit(app, RestartDelta()))
    assert restart.phase is OpPhase.DONE
    running = await scheduling.placements(PlacementState.RUN)
    assert running.keys() == {web(2, generation=2), web(2, num=2), web(2, num=3)}
    await scheduling.quiet()


async def test_a_push_while_a_database_is_behind_the_store_ends_and_stops_nothing(
    scheduling: Scheduling,
) -> None:
    view = await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    await scheduling.etcd.put(keys.INTENT, Intent(1000).to_bytes())
    await eventually(lambda: view.intent.seq == 1000)
    push = await scheduling.ended(await scheduling.push(app))
    assert push.phase is OpPhase.DONE
    async with scheduling.database.connection() as conn:
        lines = await operations.lines_after(conn, push.id, 0)
    assert BEHIND in [line.text for line in lines]
    route = await scheduling.route()
    assert route is not None
    assert route.releases == {"3": 1}
    await scheduling.quiet()
    assert set(await scheduling.placements(PlacementState.RUN)) == {web(2), web(3)}
    await scheduling.accept_database()
    await scheduling.at_rest(web(3))


async def test_a_config_that_the_store_does_not_take_fails_the_operation(
    leader: Scheduling,
) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    failed = await leader.configured(app, **{f"K{n}": "\x01" * 60_000 for n in range(10)})
    assert failed.phase is OpPhase.FAILED
    assert failed.reason.startswith("the cluster's store refused the change")
    await leader.at_rest(web(2))
    assert (await leader.ended(await leader.push(app))).phase is OpPhase.DONE


async def test_a_delta_that_nobody_can_open_fails_its_operation_alone(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    operation = await leader.submit(app, ConfigDelta({"A": "1"}), ring=OTHER_RING)
    assert (await leader.ended(operation)).phase is OpPhase.FAILED
    assert (await leader.configured(app, B="1")).phase is OpPhase.DONE


async def test_ten_apps_are_rolled_out_side_by_side(leader: Scheduling) -> None:
    apps = [await leader.make_app(f"app-{n}") for n in range(10)]
    pushes = [await leader.push(app) for app in apps]
    ends = [await leader.ended(push) for push in pushes]
    assert {end.phase for end in ends} == {OpPhase.DONE}
    await leader.at_rest(*(web(2, app=app.id) for app in apps))
