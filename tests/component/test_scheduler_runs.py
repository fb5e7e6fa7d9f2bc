"""The leader's care of one-off commands, on a real etcd and PostgreSQL; agents are stand-ins."""

from dataclasses import replace
from uuid import uuid4

import pytest

from deis_control.db import apps, control, runs
from deis_control.deltas import ConfigDelta, DestroyDelta, RestartDelta
from deis_control.errors import NotFound
from deis_control.model import App, OpPhase, Run, RunState
from deis_node.cluster import keys
from deis_node.cluster.names import CopyName
from deis_node.cluster.oneoffs import PIECE, open_command
from deis_node.cluster.records import PlacementState
from tests.fixtures.scheduling import RING, SETTINGS, Scheduling, web
from tests.fixtures.waiting import eventually

RUN_1 = "hello_v2.run.1"


@pytest.fixture
async def leader(scheduling: Scheduling) -> Scheduling:
    await scheduling.lead()
    return scheduling


async def submit(leader: Scheduling, app: App, command: str = "echo secret-word") -> Run:
    """A command, as the API accepts it."""
    async with leader.database.transaction("command") as conn:
        return await runs.insert(conn, RING, uuid4(), app, "ann", command)


async def look(leader: Scheduling, run: Run) -> Run:
    async with leader.database.connection() as conn:
        return await runs.get(conn, RING, run.uuid)


async def ended(leader: Scheduling, run: Run, *, within: float = 20) -> tuple[Run, bytes | None]:
    """The command once it has ended, and what it wrote."""

    async def over() -> bool:
        return (await look(leader, run)).state.ended

    await eventually(over, within=within)
    async with leader.database.connection() as conn:
        return await look(leader, run), await runs.output_of(conn, RING, run)


async def begun(leader: Scheduling, run: Run) -> None:
    """Wait until the command was seen running."""

    async def started() -> bool:
        return (await look(leader, run)).started is not None

    await eventually(started)


async def nothing_left(leader: Scheduling) -> None:
    async def gone() -> bool:
        placed = await leader.placements()
        left = (await leader.etcd.list(keys.RUNS)).items
        instances = (await leader.etcd.list(keys.INSTANCES)).items
        shown = [kv for kv in instances if ".run." in kv.key]
        return not any(".run." in name for name in placed) and not left and not shown

    await eventually(gone, within=15)


async def test_a_command_is_placed_carried_out_and_stored(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    output = bytes(range(256)) * 4096
    leader.cluster.results[RUN_1] = 3, output
    done, found = await ended(leader, await submit(leader, app))
    assert (done.state, done.exit_code, done.reason, done.num) == (RunState.DONE, 3, "", 1)
    assert len(output) > PIECE
    assert found == output
    assert done.release == 2
    assert done.command == "echo secret-word"
    await nothing_left(leader)
    await leader.at_rest(web(2))
    assert (await leader.app(app)).structure == {"web": 1}


async def test_its_placement_has_image_config_and_sealed_arguments(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    await leader.ended(
        await leader.submit(app, ConfigDelta({"A": "1"}, memory={"run": "64M"}, cpu={"run": 512}))
    )
    run = await submit(leader, app)
    await begun(leader, run)
    placed = (await leader.placements())["hello_v3.run.1"]
    assert placed.image == "127.0.0.1:5000/hello@sha256:1234567"
    assert (placed.command, placed.entrypoint) == (None, ("/bin/sh", "-c"))
    assert (placed.env, placed.memory, placed.cpu) == ("hello/3", 64 << 20, 512)
    assert placed.uuid == str(run.uuid)
    assert open_command(RING, placed.copy, str(placed.sealed)) == ("echo secret-word",)
    values = [kv.value for kv in (await leader.etcd.list(keys.ROOT)).items]
    assert not any(b"secret-word" in value for value in values)


async def test_it_is_left_alone_by_deploys_restarts_and_tidying(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    await leader.configured(app, A="1")
    run = await submit(leader, app)
    await begun(leader, run)
    before = (await leader.placements())["hello_v3.run.1"]
    for value in "234":
        assert (await leader.configured(app, A=value)).phase is OpPhase.DONE
    assert (await leader.ended(await leader.submit(app, RestartDelta()))).phase is OpPhase.DONE
    assert (await leader.placements())["hello_v3.run.1"] == before
    assert await leader.etcd.get(keys.env("hello", 3)) is not None
    leader.cluster.results["hello_v3.run.1"] = 0, b"kept"
    done, output = await ended(leader, run)
    assert (done.exit_code, output) == (0, b"kept")


async def test_a_waiting_operation_does_not_hold_it_up(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    leader.cluster.results[RUN_1] = 0, b""
    leader.cluster.paused = True
    operation = await leader.push(app, sha="7654321")

    async def under_way() -> bool:
        return OpPhase.STARTING in await leader.phases(operation)

    await eventually(under_way)
    run = await submit(leader, app)
    leader.cluster.paused = False
    done, _ = await ended(leader, run)
    assert (done.state, done.release) == (RunState.DONE, 2)


@pytest.mark.parametrize("moment", ["queued", "placed", "running", "ended"])
async def test_another_leader_goes_on_where_one_stopped(
    scheduling: Scheduling, moment: str
) -> None:
    await scheduling.lead("one")
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    scheduling.cluster.paused = moment == "placed"
    if moment == "queued":
        await scheduling.kill("one")
    run = await submit(scheduling, app)
    if moment == "placed":
        await eventually(lambda: scheduling.is_placed(RUN_1))
    if moment in ("running", "ended"):
        await begun(scheduling, run)
    if moment != "queued":
        await scheduling.kill("one")
    scheduling.cluster.results[RUN_1] = 5, b"once"
    scheduling.cluster.paused = False
    await scheduling.lead("two")
    done, output = await ended(scheduling, run, within=30)
    assert (done.state, done.exit_code, output) == (RunState.DONE, 5, b"once")
    assert scheduling.cluster.commands == {RUN_1: str(run.uuid)}
    await nothing_left(scheduling)


async def test_what_was_fixed_and_not_placed_is_placed_in_the_same_life_only(
    scheduling: Scheduling,
) -> None:
    await scheduling.lead("one")
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    kv = await scheduling.etcd.get(keys.INCARNATION)
    assert kv is not None
    await scheduling.kill("one")
    same, other = await submit(scheduling, app), await submit(scheduling, app)
    life = scheduling.cluster.incarnation
    assert life is not None
    for run, incarnation in ((same, life.id), (other, "another")):
        async with scheduling.database.transaction("die between") as conn:
            epoch = await control.raise_epoch(conn)
            found = await runs.find_open(conn, run.uuid)
            assert found is not None
            name = CopyName("hello", 2, "run", run.num).container
            await runs.take(
                conn,
                found,
                epoch=epoch,
                release=2,
                host="host-1",
                container=name,
                incarnation=incarnation,
            )
            scheduling.cluster.results[name] = 0, b"ran"
    await scheduling.lead("two")
    assert (await ended(scheduling, same))[0].state is RunState.DONE
    failed, _ = await ended(scheduling, other)
    assert failed.state is RunState.FAILED
    assert "whether the command ran is not known" in failed.reason
    assert scheduling.cluster.commands == {RUN_1: str(same.uuid)}


async def test_an_emptied_store_does_not_run_it_twice(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    run = await submit(leader, app)
    await begun(leader, run)
    await leader.quiet()
    leader.server.wipe()
    leader.cluster.results[RUN_1] = 6, b"survived"
    done, output = await ended(leader, run, within=40)
    assert (done.exit_code, output) == (6, b"survived")
    assert leader.cluster.commands == {RUN_1: str(run.uuid)}
    await nothing_left(leader)


async def test_over_time_it_is_ended_and_says_so(scheduling: Scheduling) -> None:
    scheduling.settings = replace(SETTINGS, run_timeout=2)
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    done, _ = await ended(scheduling, await submit(scheduling, app))
    assert (done.state, done.exit_code) == (RunState.FAILED, 143)
    assert done.reason == "run.1 was stopped after 2 s"
    await nothing_left(scheduling)


async def test_a_host_that_does_not_take_it_up_fails_it_and_never_starts_it(
    scheduling: Scheduling,
) -> None:
    short = replace(SETTINGS, pickup_timeout=2, grace=1, stop_timeout=1)
    scheduling.settings = short
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    scheduling.cluster.paused = True
    done, _ = await ended(scheduling, await submit(scheduling, app))
    assert done.state is RunState.FAILED
    assert "was not taken up by host-" in done.reason
    scheduling.cluster.paused = False
    await nothing_left(scheduling)
    assert scheduling.cluster.commands == {}


async def test_a_host_that_is_gone_fails_it(scheduling: Scheduling) -> None:
    scheduling.settings = replace(SETTINGS, pickup_timeout=2)
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    run = await submit(scheduling, app)
    await begun(scheduling, run)
    scheduling.cluster.hosts = ()
    for host in ("host-1", "host-2"):
        await scheduling.etcd.delete(keys.host(host))
    failed, _ = await ended(scheduling, run)
    assert failed.state is RunState.FAILED
    assert "does not answer any more" in failed.reason
    await nothing_left(scheduling)


async def test_without_any_host_it_waits_and_then_says_why(scheduling: Scheduling) -> None:
    scheduling.settings = replace(SETTINGS, pickup_timeout=2)
    await scheduling.lead()
    app = await scheduling.make_app()
    await scheduling.deployed(app)
    scheduling.cluster.hosts = ()
    for host in ("host-1", "host-2"):
        await scheduling.etcd.delete(keys.host(host))
    failed, _ = await ended(scheduling, await submit(scheduling, app))
    assert failed.reason == "no host takes run.1: no host is alive"


async def test_a_destroyed_app_ends_its_commands_first(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    run = await submit(leader, app)
    await begun(leader, run)
    async with leader.database.transaction("destroy") as conn:
        await apps.set_destroying(conn, app.uuid, True)
    failed, _ = await ended(leader, run)
    assert (failed.state, failed.reason) == (RunState.FAILED, "the app was destroyed")
    await nothing_left(leader)


async def test_an_app_goes_when_its_commands_have_gone(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    run = await submit(leader, app)
    await begun(leader, run)
    destroy = await leader.submit(app, DestroyDelta())
    async with leader.database.transaction("destroy") as conn:
        await apps.set_destroying(conn, app.uuid, True)
    await leader.ended(destroy)
    assert await leader.placements() == {}
    assert (await leader.etcd.list(keys.RUNS)).items == ()
    with pytest.raises(NotFound):
        await look(leader, run)


async def test_a_command_without_a_row_is_ended(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    await begun(leader, await submit(leader, app))
    async with leader.database.transaction("gone") as conn:
        await apps.delete(conn, app.uuid)
    await nothing_left(leader)


async def test_only_the_newest_outputs_are_kept(
    leader: Scheduling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "OUTPUTS", 2)
    app = await leader.make_app()
    await leader.deployed(app)
    made = []
    for num in range(1, 4):
        leader.cluster.results[f"hello_v2.run.{num}"] = 0, b"x"
        made.append(await submit(leader, app))
        await ended(leader, made[-1])
    assert [(await ended(leader, run))[1] for run in made] == [None, b"x", b"x"]


async def test_many_at_once_are_spread_and_all_end(leader: Scheduling) -> None:
    app = await leader.make_app()
    await leader.deployed(app)
    made = [await submit(leader, app) for _ in range(10)]
    for run in made:
        await begun(leader, run)
    listing = await leader.etcd.list(keys.PLACEMENTS)
    hosts = [kv.key.split("/")[3] for kv in listing.items if ".run." in kv.key]
    assert sorted(map(hosts.count, set(hosts))) == [5, 5]
    states = (await leader.placements(PlacementState.RUN)).values()
    assert sum(item.type == "run" for item in states) == 10
    for run in made:
        leader.cluster.results[f"hello_v2.run.{run.num}"] = run.num, b"%d" % run.num
    found = [await ended(leader, run) for run in made]
    assert [(run.exit_code, output) for run, output in found] == [
        (run.num, b"%d" % run.num) for run in made
    ]
    await nothing_left(leader)
