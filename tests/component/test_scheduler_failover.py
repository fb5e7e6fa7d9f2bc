"""Hosts that die, hang, are drained and come back, with a real etcd and a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import Any

import pytest

from deis_control.db import operations, releases
from deis_control.db.pool import DatabaseAway
from deis_control.deltas import ConfigDelta, RestartDelta
from deis_control.model import App, OpPhase
from deis_control.scheduler import rollout
from deis_node.cluster import keys
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import HostConf, Leader, Move, PlacementState
from tests.fixtures.etcd import EtcdMember
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.scheduling import Scheduling, web
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.long(50)

RUN, STOP = PlacementState.RUN, PlacementState.STOP


async def running_on(scheduling: Scheduling, **hosts: int) -> None:
    """Wait until so many copies shall run and serve on each host, and nowhere else."""
    wanted = {host.replace("_", "-"): count for host, count in hosts.items()}

    async def so() -> bool:
        for host in scheduling.cluster.hosts:
            count = wanted.get(host, 0)
            placed = await scheduling.placed_on(host, RUN)
            served = [name for name, at in (await scheduling.served()).items() if at == host]
            runs = {name for at, name in scheduling.cluster.running if at == host}
            if not (len(placed) == len(served) == count and placed <= runs):
                return False
        return True

    await eventually(so, within=30)


async def four_at_rest(scheduling: Scheduling) -> App:
    """An app of two copies on each host, when the leader has nothing more to do for it."""
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=4)
    await running_on(scheduling, host_1=2, host_2=2)
    await scheduling.quiet()
    return app


async def serves_on(scheduling: Scheduling, host: str, count: int) -> bool:
    """Whether so many copies of the host serve."""
    return list((await scheduling.served()).values()).count(host) == count


def is_empty(scheduling: Scheduling, host: str) -> Callable[[], object]:
    async def so() -> bool:
        return not await scheduling.placed_on(host)

    return so


@pytest.mark.parametrize("power", [True, False])
async def test_copies_of_a_lost_host_are_made_again_and_end_there_when_it_returns(
    scheduling: Scheduling, power: bool
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=4)
    await running_on(scheduling, host_1=2, host_2=2)
    await scheduling.cluster.lose("host-1", power=power)
    await running_on(scheduling, host_2=4)
    await eventually(lambda: stopped(scheduling, "host-1", 2), within=20)
    assert set((await scheduling.served()).values()) == {"host-2"}
    texts = [text for _, text in scheduling.events.texts if "host-1 is lost" in text]
    assert len(texts) == 2
    await scheduling.cluster.come_back("host-1")
    await eventually(is_empty(scheduling, "host-1"))
    await running_on(scheduling, host_2=4)
    assert scheduling.cluster.orphans == []


async def stopped(scheduling: Scheduling, host: str, count: int) -> bool:
    """Whether so many copies on a host are told to end, and no other is there."""
    placed = await scheduling.placed_on(host)
    return len(placed) == count and placed == await scheduling.placed_on(host, STOP)


@pytest.mark.parametrize("moment", [0.0, 0.5, 0.6, 0.7, 0.9])
async def test_a_leader_may_die_at_any_moment_of_a_failover(
    scheduling: Scheduling, moment: float
) -> None:
    await scheduling.lead("control-1")
    await scheduling.lead("control-2")
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=4)
    await running_on(scheduling, host_1=2, host_2=2)
    await scheduling.cluster.lose("host-1")
    await asyncio.sleep(moment)
    await scheduling.kill("control-1")
    await running_on(scheduling, host_2=4)
    await scheduling.cluster.come_back("host-1")
    await eventually(is_empty(scheduling, "host-1"), within=20)
    await running_on(scheduling, host_2=4)


async def test_a_leader_that_has_never_seen_the_host_moves_its_copies_too(
    scheduling: Scheduling,
) -> None:
    await scheduling.lead("control-1")
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await running_on(scheduling, host_1=1, host_2=1)
    await scheduling.kill("control-1")
    await scheduling.cluster.lose("host-1")
    await scheduling.lead("control-2")
    await running_on(scheduling, host_2=2)


async def test_a_push_goes_on_when_a_host_of_its_new_copies_is_lost(
    scheduling: Scheduling,
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=4)
    scheduling.cluster.paused = True
    operation = await scheduling.push(app, sha="7654321")
    await eventually(lambda: scheduling.is_placed(web(3, 4)))
    await scheduling.cluster.lose("host-2")
    scheduling.cluster.paused = False
    done = await scheduling.ended(operation)
    assert (done.phase, done.reason) == (OpPhase.DONE, "")
    await running_on(scheduling, host_1=4)
    assert all("_v3." in name for name in await scheduling.served())


async def test_a_failover_needs_no_database(
    scheduling: Scheduling, postgres: PostgresServer, postgres_back: None
) -> None:
    await scheduling.lead()
    await four_at_rest(scheduling)
    await asyncio.to_thread(postgres.kill)
    await scheduling.cluster.lose("host-1")
    await running_on(scheduling, host_2=4)


async def test_a_failover_needs_no_database_while_a_change_waits_for_it(
    scheduling: Scheduling, postgres: PostgresServer, postgres_back: None
) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=4)
    scheduling.cluster.paused = True
    operation = await scheduling.submit(app, ConfigDelta({"A": "1"}))
    await eventually(lambda: scheduling.is_placed(web(3)))
    await asyncio.to_thread(postgres.kill)
    scheduling.cluster.paused = False

    async def rolled_out() -> bool:
        served = await scheduling.served()
        return all("_v3." in name for name in served) and len(served) == 4

    async def over() -> bool:
        left = set(await scheduling.placements()) - set(await scheduling.placements(STOP))
        return await rolled_out() and all("_v3." in name for name in left)

    await eventually(over, within=30)
    await running_on(scheduling, host_1=2, host_2=2)
    await scheduling.cluster.lose("host-1")
    await eventually(lambda: serves_on(scheduling, "host-2", 4), within=30)
    await asyncio.to_thread(postgres.start)
    done = await scheduling.ended(operation)
    assert (done.phase, done.reason) == (OpPhase.DONE, "")
    await running_on(scheduling, host_2=4)
    assert await rolled_out()


def unanswered(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, asked: str, *, silent: bool
) -> tuple[asyncio.Event, asyncio.Event]:
    """Have what is asked of PostgreSQL refused, or not answered at all.

    The one event is set when it has been asked, the other one ends it.
    """
    real, waits, back = getattr(module, asked), asyncio.Event(), asyncio.Event()

    async def away(*args: Any, **facts: Any) -> Any:
        waits.set()
        if not silent and not back.is_set():
            raise DatabaseAway
        await back.wait()
        return await real(*args, **facts)

    monkeypatch.setattr(module, asked, away)
    return waits, back


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(
    ("module", "asked"),
    [
        (rollout, "place"),
        (operations, "finish_live"),
        (operations, "next_open_of"),
        (releases, "before"),
    ],
)
async def test_copies_are_made_again_where_a_change_waits_for_the_database(
    scheduling: Scheduling,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    asked: str,
    silent: bool,
) -> None:
    await scheduling.lead()
    app = await four_at_rest(scheduling)
    waits, back = unanswered(monkeypatch, module, asked, silent=silent)
    operation = await scheduling.submit(app, ConfigDelta({"A": "1"}))
    await asyncio.wait_for(waits.wait(), 20)
    await scheduling.cluster.lose("host-1")
    await eventually(lambda: serves_on(scheduling, "host-2", 4), within=15)
    back.set()
    done = await scheduling.ended(operation)
    assert (done.phase, done.reason) == (OpPhase.DONE, "")
    await running_on(scheduling, host_2=4)
    assert all("_v3." in name for name in await scheduling.served())


async def test_copies_are_made_again_before_a_term_has_read_the_database(
    scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scheduling.lead("control-1")
    await four_at_rest(scheduling)
    await scheduling.kill("control-1")
    waits, back = unanswered(monkeypatch, operations, "next_open", silent=True)
    await scheduling.lead("control-2")
    await asyncio.wait_for(waits.wait(), 20)
    await scheduling.cluster.lose("host-1")
    await eventually(lambda: serves_on(scheduling, "host-2", 4), within=15)
    back.set()
    await running_on(scheduling, host_2=4)


async def test_a_new_leader_makes_copies_again_before_the_database_is_back(
    scheduling: Scheduling, postgres: PostgresServer, postgres_back: None
) -> None:
    await scheduling.lead("control-1")
    await scheduling.lead("control-2")
    app = await four_at_rest(scheduling)
    await asyncio.to_thread(postgres.kill)
    await scheduling.kill((await leader(scheduling)).name)
    await scheduling.cluster.lose("host-1")
    await eventually(lambda: serves_on(scheduling, "host-2", 4), within=60)
    assert (await leader(scheduling)).epoch == 0, "it could tell nobody that it leads"
    assert len(await scheduling.placed_on("host-1", RUN)) == 2, "nothing is taken away"
    await asyncio.to_thread(postgres.start)
    await running_on(scheduling, host_2=4)
    await eventually(lambda: stopped(scheduling, "host-1", 2), within=30)
    async with scheduling.database.connection() as conn:
        assert await conn.fetchval("SELECT epoch FROM control") == (await leader(scheduling)).epoch
    await scheduling.deployed(app, web=4)


async def leader(scheduling: Scheduling) -> Leader:
    kv = await scheduling.etcd.get(keys.LEADER)
    assert kv is not None
    return Leader.from_bytes(kv.value)


@pytest.fixture
async def postgres_back(postgres: PostgresServer) -> AsyncIterator[None]:
    """The server runs again when the test is over."""
    yield
    if not postgres.running:
        await asyncio.to_thread(postgres.start)


async def test_a_lone_host_that_is_lost_costs_no_write(scheduling: Scheduling) -> None:
    scheduling.cluster.hosts = ("host-1",)
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=2)
    await scheduling.quiet()
    await scheduling.cluster.lose("host-1", power=False)
    before = await scheduling.etcd.revision()
    await asyncio.sleep(5)
    assert await scheduling.etcd.revision() == before
    await scheduling.cluster.come_back("host-1")
    await running_on(scheduling, host_1=2)
    assert set(await scheduling.placements()) == {web(2, 1), web(2, 2)}


async def test_a_store_that_is_emptied_moves_nothing_though_no_host_is_known(
    scheduling: Scheduling, etcd_server: EtcdMember
) -> None:
    await scheduling.lead()
    await four_at_rest(scheduling)
    before = set(await scheduling.placements())
    scheduling.cluster.away = {"host-1", "host-2"}
    await asyncio.to_thread(etcd_server.wipe)
    await eventually(lambda: same_placements(scheduling, before), within=30)
    await asyncio.sleep(3)
    scheduling.cluster.away = set()
    await running_on(scheduling, host_1=2, host_2=2)
    assert set(await scheduling.placements()) == before
    assert scheduling.cluster.orphans == []


async def same_placements(scheduling: Scheduling, before: set[str]) -> bool:
    return set(await scheduling.placements()) == before


async def test_a_drained_host_is_emptied_while_all_copies_serve(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app, web=4)
    await running_on(scheduling, host_1=2, host_2=2)
    await scheduling.etcd.put(keys.hostconf("host-1"), HostConf(draining=True).to_bytes())
    least = 4

    async def emptied() -> bool:
        nonlocal least
        least = min(least, len(await scheduling.served()))
        return not await scheduling.placed_on("host-1")

    await eventually(emptied, within=30)
    assert least == 4
    await running_on(scheduling, host_2=4)
    await scheduling.etcd.put(keys.hostconf("host-1"), HostConf().to_bytes())
    await scheduling.quiet()
    await running_on(scheduling, host_2=4)


async def test_a_wish_for_a_move_is_carried_out_and_forgotten(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    (host,) = (await scheduling.served()).values()
    to = "host-2" if host == "host-1" else "host-1"
    key = keys.move("hello", web(2))
    await scheduling.etcd.put(key, Move("2026-01-01T00:00:00UTC", to).to_bytes())
    await eventually(is_empty(scheduling, host), within=20)
    assert await scheduling.served() == {web(2, 1, 2): to}
    assert await scheduling.etcd.get(key) is None


async def test_a_wish_for_nothing_is_forgotten(scheduling: Scheduling) -> None:
    await scheduling.lead()
    await scheduling.make_app()
    key = keys.move("hello", web(7))
    await scheduling.etcd.put(key, Move("2026-01-01T00:00:00UTC").to_bytes())

    async def gone() -> bool:
        return await scheduling.etcd.get(key) is None

    await eventually(gone)


async def test_a_single_copy_is_made_again_after_its_host_has_ended_it(
    scheduling: Scheduling,
) -> None:
    clock = asyncio.get_running_loop().time
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.ended(await scheduling.push(app, web="serve", worker="work"))
    await scheduling.configured(app, DEIS_SINGLE="worker")
    await scheduling.deployed(app, worker=1)
    worker = CopyName("hello", 4, "worker", 1)
    await eventually(lambda: worker.container in scheduling.cluster.containers)
    ((host, _),) = [name for name in scheduling.cluster.running if name[1] == worker.container]
    await scheduling.cluster.lose(host, power=False)
    lost = clock()
    second = worker.next_generation().container
    await eventually(lambda: scheduling.is_placed(second), within=20)
    assert clock() - lost >= 3 * 1 + 2
    assert worker.container in await scheduling.placed_on(host, STOP)


async def test_a_restart_of_a_single_copy_ends_the_old_one_first(scheduling: Scheduling) -> None:
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.ended(await scheduling.push(app, worker="work"))
    await scheduling.configured(app, DEIS_SINGLE="worker")
    await scheduling.deployed(app, worker=1)
    seen: list[set[str]] = []
    operation = await scheduling.submit(app, RestartDelta("worker"))

    async def over() -> bool:
        seen.append({name for name in scheduling.cluster.containers if ".worker." in name})
        found = await scheduling.look(operation)
        return found is not None and found.phase.ended

    await eventually(over, within=30)
    assert (await scheduling.ended(operation)).phase is OpPhase.DONE
    assert max(len(names) for names in seen) == 1
    assert seen[-1] == {CopyName("hello", 4, "worker", 1, 2).container}
