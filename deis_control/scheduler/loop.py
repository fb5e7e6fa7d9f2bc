"""The scheduler of one control process: a candidate, and while elected the leader."""

import asyncio
from uuid import UUID

import structlog

from deis_control.db import control, operations
from deis_control.db.listen import APPS, OPERATIONS
from deis_control.db.migrate import migrate
from deis_control.db.pool import Database, DatabaseAway
from deis_control.errors import Fenced
from deis_control.model import Operation
from deis_control.scheduler.apply import Store
from deis_control.scheduler.caretaking import Caretaker, looked_after
from deis_control.scheduler.catalogue import Catalogue
from deis_control.scheduler.intent import IntentMirror
from deis_control.scheduler.leadership import Events, Leadership, patiently
from deis_control.scheduler.mirror import Mirror
from deis_control.scheduler.plan import End
from deis_control.scheduler.prefetching import Prefetching
from deis_control.scheduler.restore import Known, Restoration
from deis_control.scheduler.runs import Runs
from deis_control.scheduler.settings import SchedulerSettings
from deis_control.scheduler.swarm_sync import SwarmSync
from deis_control.scheduler.view import ClusterView
from deis_control.scheduler.worker import Worker, rest_decision
from deis_node.cluster.election import Election, Term
from deis_node.cluster.etcd import Etcd, EtcdError
from deis_node.cluster.records import Incarnation, Leader
from deis_node.cluster.seal import Ring
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import Tasks, spawn

log = structlog.get_logger()

_SURE = 2.0
"""Seconds for PostgreSQL to answer a leader that was just elected, before it begins without."""


class Scheduler:
    """Takes part in the election and leads when elected; `run` goes on until cancelled."""

    def __init__(
        self,
        db: Database,
        etcd: Etcd,
        ring: Ring,
        events: Events,
        settings: SchedulerSettings,
        name: str,
        view: ClusterView,
    ) -> None:
        """`view` must be kept running by the caller; `name` tells this process from others."""
        self._database = db
        self._etcd = etcd
        self._ring = ring
        self._events = events
        self._settings = settings
        self._name = name
        self._view = view
        self._epoch = 0
        self._known = Known()

    async def run(self) -> None:
        """Lead one term after the other."""
        election = Election(self._etcd, self._name, self._settings.ttl)
        pause = Backoff(initial=0.05, maximum=2.0)
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                async with election.campaign(self._declare) as term:
                    await self._lead(term)
            except (EtcdError, DatabaseAway) as err:
                log.info("term not begun", reason=str(err))
            if clock() - began > self._settings.ttl:
                pause.reset()
            await pause.wait()

    async def _declare(self) -> bytes:
        """Raise the epoch: from now on whatever a former leader still writes is refused.

        While PostgreSQL is away there is none yet, and `_take_care` comes before the term's work.
        """
        try:
            async with asyncio.timeout(_SURE):
                self._epoch = await self._raise_epoch()
        except (DatabaseAway, TimeoutError) as err:
            log.warning("leading without a database", reason=str(err) or "it does not answer")
            self._epoch = 0
        return Leader(self._name, self._epoch).to_bytes()

    async def _raise_epoch(self) -> int:
        async with self._database.transaction("raise epoch") as conn:
            return await control.raise_epoch(conn, max(self._epoch, self._view.epoch))

    async def _take_care(self, term: Term) -> None:
        """Until PostgreSQL is back and the epoch is raised, make up for lost hosts only."""
        await self._view.reload()
        found = self._view.incarnation
        async with Tasks() as tasks:
            if found is not None and self._goes_on(found):
                store = Store(self._etcd, self._view, term, found)
                caretaker = Caretaker(self._view, store, self._events, self._settings)
                tasks.start("caretaker", caretaker.run())
            self._epoch = await patiently("raise epoch", lambda _: self._raise_own(term))
        value = Leader(self._name, self._epoch).to_bytes()
        if not await patiently("tell the epoch", lambda _: term.declare(value)):
            raise Fenced("another leads")
        log.info("leading with a database again", epoch=self._epoch)

    async def _raise_own(self, term: Term) -> int:
        """Raise the epoch while the term lasts: not over that of a leader who followed."""
        if not await term.is_held():
            raise Fenced("another leads")
        return await self._raise_epoch()

    def _goes_on(self, found: Incarnation) -> bool:
        """Whether the store is in the life that this process knows, or a later one."""
        known = self._known
        if found.id == known.incarnation:
            return self._view.revision >= known.revision
        return not known.incarnation or found.follows(known.incarnation)

    async def _lead(self, term: Term) -> None:
        """Lead until the term is lost; then everything stops at once."""
        log.info("leading", epoch=self._epoch)
        async with Tasks() as tasks:
            tasks.start(f"term {self._epoch}", self._term(term))
            await term.lost.wait()
        log.info("led", epoch=self._epoch)

    async def _term(self, term: Term) -> None:
        """The term's work; however it ends, the term ends with it."""
        try:
            if not self._epoch:
                await self._take_care(term)
            lead = await self._begin(term)
            async with asyncio.TaskGroup() as group:
                spawn(group, "mirror", lead.mirror.run())
                spawn(group, "mirror check", lead.mirror.check(self._settings.look))
                spawn(group, "swarm", SwarmSync(lead).run())
                spawn(group, "intent", lead.intent.run())
                spawn(group, "apps", Leading(lead, group).run())
        except* (Fenced, EtcdError, DatabaseAway) as errors:
            log.warning("term ended", reason="; ".join(str(err) for err in errors.exceptions))
        finally:
            self._remember(term)
            term.lost.set()

    async def _begin(self, term: Term) -> Leadership:
        """Make sure of both stores, read anew, and put the term's tools together.

        A database that was put back may be of before this code's schema.
        """
        await patiently("migrate", lambda _: migrate(self._database))
        restoration = Restoration(self._etcd, self._database, term, epoch=self._epoch)
        incarnation = await patiently(
            "settle the store", lambda again: restoration.settle(self._known, again=again)
        )
        await self._view.reload()
        self._known = Known(incarnation.id, self._view.revision)
        store = Store(self._etcd, self._view, term, incarnation)
        return Leadership(
            database=self._database,
            ring=self._ring,
            epoch=self._epoch,
            store=store,
            view=self._view,
            events=self._events,
            settings=self._settings,
            catalogue=Catalogue(),
            intent=IntentMirror(store, self._view),
            mirror=Mirror(self._etcd, self._database, epoch=self._epoch, incarnation=incarnation),
        )

    def _remember(self, term: Term) -> None:
        """How far the store was, so that the next term notices one that went back.

        The view has perhaps read it anew since: what was known once is never taken back.
        """
        if self._view.incarnation and self._view.incarnation.id == self._known.incarnation:
            reached = max(self._known.revision, self._view.revision)
            self._known = Known(self._known.incarnation, reached)


class Leading:
    """The leader's loops: what comes from PostgreSQL, what changes in etcd, a slow look at all."""

    def __init__(self, lead: Leadership, group: asyncio.TaskGroup) -> None:
        self._lead = lead
        self._group = group
        self._workers: dict[str, Worker] = {}
        self._counted = -1
        self._runs = Runs(lead)

    async def run(self) -> None:
        """Read everything once, before anything is concluded; then keep looking."""
        first_look = patiently("first look", lambda _: self._first_look())
        await looked_after(self._lead, lambda: self._lead.view.apps, first_look)
        spawn(self._group, "operations", self._operations())
        spawn(self._group, "catalogue", self._catalogue())
        spawn(self._group, "slow look", self._slow_look())
        spawn(self._group, "commands", self._runs.run())
        spawn(self._group, "images beforehand", Prefetching(self._lead).run())
        await self._changes()

    async def _first_look(self) -> None:
        async with self._lead.database.connection() as conn:
            await self._lead.learn_all(conn)
            found = await operations.next_open(conn)
        for operation in found:
            self._offer(operation)

    async def _operations(self) -> None:
        """Hear of operations, and look each second all the same."""
        async with self._lead.database.listen(OPERATIONS) as hint:
            while True:
                heard = await hint.wait(self._lead.settings.poll)
                hint.clear()
                try:
                    found = await self._unfinished(all_of_them=heard)
                except DatabaseAway as err:
                    log.info("operations not read", reason=str(err))
                    self._counted = -1
                    continue
                for operation in found:
                    self._offer(operation)

    async def _unfinished(self, *, all_of_them: bool) -> tuple[Operation, ...]:
        """Each app's first unfinished operation; none if nothing was accepted or heard of."""
        async with self._lead.database.connection() as conn:
            counted = await self._lead.intent.look(conn)
            if not all_of_them and counted == self._counted:
                return ()
            found = await operations.next_open(conn)
            await self._lead.intent.look(conn)
        self._counted = counted
        return found

    async def _catalogue(self) -> None:
        """Hear of apps that came, went or changed, and read all of them now and then."""
        async with self._lead.database.listen(APPS) as hint:
            while True:
                await hint.wait(self._lead.settings.look)
                heard = frozenset(hint.payloads)
                hint.clear()
                try:
                    touched = await self._reread(heard)
                except DatabaseAway as err:
                    log.info("apps not read", reason=str(err))
                    continue
                for app in touched:
                    self._look(app)

    async def _reread(self, heard: frozenset[str]) -> frozenset[str]:
        async with self._lead.database.connection() as conn:
            if not heard:
                return await self._lead.learn_all(conn)
            names = [await self._lead.learn(conn, UUID(app)) for app in heard]
            return frozenset(name for name in names if name is not None)

    async def _changes(self) -> None:
        """Look at every app of which something changed in the store."""
        with self._lead.view.subscribe() as changes:
            while True:
                apps, everything = await changes.wait()
                for app in apps:
                    self._look(app)
                    self._runs.poke(app)
                if everything:
                    self._runs.poke(None)
                    for worker in self._workers.values():
                        worker.poke()

    async def _slow_look(self) -> None:
        """Look at every app and operation, in case that a change was missed."""
        while True:
            self._counted = -1
            for app in {*self._lead.catalogue.apps, *self._lead.view.apps}:
                self._look(app)
            await asyncio.sleep(self._lead.settings.look)

    def _offer(self, operation: Operation) -> None:
        self._worker(operation.app_id).offer(operation)

    def _look(self, app: str) -> None:
        """Have the app worked on, if there is anything to do."""
        worker = self._workers.get(app)
        if worker is not None:
            worker.poke()
        elif self._lead.store.trusted and self._has_work(app):
            self._worker(app)

    def _has_work(self, app: str) -> bool:
        """Whether there is anything to do; what cannot be judged is its own worker's trouble."""
        try:
            decision = rest_decision(self._lead, app, None, {})
        except Exception as err:
            log.error("app not looked at", app=app, error=str(err), exc_info=err)
            return True
        return decision is None or bool(decision.steps) or decision.end is not End.DONE

    def _worker(self, app: str) -> Worker:
        worker = self._workers.get(app)
        if worker is None:
            worker = self._workers[app] = Worker(self._lead, app)
            spawn(self._group, f"app {app}", self._work(worker))
        return worker

    async def _work(self, worker: Worker) -> None:
        try:
            await worker.run()
        finally:
            del self._workers[worker.app]
