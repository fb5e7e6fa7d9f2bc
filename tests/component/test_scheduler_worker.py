"""An app's worker between operations, with a real PostgreSQL; the store is a stand-in."""

import asyncio
from collections.abc import Collection
from types import SimpleNamespace
from typing import cast
from uuid import UUID, uuid4

import pytest

from deis_control.db import apps, builds, configs, releases, users
from deis_control.db.pool import Connection, Database
from deis_control.errors import Fenced
from deis_control.model import App, ConfigData, Operation, Release, ReleaseState
from deis_control.model import Target as ReleaseTarget
from deis_control.scheduler import worker as workers
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.catalogue import Catalogue
from deis_control.scheduler.leadership import Leadership
from deis_control.scheduler.settings import SchedulerSettings
from deis_control.scheduler.snapshot import AppKeys
from deis_control.scheduler.steps import Place, Step
from deis_control.scheduler.worker import Worker
from deis_control.scheduler.world import Limits, Target, World
from deis_node.cluster.seal import Ring
from tests.fixtures.scheduling import RING
from tests.worlds import make_world


class StandInTerm:
    """A term with an empty store; it ends with the first write."""

    ring = RING
    settings = SchedulerSettings()
    intent = SimpleNamespace(behind=False)

    def __init__(self, database: Database | None = None) -> None:
        self.database = database
        self.catalogue = Catalogue()
        self.written: list[tuple[set[int], int]] = []
        """The releases of the copies that were placed, and the blueprint's."""
        self.store = self.view = self
        self.trusted = 0

    async def trust(self) -> None:
        """The store is trusted."""
        self.trusted += 1

    def app(self, _: str) -> AppKeys:
        return AppKeys()

    def snapshot(self, _: str, target: Target | None, limits: Limits) -> World:
        return make_world(target, limits=limits)

    async def carry_out(self, _: str, steps: Collection[Step], blueprint: Blueprint | None) -> bool:
        placed = {step.copy.release for step in steps if isinstance(step, Place)}
        self.written.append((placed, blueprint.release if blueprint else 0))
        raise Fenced

    async def work(self, worker: Worker | None = None) -> None:
        """Let an app's worker work until the term ends."""
        with pytest.raises(Fenced):
            await (worker or self.worker()).run()

    def worker(self) -> Worker:
        return Worker(cast(Leadership, self), "hello")


async def make_app(conn: Connection) -> App:
    """An app of one copy, with a live release 1."""
    user = (await users.insert(conn, username="ann", password="x")).id
    app = await apps.insert(conn, uuid4(), "hello", user)
    await apps.set_structure(conn, app.uuid, {"web": 1})
    await add_release(conn, app, user, 1)
    return app


async def add_release(conn: Connection, app: App, user: int, version: int) -> None:
    image = f"hello:{version}"
    build = await builds.insert(conn, uuid4(), app.uuid, user, image=image, reference=None)
    config = await configs.insert(conn, RING, app, uuid4(), user, ConfigData())
    await releases.insert(
        conn,
        uuid4(),
        app.uuid,
        user,
        version=version,
        summary="made",
        config=config.uuid,
        build=build.uuid,
        state=ReleaseState.LIVE,
    )


@pytest.fixture
async def term(database: Database) -> StandInTerm:
    """A term that knows of release 1, while the database has release 2 already."""
    term = StandInTerm(database)
    async with database.transaction("make app") as conn:
        app = await make_app(conn)
        await term.catalogue.read(conn, app.uuid)
        user = (await users.find(conn, "ann")).id
        await add_release(conn, app, user, 2)
    return term


async def test_copies_are_made_of_the_release_that_they_are_named_for(term: StandInTerm) -> None:
    await term.work()
    assert term.written == [({1}, 1)]


async def test_the_store_is_looked_at_anew_when_a_release_was_loaded(
    term: StandInTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = releases.target

    async def loaded(conn: Connection, ring: Ring, app: App, release: Release) -> ReleaseTarget:
        term.trusted = 0
        return await load(conn, ring, app, release)

    monkeypatch.setattr(releases, "target", loaded)
    await term.work()
    assert term.trusted == 1, "copies of lost hosts may have been made again meanwhile"


async def test_a_release_that_came_while_one_was_loaded_is_looked_at_anew(
    term: StandInTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = releases.target

    async def slow(conn: Connection, ring: Ring, app: App, release: Release) -> ReleaseTarget:
        await term.catalogue.read(conn, app.uuid)
        return await load(conn, ring, app, release)

    monkeypatch.setattr(releases, "target", slow)
    await term.work()
    assert term.written == [({2}, 2)]


async def test_an_app_that_was_made_again_has_its_first_operation_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (_operation(UUID(int=n)) for n in (1, 2))
    ran: list[UUID] = []

    class StandInRollout:
        def __init__(self, _: object, operation: Operation, __: object) -> None:
            self.id = operation.id

        async def run(self) -> None:
            ran.append(self.id)

    async def learn(worker: Worker, _: UUID) -> None:
        if second.id in ran:
            raise Fenced
        worker.offer(second)
        worker.offer(first)

    monkeypatch.setattr(workers, "Rollout", StandInRollout)
    monkeypatch.setattr(Worker, "_learn", learn)
    term = StandInTerm()
    worker = term.worker()
    worker.offer(first)
    async with asyncio.timeout(5):
        await term.work(worker)
    assert ran == [first.id, second.id]


def _operation(app: UUID) -> Operation:
    facts = {"id": uuid4(), "app": app, "app_id": "hello", "seq": 1, "cancel": False}
    return cast(Operation, SimpleNamespace(**facts))
