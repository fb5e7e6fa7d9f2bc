"""A leader that dies, an etcd that is away or emptied, a PostgreSQL that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deis_control.db import control, mirror
from deis_control.deltas import ConfigDelta, RestartDelta, ScaleDelta
from deis_control.model import App, OpPhase, PhaseLine, ReleaseState
from deis_control.scheduler.leadership import Leadership
from deis_control.scheduler.mirror import REVISION
from deis_control.scheduler.worker import rest_decision
from deis_control.services.operations import Operations
from deis_node.cluster import keys
from deis_node.cluster.records import HostConf, Incarnation, Leader
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.scheduling import RING, Scheduling, web
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.long(90)


async def incarnation(scheduling: Scheduling) -> Incarnation | None:
    kv = await scheduling.etcd.get(keys.INCARNATION)
    return None if kv is None else Incarnation.from_bytes(kv.value)


async def leads(scheduling: Scheduling, name: str) -> None:
    """Wait until a control process leads."""

    async def so() -> bool:
        kv = await scheduling.etcd.get(keys.LEADER)
        return kv is not None and Leader.from_bytes(kv.value).name == name

    await eventually(so)


async def mirrored(scheduling: Scheduling) -> None:
    """Wait until the mirror holds every placement."""
    await eventually(lambda: is_mirrored(scheduling))


async def is_mirrored(scheduling: Scheduling) -> bool:
    async with scheduling.database.connection() as conn:
        held = await mirror.all_entries(conn)
    listing = await scheduling.etcd.list(keys.PLACEMENTS)
    return all(held.get(kv.key) == kv.value for kv in listing.items)


async def test_an_app_that_cannot_be_judged_is_nobody_elses_trouble(
    scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []

    def judge(lead: Leadership, app: str, *others: Any) -> Any:
        if app == "odd":
            judged.append(app)
            raise ValueError("odd")
        return rest_decision(lead, app, *others)

    for module in ("loop", "worker"):
        monkeypatch.setattr(f"deis_control.scheduler.{module}.rest_decision", judge)
    await scheduling.make_app("odd")
    await scheduling.lead()
    await scheduling.deployed(await scheduling.make_app(), web=2)
    await eventually(lambda: len(judged) > 1)
    kv = await scheduling.etcd.get(keys.LEADER)
    assert kv is not None
    assert Leader.from_bytes(kv.value).epoch == 1


async def test_the_first_leader_gives_the_store_its_incarnation(scheduling: Scheduling) -> None:
    await scheduling.lead()
    await scheduling.make_app()
    await eventually(lambda: known(scheduling))
    found = await incarnation(scheduling)
    assert found is not None
    assert found.ancestors == ()
    async with scheduling.database.connection() as conn:
        assert await control.incarnation(conn) == found.id


async def known(scheduling: Scheduling) -> bool:
    """Whether database and store name the same life."""
    found = await incarnation(scheduling)
    async with scheduling.database.connection() as conn:
        return found is not None and await control.incarnation(conn) == found.id


async def test_only_one_of_two_leads_and_the_other_takes_over_within_the_ttl(
    scheduling: Scheduling,
) -> None:
    await scheduling.lead("control-1")
    await leads(scheduling, "control-1")
    await scheduling.lead("control-2")
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    await scheduling.kill("control-1")
    began = asyncio.get_running_loop().time()
    await leads(scheduling, "control-2")
    assert asyncio.get_running_loop().time() - began < 6
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(3, 1), web(3, 2))


@pytest.mark.parametrize("moment", range(0, 120, 15))
async def test_a_leader_may_die_at_any_moment_of_a_push(
    scheduling: Scheduling, moment: int
) -> None:
    await scheduling.lead("control-1")
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    operation = await scheduling.push(app, sha="7654321")
    await asyncio.sleep(moment / 1000)
    await scheduling.kill("control-1")
    await scheduling.lead("control-2")
    done = await scheduling.ended(operation)
    assert (done.phase, done.release) == (OpPhase.DONE, 3)
    states = await scheduling.versions(app)
    assert states == dict.fromkeys((1, 2, 3), ReleaseState.LIVE)
    await scheduling.at_rest(web(3, 1), web(3, 2))


async def test_a_new_leader_goes_on_with_a_restart(scheduling: Scheduling) -> None:
    await scheduling.lead("control-1")
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    scheduling.cluster.paused = True
    operation = await scheduling.submit(app, RestartDelta())
    await eventually(lambda: scheduling.is_placed(web(2, 1, 2)))
    await scheduling.kill("control-1")
    scheduling.cluster.paused = False
    await scheduling.lead("control-2")
    assert (await scheduling.ended(operation)).phase is OpPhase.DONE
    await scheduling.at_rest(web(2, 1, 2), web(2, 2, 2))


async def test_a_store_that_was_emptied_is_restored_and_nothing_is_stopped(
    scheduling: Scheduling, etcd_server: EtcdMember
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=3)
    await scheduling.configured(app, A="1")
    await scheduling.etcd.put(keys.setting("router", "bodySize"), b"5m")
    await scheduling.at_rest(*(web(3, num) for num in (1, 2, 3)))
    await mirrored(scheduling)
    before = await incarnation(scheduling)
    running = dict(scheduling.cluster.running)
    assert before is not None
    await asyncio.to_thread(etcd_server.wipe)
    await eventually(lambda: restored(scheduling, before), within=30)
    await scheduling.at_rest(*(web(3, num) for num in (1, 2, 3)))
    assert scheduling.cluster.running == running
    assert scheduling.cluster.orphans == []
    route = await scheduling.route()
    assert route is not None
    assert route.releases == {"3": 1}
    assert await scheduling.etcd.get(keys.env("hello", 3)) is not None
    setting = await scheduling.etcd.get(keys.setting("router", "bodySize"))
    assert setting is not None
    assert setting.value == b"5m"
    assert (await scheduling.ended(await scheduling.push(app))).phase is OpPhase.DONE


async def restored(scheduling: Scheduling, before: Incarnation) -> bool:
    """Whether a new life of the store has begun that descends from the former one."""
    found = await incarnation(scheduling)
    return found is not None and found.id != before.id and found.follows(before.id)


async def test_a_store_that_is_emptied_while_nobody_leads_is_restored_by_the_next_leader(
    scheduling: Scheduling, etcd_server: EtcdMember
) -> None:
    await scheduling.lead("control-1")
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(2, 1), web(2, 2))
    await mirrored(scheduling)
    running = dict(scheduling.cluster.running)
    await scheduling.kill("control-1")
    await asyncio.to_thread(etcd_server.wipe)
    await scheduling.lead("control-2")
    await scheduling.at_rest(web(2, 1), web(2, 2))
    assert scheduling.cluster.running == running


async def test_a_store_emptied_in_the_middle_of_a_push_costs_no_copy(
    scheduling: Scheduling, etcd_server: EtcdMember
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(2, 1), web(2, 2))
    scheduling.cluster.paused = True
    operation = await scheduling.push(app, sha="7654321")
    await eventually(lambda: scheduling.is_placed(web(3, 1)))
    await mirrored(scheduling)
    await asyncio.to_thread(etcd_server.wipe)
    scheduling.cluster.paused = False
    assert (await scheduling.ended(operation)).phase is OpPhase.DONE
    await scheduling.at_rest(web(3, 1), web(3, 2))
    assert scheduling.cluster.orphans == []


async def test_an_etcd_that_is_away_holds_a_push_and_nothing_is_concluded(
    scheduling: Scheduling, etcd_server: EtcdMember
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(2, 1), web(2, 2))
    await asyncio.to_thread(etcd_server.stop)
    operation = await scheduling.push(app, sha="7654321")
    await asyncio.sleep(4)
    await asyncio.to_thread(etcd_server.start)
    assert (await scheduling.ended(operation)).phase is OpPhase.DONE
    await scheduling.at_rest(web(3, 1), web(3, 2))
    assert scheduling.cluster.orphans == []


async def test_who_watches_a_change_is_told_why_nothing_happens(
    scheduling: Scheduling, etcd_server: EtcdMember
) -> None:
    view = await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    assert view.standstill() == ""
    await asyncio.to_thread(etcd_server.stop)
    services = Operations(scheduling.database, RING, held=view.standstill)
    operation = await scheduling.push(app, sha="7654321")
    async with aclosing(services.watch(operation)) as lines:
        async for line in until(lines, "etcd does not answer"):
            numbered = line.seq
        await asyncio.to_thread(etcd_server.start)
        rest = [line async for line in lines]
    assert all(line.seq > numbered for line in rest if "deis-control leads" not in line.text)
    assert rest[-1].phase is OpPhase.DONE


async def test_a_push_into_a_full_store_waits_and_says_so(
    scheduling: Scheduling, etcd_server: EtcdMember
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(2, 1), web(2, 2))
    running = dict(scheduling.cluster.running)
    await asyncio.to_thread(etcd_server.alarm, on=True)
    try:
        operation = await scheduling.push(app, sha="7654321")
        services = Operations(scheduling.database, RING)
        async with aclosing(services.watch(operation)) as lines:
            told = [line.text async for line in until(lines, "takes no writes")]
        assert told
        assert scheduling.cluster.running == running
    finally:
        await asyncio.to_thread(etcd_server.alarm, on=False)
    assert (await scheduling.ended(operation)).phase is OpPhase.DONE
    await scheduling.at_rest(web(3, 1), web(3, 2))


async def until(lines: AsyncIterator[PhaseLine], text: str) -> AsyncIterator[PhaseLine]:
    """The lines up to the first one with this text in it."""
    async for line in lines:
        yield line
        if text in line.text:
            return


@pytest.fixture
async def postgres_back(postgres: PostgresServer) -> AsyncIterator[PostgresServer]:
    """The server, running again when the test is over."""
    yield postgres
    await asyncio.to_thread(postgres.kill)
    await asyncio.to_thread(postgres.start)


async def test_steady_state_goes_on_while_postgresql_is_away(
    scheduling: Scheduling, postgres_back: PostgresServer
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(2, 1), web(2, 2))

    async def end_surplus(num: int) -> None:
        one = (await scheduling.placements())[web(2, 1)]
        surplus = replace(one, num=num, created="2999-01-01T00:00:00UTC")
        await scheduling.etcd.put(keys.placement("host-1", web(2, num)), surplus.to_bytes())
        await scheduling.at_rest(web(2, 1), web(2, 2))

    await end_surplus(8)  # So the leader has read what the scale made of the app.
    await asyncio.to_thread(postgres_back.kill)
    await end_surplus(9)
    await asyncio.to_thread(postgres_back.start)
    assert (await scheduling.ended(await scheduling.push(app))).phase is OpPhase.DONE


async def test_a_push_goes_on_when_postgresql_comes_back(
    scheduling: Scheduling, postgres_back: PostgresServer
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    scheduling.cluster.paused = True
    operation = await scheduling.push(app, sha="7654321")
    await eventually(lambda: scheduling.is_placed(web(3)))
    await asyncio.to_thread(postgres_back.kill)
    scheduling.cluster.paused = False
    await asyncio.sleep(1)
    await asyncio.to_thread(postgres_back.start)
    assert (await scheduling.ended(operation)).phase is OpPhase.DONE
    await scheduling.at_rest(web(3))


async def test_a_paused_leader_that_was_replaced_writes_nothing_more(
    scheduling: Scheduling,
) -> None:
    await scheduling.lead("control-1")
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    scheduling.cut_off("control-1")
    await scheduling.lead("control-2")
    await leads(scheduling, "control-2")
    operation = await scheduling.submit(app, ScaleDelta({"web": 2}))
    assert (await scheduling.ended(operation)).phase is OpPhase.DONE
    scheduling.reconnect("control-1")
    following = await scheduling.submit(app, ConfigDelta({"A": "1"}))
    assert (await scheduling.ended(following)).phase is OpPhase.DONE
    await scheduling.at_rest(web(3, 1), web(3, 2))


async def test_a_database_that_went_back_gives_no_epoch_twice(scheduling: Scheduling) -> None:
    views = [await scheduling.lead(name) for name in ("control-1", "control-2")]
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    await eventually(lambda: all(view.epoch for view in views))
    former = views[0].epoch
    async with scheduling.database.transaction("go back") as conn:
        await conn.execute("UPDATE control SET epoch = 0")
    assert (await scheduling.ended(await scheduling.push(app))).phase is OpPhase.DONE
    await eventually(lambda: all(view.epoch > former for view in views))


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_database_that_went_back_within_a_term_is_mirrored_into_anew(
    scheduling: Scheduling, goes_on: bool
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(2, 1), web(2, 2))
    await mirrored(scheduling)
    async with scheduling.database.transaction("go back") as conn:
        await mirror.put(conn, {REVISION: b"1"})
        lost = [key for key in await mirror.all_entries(conn) if key.endswith(web(2, 1))]
        await mirror.delete(conn, lost)
    assert lost
    if goes_on:
        assert (await scheduling.configured(app, A="1")).phase is OpPhase.DONE
    await mirrored(scheduling)


async def test_a_store_that_went_back_gets_a_new_life(scheduling: Scheduling) -> None:
    await scheduling.lead("control-1")
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(2, 1), web(2, 2))
    await mirrored(scheduling)
    before = await incarnation(scheduling)
    assert before is not None
    await scheduling.kill("control-1")
    lost = (await scheduling.etcd.list(keys.PLACEMENTS)).items[0]
    async with scheduling.database.transaction("go on without the store") as conn:
        await mirror.put(conn, {REVISION: b"999999999"})
    await scheduling.etcd.put(lost.key, b"an older value")
    await scheduling.lead("control-2")
    await eventually(lambda: restored(scheduling, before), within=30)
    kv = await scheduling.etcd.get(lost.key)
    assert kv is not None
    assert kv.value == lost.value


async def saved(
    scheduling: Scheduling, server: EtcdMember, snapshot: Path
) -> tuple[App, Incarnation]:
    """An app of two copies and the store's life, in a snapshot of the store."""
    await scheduling.lead("control-1")
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.at_rest(web(2, 1), web(2, 2))
    before = await incarnation(scheduling)
    assert before is not None
    await asyncio.to_thread(server.save, snapshot)
    return app, before


@pytest.mark.parametrize("lives_on", [True, False])
async def test_a_snapshot_from_earlier_is_a_new_life_and_stops_nothing(
    scheduling: Scheduling, etcd_server: EtcdMember, tmp_path: Path, lives_on: bool
) -> None:
    app, before = await saved(scheduling, etcd_server, tmp_path / "snapshot")
    scaled = await scheduling.ended(await scheduling.submit(app, ScaleDelta({"web": 3})))
    assert scaled.phase is OpPhase.DONE
    await scheduling.at_rest(*(web(2, num) for num in (1, 2, 3)))
    await mirrored(scheduling)
    running = dict(scheduling.cluster.running)
    if not lives_on:
        await scheduling.kill("control-1")
    # The election key of this term is in the snapshot, and its lease as well.
    await asyncio.to_thread(etcd_server.restore, tmp_path / "snapshot")
    if not lives_on:
        await scheduling.lead("control-2")
    await eventually(lambda: restored(scheduling, before), within=30)
    await scheduling.at_rest(*(web(2, num) for num in (1, 2, 3)))
    assert scheduling.cluster.running == running
    assert scheduling.cluster.orphans == []
    assert (await scheduling.ended(await scheduling.push(app))).phase is OpPhase.DONE


async def test_a_snapshot_from_earlier_brings_no_copy_back_that_has_ended(
    scheduling: Scheduling, etcd_server: EtcdMember, tmp_path: Path
) -> None:
    app, before = await saved(scheduling, etcd_server, tmp_path / "snapshot")
    ((host, _),) = [name for name in scheduling.cluster.running if name[1] == web(2, 2)]
    await scheduling.ended(await scheduling.submit(app, ScaleDelta({"web": 1})))
    await scheduling.at_rest(web(2, 1))
    word = HostConf(cordoned=True)
    await scheduling.etcd.put(keys.hostconf(host), word.to_bytes())
    await scheduling.ended(await scheduling.submit(app, ScaleDelta({"web": 2})))
    await scheduling.at_rest(web(2, 1), web(2, 2))
    await mirrored(scheduling)
    running = dict(scheduling.cluster.running)
    # The name has another host now, and both of them are placed when the snapshot is back.
    assert (host, web(2, 2)) not in running
    await scheduling.kill("control-1")
    await asyncio.to_thread(etcd_server.restore, tmp_path / "snapshot")
    await scheduling.lead("control-2")
    await eventually(lambda: restored(scheduling, before), within=30)
    assert web(2, 2) not in await scheduling.placed_on(host)
    await scheduling.at_rest(web(2, 1), web(2, 2))
    assert scheduling.cluster.running == running


async def test_a_snapshot_from_earlier_is_noticed_whatever_was_written_since(
    scheduling: Scheduling, etcd_server: EtcdMember, tmp_path: Path
) -> None:
    app, before = await saved(scheduling, etcd_server, tmp_path / "snapshot")
    await scheduling.ended(await scheduling.push(app, sha="7654321"))
    await scheduling.at_rest(web(3, 1), web(3, 2))
    await mirrored(scheduling)
    await scheduling.kill("control-1")
    scheduling.cluster.away = set(scheduling.cluster.hosts)
    reached = await scheduling.etcd.revision()
    await asyncio.to_thread(etcd_server.restore, tmp_path / "snapshot")
    while await scheduling.etcd.put("/elsewhere", b"") <= reached:
        pass
    await scheduling.lead("control-2")
    await eventually(lambda: restored(scheduling, before), within=30)
    assert set(await scheduling.placements()) >= {web(3, 1), web(3, 2)}
