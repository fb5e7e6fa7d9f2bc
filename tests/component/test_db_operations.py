"""What the leader and those who submit ask of the database (architecture.md, rules 2 and 6)."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from deis_control.db import (
    apps,
    builds,
    configs,
    control,
    mirror,
    operations,
    refs,
    releases,
    users,
)
from deis_control.db.listen import APPS, OPERATIONS, PHASES
from deis_control.db.pool import Connection, Database
from deis_control.deltas import BuildDelta, ConfigDelta, Delta, RefUpdate, ScaleDelta
from deis_control.errors import Conflict, Fenced, NotFound
from deis_control.model import App, ConfigData, Operation, OpPhase, ReleaseState
from deis_node.cluster.seal import Ring, SealError
from deis_node.runtime.tasks import spawn
from tests.fixtures.waiting import eventually


class World:
    """An app `hello` of bob, and how its operations are taken through."""

    def __init__(self, database: Database, ring: Ring) -> None:
        self.database = database
        self.ring = ring
        self.app: App
        self.epoch = 1

    async def make(self) -> None:
        async with self.database.transaction("test") as conn:
            bob = await users.insert(conn, username="bob", password="-")
            self.app = await apps.insert(conn, uuid4(), "hello", bob.id)
            config = await configs.insert(
                conn, self.ring, self.app, uuid4(), bob.id, ConfigData(values={"A": "1"})
            )
            await self.release(conn, config.uuid, 1, ReleaseState.LIVE)
            await control.raise_epoch(conn)

    async def release(
        self, conn: Connection, config: object, version: int, state: ReleaseState
    ) -> None:
        await releases.insert(
            conn,
            uuid4(),
            self.app.uuid,
            self.app.owner_id,
            version=version,
            summary="",
            config=config,  # type: ignore[arg-type]
            build=None,
            state=state,
        )

    async def submit(self, delta: Delta | None = None, key: str | None = None) -> Operation:
        async with self.database.transaction("test") as conn:
            return await operations.insert(
                conn, self.ring, uuid4(), self.app, delta or ConfigDelta(), self.app.owner_id, key
            )

    async def place(self, operation: Operation, release: int | None = None) -> Operation:
        async with control.fenced(self.database, self.epoch, "test") as conn:
            if release is not None:
                latest = await releases.latest(conn, self.app.uuid)
                await self.release(conn, latest.config, release, ReleaseState.PENDING)
            await operations.place(
                conn, operation, epoch=self.epoch, release=release, plan={"generation": 2}
            )
            return await operations.get(conn, operation.id)

    async def finish(self, operation: Operation, **facts: object) -> None:
        defaults: dict[str, object] = {"structure": None}
        async with control.fenced(self.database, self.epoch, "test") as conn:
            await operations.finish_live(
                conn,
                operation,
                epoch=self.epoch,
                **(defaults | facts),  # type: ignore[arg-type]
            )


@pytest.fixture
async def world(database: Database, ring: Ring) -> World:
    """The app, made."""
    made = World(database, ring)
    await made.make()
    return made


async def test_operations_of_an_app_are_in_order(world: World) -> None:
    first, second = await world.submit(), await world.submit()
    assert (first.seq, second.seq) == (1, 2)
    async with world.database.connection() as conn:
        assert await operations.next_open(conn) == (first,)
        assert await operations.open_of(conn, world.app.uuid) == (first, second)
    await world.finish(await world.place(first))
    async with world.database.connection() as conn:
        assert await operations.next_open_of(conn, world.app.uuid) == second


async def test_each_accepted_change_is_counted(world: World) -> None:
    async with world.database.connection() as conn:
        before = await control.intent_seq(conn)
    await world.submit()
    async with world.database.connection() as conn:
        assert await control.intent_seq(conn) == before + 1


async def test_a_change_is_sealed_for_its_app(world: World, ring: Ring) -> None:
    delta = ScaleDelta({"web": 3})
    operation = await world.submit(delta)
    async with world.database.connection() as conn:
        assert await operations.delta_of(conn, ring, operation) == delta
        with pytest.raises(SealError):
            await operations.delta_of(conn, Ring({"other": b"o" * 32}, "other"), operation)


async def test_a_key_names_one_operation_of_an_app(world: World) -> None:
    operation = await world.submit(key="push:1")
    async with world.database.connection() as conn:
        assert await operations.by_key(conn, world.app.uuid, "push:1") == operation
        assert await operations.by_key(conn, world.app.uuid, "push:2") is None
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.submit(key="push:1")


async def test_an_app_being_destroyed_takes_no_changes(world: World) -> None:
    async with world.database.transaction("test") as conn:
        await apps.set_destroying(conn, world.app.uuid, True)
    with pytest.raises(Conflict):
        await world.submit()


async def test_a_success_makes_release_formation_and_ref_one(world: World) -> None:
    ref = RefUpdate("refs/heads/master", "0" * 40, "a" * 40)
    placed = await world.place(await world.submit(BuildDelta("x", ref)), release=2)
    await world.finish(placed, structure={"web": 2}, ref=ref)
    async with world.database.connection() as conn:
        assert (await releases.latest(conn, world.app.uuid)).version == 2
        assert (await apps.get(conn, world.app.uuid)).structure == {"web": 2}
        assert await refs.of_app(conn, world.app.uuid) == {"refs/heads/master": "a" * 40}
        assert (await operations.get(conn, placed.id)).phase is OpPhase.DONE


async def test_a_failure_keeps_number_and_row_and_is_not_seen(world: World) -> None:
    placed = await world.place(await world.submit(), release=2)
    async with control.fenced(world.database, 1, "test") as conn:
        await operations.finish_failed(conn, placed, epoch=1, reason="no room")
    async with world.database.connection() as conn:
        assert (await releases.latest(conn, world.app.uuid)).version == 1
        assert await releases.highest_version(conn, world.app.uuid) == 2
        failed = await releases.any_state(conn, world.app.uuid, 2)
        assert failed.state is ReleaseState.FAILED
        with pytest.raises(NotFound):
            await releases.live(conn, world.app.uuid, 2)


async def test_a_former_leader_can_write_nothing(world: World) -> None:
    operation = await world.submit()
    async with world.database.transaction("test") as conn:
        assert await control.raise_epoch(conn) == 2
    with pytest.raises(Fenced):
        await world.place(operation)
    world.epoch = 2
    placed = await world.place(operation)
    assert placed.plan == {"generation": 2}
    async with world.database.transaction("test") as conn:
        with pytest.raises(Fenced):
            await operations.set_phase(conn, placed.id, OpPhase.STARTING, epoch=1)


async def test_no_epoch_is_given_twice(world: World) -> None:
    async with world.database.transaction("test") as conn:
        assert await control.raise_epoch(conn, 1) == 2
        assert await control.raise_epoch(conn, 7) == 8
        assert await control.raise_epoch(conn) == 9


async def test_a_new_leader_waits_for_the_writes_of_the_last(world: World) -> None:
    async with asyncio.TaskGroup() as group, control.fenced(world.database, 1, "test"):
        raising = spawn(group, "raise", _raise_epoch(world.database))
        await eventually(lambda: _somebody_waits(world.database))
        assert not raising.done()
    assert raising.result() == 2


async def test_submitting_does_not_wait_for_the_leader(world: World) -> None:
    async with control.fenced(world.database, 1, "test") as conn:
        await conn.execute("SELECT 1")
        await world.submit()


async def test_an_operation_is_placed_and_ended_once(world: World) -> None:
    operation = await world.submit()
    placed = await world.place(operation)
    with pytest.raises(Fenced):
        await world.place(operation)
    await world.finish(placed)
    with pytest.raises(Fenced):
        await world.finish(placed)


async def test_progress_can_be_resumed_anywhere(world: World) -> None:
    operation = await world.submit()
    await world.place(operation)
    async with control.fenced(world.database, 1, "test") as conn:
        await operations.set_phase(
            conn, operation.id, OpPhase.STARTING, epoch=1, text="web.1 on host-1"
        )
    async with world.database.connection() as conn:
        lines = await operations.lines_after(conn, operation.id, 0)
        assert [(line.phase.value, line.text) for line in lines] == [
            ("queued", ""),
            ("placing", ""),
            ("starting", "web.1 on host-1"),
        ]
        assert await operations.lines_after(conn, operation.id, lines[1].seq) == lines[2:]


async def test_cancelling_marks_what_has_not_ended(world: World) -> None:
    done, running = await world.submit(), await world.submit()
    await world.finish(await world.place(done))
    async with world.database.transaction("test") as conn:
        for operation in (done, running):
            await operations.ask_cancel(conn, operation.id)
        found = [await operations.get(conn, operation.id) for operation in (done, running)]
    assert [operation.cancel for operation in found] == [False, True]


async def test_each_change_gives_a_hint(world: World) -> None:
    async with (
        world.database.listen(OPERATIONS) as submitted,
        world.database.listen(PHASES) as moved,
        world.database.listen(APPS) as made,
        world.database.listen(PHASES, str(uuid4())) as other,
    ):
        operation = await world.submit()
        assert await submitted.wait(5)
        assert await moved.wait(5)
        async with world.database.transaction("test") as conn:
            await apps.changed(conn, world.app.uuid)
        assert await made.wait(5)
        await eventually(lambda: str(operation.id) in moved.payloads)
        assert submitted.payloads == {str(world.app.uuid)}
        assert str(operation.id) not in other.payloads


async def test_a_destroyed_app_leaves_nothing(world: World) -> None:
    placed = await world.place(await world.submit(), release=2)
    await world.finish(placed)
    async with world.database.transaction("test") as conn:
        await builds.insert(
            conn, uuid4(), world.app.uuid, world.app.owner_id, image="x", reference=None
        )
    async with control.fenced(world.database, 1, "test") as conn:
        await apps.delete(conn, world.app.uuid)
    async with world.database.connection() as conn:
        for table in ("apps", "configs", "builds", "releases", "operations", "operation_phases"):
            assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_the_target_is_the_latest_live_release(world: World, ring: Ring) -> None:
    async with world.database.connection() as conn:
        target = await releases.latest_target(conn, ring, world.app.uuid)
    assert (target.release.version, target.config.data.values) == (1, {"A": "1"})
    assert target.build is None


async def test_the_mirror_keeps_what_it_is_told(database: Database) -> None:
    async with database.transaction("test") as conn:
        await mirror.put(conn, {"/a/1": b"1", "/a/2": b"2", "/b": b"3"})
        await mirror.put(conn, {"/a/1": b"one"})
        await mirror.delete(conn, ["/a/2"])
        assert await mirror.all_entries(conn) == {"/a/1": b"one", "/b": b"3"}


async def _raise_epoch(database: Database) -> int:
    async with database.transaction("test") as conn:
        return await control.raise_epoch(conn)


async def _somebody_waits(database: Database) -> bool:
    async with database.connection() as conn:
        query = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        query += " WHERE NOT granted AND datname = current_database()"
        return bool(await conn.fetchval(query))
