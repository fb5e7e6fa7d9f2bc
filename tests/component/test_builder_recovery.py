"""Pushes through deaths: of the builder, of its neighbours, of what is on its disk.

What must hold: a ref is moved if and only if its release is live.
"""

import asyncio
import json
import random
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from deis_control.db.locks import AppLocks
from deis_control.db.pool import Database
from deis_control.model import App
from deis_node.docker.client import Docker
from deis_node.runtime.tasks import Tasks
from tests.fixtures.builder import DEADLINE, Pusher, RunningBuilder
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.registry import RegistryServer
from tests.fixtures.waiting import eventually

TREE = {"Dockerfile": "FROM scratch\nCOPY message /\n", "message": "one\n"}
PROJECT = Path(__file__).parents[2]


@pytest.fixture
async def ann(builder: RunningBuilder) -> Pusher:
    return await builder.pusher("ann")


@pytest.fixture
async def app(builder: RunningBuilder, ann: Pusher) -> App:
    return await builder.app("ann")


def git_refs(builder: RunningBuilder, app: App) -> dict[str, str]:
    argv = ["git", "-C", str(builder.repository(app)), "show-ref"]
    out = subprocess.run(argv, capture_output=True, check=False).stdout.decode()
    return {name: sha for sha, name in (line.split(" ") for line in out.splitlines())}


async def counted(builder: RunningBuilder, query: str) -> int:
    async with builder.database.connection() as conn:
        number: int = await conn.fetchval(query)
        return number


async def queued(builder: RunningBuilder) -> bool:
    return await counted(builder, "SELECT count(*) FROM operations WHERE phase <> 'done'") > 0


class BuilderProcess:
    """Lives of a builder that end by SIGKILL."""

    def __init__(self, builder: RunningBuilder, registry: RegistryServer) -> None:
        self.builder = builder
        self.registry = registry
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        facts = {
            "address": "127.0.0.1:0",
            "state_dir": str(self.builder.settings.state_dir),
            "dsn": self.builder.database.dsn,
            "docker": self.builder.docker.url,
            "registry_port": self.registry.port,
        }
        argv = [sys.executable, "-m", "tests.fixtures.builder_process", json.dumps(facts)]
        with (self.builder.folder / "builder.log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, cwd=PROJECT)
        assert self.process.stdout is not None
        found = rb""
        async with asyncio.timeout(DEADLINE):
            while not re.fullmatch(rb"\d+\n", found):
                found = await asyncio.to_thread(self.process.stdout.readline)
                assert found, (self.builder.folder / "builder.log").read_text()
        self.builder.port = int(found)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()
        self.process = None


@asynccontextmanager
async def killable(
    builder: RunningBuilder, registry: RegistryServer
) -> AsyncIterator[BuilderProcess]:
    process = BuilderProcess(builder, registry)
    await process.start()
    try:
        yield process
    finally:
        if process.process is not None:
            process.kill()


async def test_a_builder_killed_during_the_rollout_moves_the_ref_when_it_is_back(
    builder: RunningBuilder, registry_server: RegistryServer, ann: Pusher, app: App
) -> None:
    builder.leader.paused = True
    commit = ann.commit(TREE)
    async with killable(builder, registry_server) as process:
        push = ann.start_push()
        await eventually(lambda: queued(builder), within=30)
        process.kill()
        await asyncio.to_thread(push.communicate, timeout=30)
        assert push.returncode != 0
        assert git_refs(builder, app) == {}
        builder.leader.paused = False
        await process.start()
        await eventually(lambda: git_refs(builder, app) == {"refs/heads/master": commit})
        assert await builder.accepted(app) == {"refs/heads/master": commit}
        assert (await ann.push()).err == "Everything up-to-date\n"


async def test_a_builder_killed_at_any_moment_leaves_nothing_half_done(
    builder: RunningBuilder, registry_server: RegistryServer, ann: Pusher, app: App
) -> None:
    async with killable(builder, registry_server) as process:
        for turn in range(5):
            commit = ann.commit({**TREE, "message": f"{turn}\n"})
            push = ann.start_push()
            await asyncio.sleep(random.uniform(0.02, 0.6))
            process.kill()
            await asyncio.to_thread(push.communicate, timeout=30)
            await process.start()
            await eventually(lambda: settled(builder, app), within=30)
            again = await ann.push()
            assert again.status == 0, again.err
            assert git_refs(builder, app) == {"refs/heads/master": commit}
            assert await builder.accepted(app) == {"refs/heads/master": commit}
    assert await counted(builder, "SELECT count(*) FROM releases WHERE state = 'pending'") == 0


async def settled(builder: RunningBuilder, app: App) -> bool:
    """Whether nothing is under way and the disk agrees with the database."""
    done = not await queued(builder)
    return done and git_refs(builder, app) == dict(await builder.accepted(app))


async def test_a_builder_that_stops_says_so_and_the_release_goes_on(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    builder.leader.paused = True
    commit = ann.commit(TREE)
    async with builder.running():
        push = ann.start_push()
        await eventually(lambda: queued(builder))
    _, err = await asyncio.to_thread(push.communicate, timeout=30)
    assert b"The builder is being stopped." in err
    assert b"pre-receive hook declined" in err
    builder.leader.paused = False
    async with builder.running():
        await eventually(lambda: git_refs(builder, app) == {"refs/heads/master": commit})


async def test_the_repository_of_a_destroyed_app_is_removed(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    await ann.push()
    ending = await builder.services.apps.accept_destroy(app, await builder.user("ann"))
    await builder.services.operations.wait(ending)
    again = await builder.app("ann")
    async with builder.running():
        await eventually(lambda: not builder.repository(app).exists())
        pushed = await ann.push()
    assert "hello:v2 deployed" in pushed.err
    assert (await builder.accepted(again)).keys() == {"refs/heads/master"}


async def test_an_app_that_is_being_destroyed_takes_no_push(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    async with builder.database.connection() as conn:
        await conn.execute("UPDATE apps SET destroying = true")
    ann.commit(TREE)
    pushed = await ann.push()
    assert pushed.status == 1
    assert " !     The app is being destroyed." in pushed.err


async def test_locks_and_leftovers_of_dead_processes_do_not_stay(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    await ann.push()
    lock = builder.repository(app) / "refs" / "heads" / "master.lock"
    lock.touch()
    leftover = builder.repository(app) / "objects" / "tmp_objdir-incoming-abc"
    leftover.mkdir()
    ann.commit({"message": "two\n"})
    await eventually(lambda: fresh(ann, lock), within=20)
    assert not leftover.exists()


async def fresh(ann: Pusher, lock: Path) -> bool:
    """Whether a push goes through, which it does once the lock is old enough to be dead."""
    await ann.git("ls-remote", ann.url("hello"))
    return not lock.exists() and (await ann.push()).status == 0


async def test_a_registry_that_comes_back_in_time_is_waited_for(
    builder: RunningBuilder, registry_server: RegistryServer, ann: Pusher, app: App
) -> None:
    builder.settings = replace(builder.settings, heartbeat=0.2)
    registry_server.kill()
    ann.commit(TREE)
    async with builder.running():
        push = ann.start_push()
        await asyncio.sleep(1.5)
        await asyncio.to_thread(registry_server.start)
        _, err = await asyncio.to_thread(push.communicate, timeout=60)
    assert push.returncode == 0, err
    assert b"still pushing the image" in err


async def test_an_engine_that_is_away_is_named(
    builder: RunningBuilder, ann: Pusher, app: App
) -> None:
    ann.commit(TREE)
    async with Docker("unix:///nonexistent/docker.sock") as nothing:
        builder.docker = nothing
        async with builder.running():
            pushed = await ann.push()
    assert pushed.status == 1
    assert "The build broke off: the Docker Engine does not answer" in pushed.err


async def test_a_database_that_comes_back_loses_no_push(
    builder: RunningBuilder, postgres: PostgresServer, ann: Pusher, app: App
) -> None:
    builder.leader.paused = True
    commit = ann.commit(TREE)
    push = ann.start_push()
    await eventually(lambda: queued(builder))
    postgres.kill()
    postgres.start()
    builder.leader.paused = False
    _, err = await asyncio.to_thread(push.communicate, timeout=60)
    assert push.returncode == 0, err
    assert await builder.accepted(app) == {"refs/heads/master": commit}


async def test_silence_is_broken_by_a_sign_of_life(
    builder: RunningBuilder, busybox_image: str, ann: Pusher, app: App
) -> None:
    builder.settings = replace(builder.settings, heartbeat=0.3)
    ann.commit({"Dockerfile": f"FROM {busybox_image}\nRUN sleep 1.{random.randint(0, 10**9)}\n"})
    async with builder.running():
        pushed = await ann.push()
    assert pushed.status == 0, pushed.err
    assert "       still building (1 s)" in pushed.err


async def test_a_push_locks_its_app_across_processes(database: Database, app: App) -> None:
    one, other = AppLocks(database.dsn), AppLocks(database.dsn)
    try:
        assert await one.acquire(app.uuid)
        assert not await one.acquire(app.uuid)
        assert not await other.acquire(app.uuid)
        await one.release(app.uuid)
        assert await other.acquire(app.uuid)
        await other.close()
        await eventually(lambda: one.acquire(app.uuid))
    finally:
        await one.close()
        await other.close()


async def test_a_lock_is_let_go_however_its_release_ends(database: Database, app: App) -> None:
    one, other = AppLocks(database.dsn), AppLocks(database.dsn)
    try:
        for steps in range(1, 7):
            another = uuid4()
            assert await one.acquire(app.uuid)
            assert await one.acquire(another)
            async with Tasks() as tasks:
                before = tasks.start("another release", one.release(another))
                releasing = tasks.start("releasing", one.release(app.uuid))
                for _ in range(steps):
                    await asyncio.sleep(0)
                releasing.cancel()
                await before
            await eventually(lambda: other.acquire(app.uuid))
            await other.release(app.uuid)
    finally:
        await one.close()
        await other.close()


async def test_a_lock_is_let_go_when_the_database_has_just_ended_its_session(
    database: Database, app: App
) -> None:
    query = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'deis-control locks' AND datname = current_database()"
    )
    locks = AppLocks(database.dsn)
    try:
        for steps in range(6):
            assert await locks.acquire(app.uuid)
            # Nothing of its end is read meanwhile: the last words, and that they are, come apart.
            argv = ["psql", "-X", "-A", "-t", "-c", query, database.dsn]
            done = subprocess.run(argv, check=True, capture_output=True, timeout=30)
            assert done.stdout == b"t\n"
            for _ in range(steps):
                await asyncio.sleep(0)
            await locks.release(app.uuid)
            await eventually(lambda: locks.acquire(app.uuid))
            await locks.release(app.uuid)
    finally:
        await locks.close()
