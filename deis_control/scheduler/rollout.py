"""One operation from placing to done or failed.

Everything is rebuilt from the operation's row and the store, so a new leader goes on where the
last one stopped. What is waited for is waited for by events; PostgreSQL and etcd may go away at
any line and are asked again when they are back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple, TypeVar
from uuid import UUID

import structlog

from deis_control.db import apps, control, operations, releases
from deis_control.db.listen import PHASES
from deis_control.db.pool import Connection
from deis_control.deltas import BuildDelta
from deis_control.errors import NotFound
from deis_control.model import Kind, Operation, OpPhase
from deis_control.scheduler.blueprint import Blueprint, complaints
from deis_control.scheduler.caretaking import looked_after
from deis_control.scheduler.changes import Change
from deis_control.scheduler.deciding import Refused
from deis_control.scheduler.formation import Plan
from deis_control.scheduler.leadership import Leadership, patiently, pause_until
from deis_control.scheduler.placing import Placing, place
from deis_control.scheduler.plan import Decision, End, plan_app
from deis_control.scheduler.progress import Progress
from deis_control.scheduler.steps import DropRoute, PutRoute, Stop
from deis_control.scheduler.world import Limits, Target
from deis_node.cluster import keys
from deis_node.cluster.etcd import EtcdError, Put, Unavailable
from deis_node.cluster.records import RecordError
from deis_node.cluster.seal import SealError
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_T = TypeVar("_T")

_MIRROR = 2.0
"""Seconds that a rollout waits for the mirror before traffic moves or copies end."""

_STORE_PATIENCE = 5.0
"""Seconds after which people are told that the store takes no writes."""

_NO_WRITES = "etcd takes no writes; `etcdctl alarm list` shows whether it is full"

_REFUSALS = 30
"""How often in a row the store may refuse new copies, with pauses of up to a second."""

_LOGGER = 60.0
"""Seconds that the end of an app waits for a logger that is away."""

_CANCELLED = "the change was cancelled"


class _Work(NamedTuple):
    """A placed operation."""

    operation: Operation
    plan: Plan | None
    blueprint: Blueprint | None


class Rollout:
    """The execution of one operation; `poke` is set whenever the app's world has changed."""

    def __init__(self, lead: Leadership, operation: Operation, poke: asyncio.Event) -> None:
        self._lead = lead
        self._operation = operation
        self._poke = poke
        self._progress = Progress(lead.database, operation.id, epoch=lead.epoch)
        self._written = 0
        self._refusals = 0
        self.cancel = operation.cancel
        """Somebody asked for its end."""

    @property
    def id(self) -> UUID:
        """Which operation this is."""
        return self._operation.id

    async def run(self) -> None:
        """Carry the operation out. Fenced when the term is over."""
        work = await self._placed()
        if work is None:
            return
        async with Tasks() as tasks:
            tasks.start(f"progress {self._operation.id}", self._progress.run())
            try:
                decision = await self._roll(work)
            except Refused as err:
                await self._fail(work.operation, str(err))
                return
            if decision.end is End.FAILED:
                await self._fail(work.operation, decision.sentence)
            else:
                await self._succeed(work)

    async def _placed(self) -> _Work | None:
        """The operation, placed now or before; None when it ended there."""
        if self._operation.phase is not OpPhase.QUEUED:
            return await self._patiently("load operation", self._load)
        if self.cancel:
            await self._fail(self._operation, _CANCELLED)
            return None
        try:
            return await self._patiently("place operation", self._place)
        except (Refused, SealError, RecordError) as err:
            await self._fail(self._operation, str(err))
            return None

    async def _patiently(self, what: str, attempt: Callable[[bool], Awaitable[_T]]) -> _T:
        """Wait for PostgreSQL; copies of lost hosts do not wait with it."""
        apps = (self._operation.app_id,)
        return await looked_after(self._lead, lambda: apps, patiently(what, attempt))

    async def _place(self, again: bool) -> _Work:
        operation, lead = self._operation, self._lead
        await lead.store.trust()
        placed = lead.view.app(operation.app_id).placed.values()
        async with control.fenced(lead.database, lead.epoch, "place operation") as conn:
            if again:
                operation = await operations.get(conn, operation.id)
            if operation.phase is not OpPhase.QUEUED:
                return await self._loaded(conn, operation)
            if lead.catalogue.get(operation.app_id) is None:
                await lead.catalogue.read(conn, operation.app)
            made = await place(conn, lead.ring, operation, epoch=lead.epoch, placed=list(placed))
        return self._told(operation, made)

    def _told(self, operation: Operation, made: Placing) -> _Work:
        """Tell the app's owner what was placed."""
        plan, app = made.plan, operation.app_id
        if made.summary:
            self._lead.events.send(app, made.summary)
        if made.blueprint is not None and operation.kind is Kind.CONFIG:
            for text in complaints(made.blueprint.config.values):
                self._lead.events.send(app, text)
        release = plan.release if plan and plan.new_release else None
        log.info("operation placed", app=app, kind=operation.kind.value, release=release)
        return _Work(replace(operation, release=release), plan, made.blueprint)

    async def _load(self, _: bool) -> _Work:
        async with self._lead.database.connection() as conn:
            return await self._loaded(conn, await operations.get(conn, self._operation.id))

    async def _loaded(self, conn: Connection, operation: Operation) -> _Work:
        """A placed operation's plan and blueprint."""
        await self._lead.learn(conn, operation.app)
        if operation.kind is Kind.DESTROY:
            return _Work(operation, None, None)
        plan = Plan.from_plain(operation.plan)
        app = await apps.get(conn, operation.app)
        release = await releases.any_state(conn, operation.app, plan.release)
        target = await releases.target(conn, self._lead.ring, app, release)
        return _Work(operation, plan, Blueprint.of(target))

    async def _roll(self, work: _Work) -> Decision:
        """Look, decide and act until the operation has come to its end.

        Refused when the store does not take the new copies.
        """
        timers: dict[str, float] = {}
        pause = Backoff(initial=0.02, maximum=1.0)
        await self._settled(work.operation)
        while True:
            self._poke.clear()
            await self._lead.store.trust()
            decision = self._decide(work, timers)
            timers = dict(decision.timers)
            if not await self._act(work, decision):
                self._check_refusals(decision)
                await pause.wait()
            elif decision.end is not None:
                return decision
            elif not decision.steps:
                pause.reset()
                await pause_until(self._poke, decision.wake, self._lead.settings.look)

    async def _settled(self, operation: Operation) -> None:
        """Wait until the store knows of the change; say so when it takes no writes."""
        settled = self._lead.intent.settled
        try:
            async with asyncio.timeout(_STORE_PATIENCE):
                await settled()
        except TimeoutError:
            queued = operation.phase is OpPhase.QUEUED
            self._progress.note(OpPhase.PLACING if queued else operation.phase, _NO_WRITES)
            await settled()

    def _decide(self, work: _Work, timers: dict[str, float]) -> Decision:
        lead, app = self._lead, work.operation.app_id
        world = lead.view.snapshot(app, self._target(work), self._limits(work))
        may_remove = not lead.intent.behind or work.operation.kind is Kind.DESTROY
        world = replace(world, cancel=self.cancel, timers=timers, may_remove=may_remove)
        decision = plan_app(world)
        if decision.end is None:
            self._progress.say(decision.phase, decision.sentence)
        for note in decision.notes:
            self._progress.note(decision.phase, note)
        return decision

    def _limits(self, work: _Work) -> Limits:
        """How long is waited for what; the app's own word goes before the settings."""
        limits = self._lead.settings.limits()
        asked = work.blueprint.tuning.deploy_timeout if work.blueprint else None
        return limits if asked is None else replace(limits, deploy=asked)

    def _target(self, work: _Work) -> Target | None:
        plan, blueprint = work.plan, work.blueprint
        if plan is None or blueprint is None:
            return None
        desired = self._lead.catalogue.get(work.operation.app_id)
        domains = desired.domains if desired else ()
        return Target(
            copies=plan.copies,
            route=blueprint.route(domains, drain=self._lead.settings.drain),
            fresh=plan.fresh,
            old=plan.old,
            new_release=plan.new_release,
            tags=blueprint.config.tags,
            memory=blueprint.memory,
            batches=blueprint.tuning.batches,
            workers=blueprint.tuning.workers,
            single=blueprint.single,
            cpu=blueprint.config.cpu,
            arch=blueprint.arch,
        )

    async def _act(self, work: _Work, decision: Decision) -> bool:
        """Carry the steps out; False when that is to be decided anew.

        What moves traffic or ends copies waits for the mirror, so that a store that is lost
        right then comes back with the new copies in it.
        """
        if not decision.steps:
            return True
        lead, app = self._lead, work.operation.app_id
        if any(isinstance(step, PutRoute | DropRoute | Stop) for step in decision.steps):
            await lead.mirror.covers(self._written, within=_MIRROR)
        try:
            accepted = await lead.carry_out(app, decision.steps, work.blueprint)
        except Unavailable as err:
            log.info("etcd is away", app=app, reason=str(err))
            return False
        except EtcdError as err:
            if decision.phase is OpPhase.PLACING:
                raise Refused(f"the cluster's store refused the change: {err}") from err
            raise
        self._written = lead.store.revision
        if accepted:
            self._refusals = 0
        else:
            self._refusals += 1
        return accepted

    def _check_refusals(self, decision: Decision) -> None:
        """Give up when the store says again and again that the names of new copies are taken."""
        if decision.phase is OpPhase.PLACING and self._refusals > _REFUSALS:
            raise Refused("the cluster's store refused the change: the copies' names are taken")

    async def _succeed(self, work: _Work) -> None:
        async def attempt(again: bool) -> None:
            async with self._ending("operation done", again=again) as conn:
                if conn is not None:
                    await self._finish(conn, work)

        if work.plan is None:
            await patiently("sweep app", self._sweep)
            await self._forget_log(work.operation.app_id)
        await self._patiently("operation done", attempt)
        log.info("operation done", app=work.operation.app_id, kind=work.operation.kind.value)

    async def _forget_log(self, app: str) -> None:
        """Delete the log before the id is free: whoever takes it next must not read it.

        A logger that stays away does not hold the app's end up for ever: it is left a word in the
        store, which it follows when it is there again.
        """
        deadline = asyncio.get_running_loop().time() + _LOGGER
        pause = Backoff(initial=0.2, maximum=5.0)
        found = await self._lead.events.forget(app)
        while not found.told and asyncio.get_running_loop().time() < deadline:
            await pause.wait()
            found = await self._lead.events.forget(app)
        if not (found.told or found.left):
            log.error("the log of a destroyed app stays: no logger is known", app=app)
        if found.left:
            log.warning("a log is deleted later", app=app, loggers=found.left)
            await patiently("leave word", lambda _: self._leave_word(app, found.left))

    async def _leave_word(self, app: str, loggers: Sequence[str]) -> None:
        puts = tuple(Put(keys.log_deleted(name, app), b"") for name in loggers)
        await self._lead.store.write([Change((), puts)])

    async def _sweep(self, _: bool) -> None:
        await self._lead.sweep(self._operation.app_id)

    async def _finish(self, conn: Connection, work: _Work) -> None:
        operation, lead = work.operation, self._lead
        if work.plan is None:
            await apps.delete(conn, operation.app)
            await control.notify(conn, PHASES, str(operation.id))
            return
        delta = await operations.delta_of(conn, lead.ring, operation)
        ref = delta.ref if isinstance(delta, BuildDelta) else None
        plan = work.plan
        await operations.finish_live(
            conn,
            operation,
            epoch=lead.epoch,
            structure=None if operation.kind is Kind.RESTART else plan.structure,
            stopped=plan.stopped,
            ref=ref,
        )

    async def _fail(self, operation: Operation, reason: str) -> None:
        async def attempt(again: bool) -> None:
            async with self._ending("operation failed", again=again) as conn:
                if conn is not None:
                    epoch = self._lead.epoch
                    await operations.finish_failed(conn, operation, epoch=epoch, reason=reason)

        await self._patiently("operation failed", attempt)
        self._lead.events.send(operation.app_id, reason)
        log.info("operation failed", app=operation.app_id, reason=reason.partition("\n")[0])

    @asynccontextmanager
    async def _ending(self, desc: str, *, again: bool) -> "AsyncIterator[Connection | None]":
        """The transaction that ends the operation; None when an earlier try did so unheard."""
        lead, operation = self._lead, self._operation
        async with self._progress.writing:
            async with control.fenced(lead.database, lead.epoch, desc) as conn:
                if again and await _has_ended(conn, operation):
                    yield None
                else:
                    await self._progress.rest(conn)
                    yield conn
            self._progress.forget()


async def _has_ended(conn: Connection, operation: Operation) -> bool:
    try:
        return (await operations.get(conn, operation.id)).phase.ended
    except NotFound:
        return True
