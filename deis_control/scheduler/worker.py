"""One app's worker: its operations in order, and its steady state between them."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import structlog

from deis_control.db import apps, operations, releases
from deis_control.db.desired import Desired
from deis_control.db.pool import DatabaseAway
from deis_control.errors import Fenced, NotFound
from deis_control.model import Operation
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.caretaking import looked_after
from deis_control.scheduler.catalogue import rest_target
from deis_control.scheduler.changes import Change
from deis_control.scheduler.leadership import Leadership, pause_until
from deis_control.scheduler.plan import Decision, End, plan_app
from deis_control.scheduler.rollout import Rollout
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, EtcdError
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_T = TypeVar("_T")


class Worker:
    """Works on one app until there is nothing to do; the leader makes a new one then."""

    def __init__(self, lead: Leadership, app: str) -> None:
        self._lead = lead
        self.app = app
        self._poke = asyncio.Event()
        self._next: Operation | None = None
        self._rollout: Rollout | None = None
        self._broken: UUID | None = None
        """The app whose state in PostgreSQL is to be read anew: an operation ran, or broke off."""
        self._ended: dict[UUID, int] = {}
        """Each app's last operation that ended: an app may be made again under the same id."""
        self._sentence = ""
        self._timers: dict[str, float] = {}

    def poke(self) -> None:
        """Something of the app, or of all, has changed."""
        self._poke.set()

    def offer(self, operation: Operation) -> None:
        """Take the app's first unfinished operation."""
        if operation.seq <= self._ended.get(operation.app, -1):
            return
        if self._rollout is not None and self._rollout.id == operation.id:
            if operation.cancel and not self._rollout.cancel:
                self._rollout.cancel = True
                self._poke.set()
            return
        self._next = operation
        self._poke.set()

    async def run(self) -> None:
        """Work; returns when the app is as it should be. Fenced when the term is over."""
        pause = Backoff(initial=0.1, maximum=5.0)
        while True:
            try:
                if await self._turn():
                    return
                pause.reset()
                continue
            except Fenced:
                raise
            except (DatabaseAway, EtcdError) as err:
                log.info("app waits", app=self.app, reason=str(err))
            except Exception as err:
                log.error("app failed", app=self.app, error=str(err), exc_info=err)
            await self._looked_after(pause.wait())

    async def _turn(self) -> bool:
        """One operation, or the steady state until one comes; whether nothing is left to do."""
        if self._broken is not None:
            await self._looked_after(self._learn(self._broken))
            await self._looked_after(self._tidy(self._broken))
            self._broken = None
        if self._next is None:
            return await self._rest()
        operation, self._next = self._next, None
        self._rollout, self._broken = Rollout(self._lead, operation, self._poke), operation.app
        try:
            await self._rollout.run()
        finally:
            self._rollout = None
        self._ended[operation.app], self._timers = operation.seq, {}
        return False

    async def _looked_after(self, work: Awaitable[_T]) -> _T:
        """Wait for PostgreSQL, or before it is asked again; copies of lost hosts do not wait."""
        return await looked_after(self._lead, lambda: (self.app,), work)

    async def _learn(self, app: UUID) -> None:
        """Learn what the operation changed, and what comes next."""
        async with self._lead.database.connection() as conn:
            following = await operations.next_open_of(conn, app)
            await self._lead.learn(conn, app)
        if following is not None:
            self.offer(following)

    async def _rest(self) -> bool:
        """Keep the app as it should be; False when an operation came, True when it is so."""
        pause = Backoff(initial=0.05, maximum=2.0)
        while self._next is None:
            self._poke.clear()
            await self._lead.store.trust()
            blueprint = None
            decision = rest_decision(self._lead, self.app, None, self._timers)
            desired = self._lead.catalogue.get(self.app)
            if decision is None and desired is not None:
                blueprint = await self._looked_after(self._blueprint(desired))
                await self._lead.store.trust()  # What a look has written meanwhile may be unseen.
                if self._lead.catalogue.get(self.app) != desired:
                    continue
                decision = rest_decision(self._lead, self.app, blueprint, self._timers)
            if decision is None:
                continue
            self._timers = dict(decision.timers)
            self._say(decision)
            if not await self._lead.carry_out(self.app, decision.steps, blueprint):
                await pause.wait()
            elif not decision.steps:
                if decision.end is End.DONE:
                    return self._next is None
                pause.reset()
                await pause_until(self._poke, decision.wake, self._lead.settings.look)
        return False

    async def _blueprint(self, desired: Desired) -> Blueprint:
        """Of exactly the desired release: the database may have a later one by now."""
        async with self._lead.database.connection() as conn:
            app = await apps.get(conn, desired.uuid)
            release = await releases.live(conn, desired.uuid, desired.release)
            target = await releases.target(conn, self._lead.ring, app, release)
        return Blueprint.of(target)

    async def _tidy(self, app: UUID) -> None:
        """Delete configs that are needed no more, unless a change follows.

        Without PostgreSQL that waits for the app's next change: looking after copies does not.
        """
        desired = self._lead.catalogue.get(self.app)
        if desired is None or self._next is not None:
            return
        try:
            await self._delete_stale(app, desired)
        except DatabaseAway as err:
            log.info("configs are not tidied", app=self.app, reason=str(err))

    async def _delete_stale(self, app: UUID, desired: Desired) -> None:
        """Delete configs that no placement needs and that no rollback goes back to soon."""
        async with self._lead.envs:
            await self._lead.store.trust()
            keep = await self._kept(app, desired)
            listing = await self._lead.store.list(f"{keys.ENVS}{self.app}/")
            stale = [kv.key for kv in listing.items if kv.key not in keep]
            await self._lead.store.write(Change((), (Delete(key),)) for key in stale)

    async def _kept(self, app: UUID, desired: Desired) -> set[str]:
        """The configs of the last two live releases, and those that placements name."""
        kept = {keys.env(self.app, desired.release)}
        async with self._lead.database.connection() as conn:
            try:
                before = await releases.before(conn, app, desired.release)
                kept.add(keys.env(self.app, before.version))
            except NotFound:
                pass
        found = self._lead.view.app(self.app)
        placed = (*found.placed.values(), *found.runs.values())
        return kept | {keys.ENVS + item.placement.env for item in placed if item.placement.env}

    def _say(self, decision: Decision) -> None:
        if decision.sentence != self._sentence:
            self._sentence = decision.sentence
            log.info("app looked at", app=self.app, sentence=decision.sentence)


def rest_decision(
    lead: Leadership, app: str, blueprint: Blueprint | None, timers: dict[str, float]
) -> Decision | None:
    """What an app without an operation needs; None when the release's blueprint must tell."""
    world = lead.view.snapshot(app, None, lead.settings.limits())
    world = replace(world, may_remove=not lead.intent.behind)
    desired, target = lead.catalogue.get(app), None
    if desired is not None:
        target = rest_target(desired, world, lead.settings.drain, blueprint)
        if target is None:
            return None
    return plan_app(replace(world, target=target, timers=timers))
