"""What the leader's workers share for one term."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

import structlog

from deis_control.db.pool import Connection, Database, DatabaseAway
from deis_control.logger.client import Forgotten
from deis_control.scheduler.apply import Store
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.catalogue import Catalogue
from deis_control.scheduler.changes import Change
from deis_control.scheduler.intent import IntentMirror
from deis_control.scheduler.mirror import Mirror
from deis_control.scheduler.settings import SchedulerSettings
from deis_control.scheduler.steps import Place, Step
from deis_control.scheduler.view import ClusterView
from deis_control.scheduler.writes import change_for
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, DeletePrefix, Put, Unavailable
from deis_node.cluster.records import NATIVE, Placement, PlacementState
from deis_node.cluster.seal import Ring
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_T = TypeVar("_T")


class Events(Protocol):
    """Where an app's owner reads what the platform did with it."""

    def send(self, app: str, text: str) -> None:
        """Write an event into the app's log, without waiting."""
        ...

    async def forget(self, app: str) -> Forgotten:
        """Delete the app's log, as far as loggers answer."""
        ...


@dataclass(frozen=True, slots=True)
class Leadership:
    """One term: what it reads from and writes to, and how it is fenced."""

    database: Database
    ring: Ring
    epoch: int
    store: Store
    view: ClusterView
    events: Events
    settings: SchedulerSettings
    catalogue: Catalogue
    intent: IntentMirror
    mirror: Mirror
    envs: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a one-off command is placed, and while configs that nobody needs are deleted."""

    async def learn(self, conn: Connection, app: UUID) -> str | None:
        """Read anew what the database wants of an app; its id, if it is or was known.

        Asked first is whether the database is behind the store: one that was put back a moment
        ago must not have its word before that is known.
        """
        await self.intent.look(conn)
        return await self.catalogue.read(conn, app)

    async def learn_all(self, conn: Connection) -> frozenset[str]:
        """The same for all apps; those that differ from before."""
        await self.intent.look(conn)
        return await self.catalogue.read_all(conn)

    async def carry_out(
        self, app: str, steps: Collection[Step], blueprint: Blueprint | None
    ) -> bool:
        """Write a decision's steps; False when one was refused. Fenced, EtcdError."""
        made: list[tuple[str, Placement]] = []
        make = self._maker(blueprint, made)
        changes = [change_for(app, step, make) for step in steps]
        if any(isinstance(step, Place) and step.succeeds is None for step in steps):
            changes = [*self.env(blueprint), *changes]
        with self.view.reserved(made):
            accepted = await self.store.write(changes)
        for step in steps if accepted else ():
            if isinstance(step, Place) and step.succeeds:
                text = f"{step.copy.process} is made again on {step.host}: {step.why}"
                self.events.send(app, text)
                log.info("copy moves", app=app, process=step.copy.process, host=step.host)
        return accepted

    async def sweep(self, app: str) -> None:
        """Remove what may be left of an app that is gone. Fenced, EtcdError."""
        prefixes = (f"{keys.ENVS}{app}/", keys.services_of(app), keys.runs_of(app))
        images = [keys.prefetch(host, app) for host in self.view.app(app).prefetch]
        changes = [Change((), (DeletePrefix(prefix),)) for prefix in prefixes]
        await self.store.write([*changes, *(Change((), (Delete(key),)) for key in images)])

    def _maker(
        self, blueprint: Blueprint | None, made: list[tuple[str, Placement]]
    ) -> Callable[[Place], Placement]:
        """Makes placements, and notes in `made` on which host each shall be."""
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SUTC")

        def make(step: Place) -> Placement:
            found = like(step)
            found = replace(found, engine=NATIVE if found.single else step.engine)
            made.append((step.host, found))
            return found

        def like(step: Place) -> Placement:
            if step.succeeds is not None:
                return successor_of(step, created)
            assert blueprint is not None, "copies are placed from a blueprint"
            return blueprint.placement(
                step.copy,
                uuid=str(uuid4()),
                created=created,
                grace=self.settings.grace,
                pids=self.settings.pids_limit,
            )

        return make

    def env(self, blueprint: Blueprint | None) -> list[Change]:
        """The release's config, sealed, before the placements that need it."""
        if blueprint is None or blueprint.env_name is None:
            return []
        app, release = blueprint.app, blueprint.release
        sealed = self.ring.seal(blueprint.env, kind="env", app=app, release=release)
        return [Change((), (Put(keys.env(app, release), sealed),))]


def successor_of(step: Place, created: str) -> Placement:
    """The placement of a copy that is made in the place of another; `created` as in records."""
    assert step.succeeds is not None, "it succeeds another"
    return replace(
        step.succeeds.placement,
        generation=step.copy.generation,
        uuid=str(uuid4()),
        created=created,
        state=PlacementState.RUN,
    )


async def patiently(what: str, attempt: Callable[[bool], Awaitable[_T]]) -> _T:
    """Try until PostgreSQL and etcd answer; `attempt` is told whether it is a repetition.

    The end of the term cancels it.
    """
    pause = Backoff(initial=0.05, maximum=1.0)
    again = False
    while True:
        try:
            return await attempt(again)
        except (DatabaseAway, Unavailable) as err:
            log.info("trying again", what=what, reason=str(err))
        again = True
        await pause.wait()


async def pause_until(poke: asyncio.Event, wake: float | None, most: float) -> None:
    """Wait until something changed, the moment `wake` has come, or `most` seconds have passed."""
    now = asyncio.get_running_loop().time()
    seconds = most if wake is None else min(most, max(wake - now, 0.01))
    try:
        async with asyncio.timeout(seconds):
            await poke.wait()
    except TimeoutError:
        return
