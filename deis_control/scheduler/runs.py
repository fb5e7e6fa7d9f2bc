"""The leader's care of one-off commands: from the row to a host, and the result back to the row.

They are no operations: they wait for nobody and nobody waits for them. Whatever is known is in
PostgreSQL and in the store, so the next leader goes on at any line. A result is stored before its
placement is told to stop, and the placement goes when the host has confirmed that.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from deis_control.db import runs
from deis_control.db.listen import RUNS, Hint
from deis_control.db.pool import DatabaseAway
from deis_control.db.runs import OpenRun
from deis_control.errors import Fenced, NotFound
from deis_control.scheduler.changes import Change
from deis_control.scheduler.engines import native
from deis_control.scheduler.leadership import Leadership
from deis_control.scheduler.run_acts import Acts
from deis_control.scheduler.run_plan import (
    RunLimits,
    RunSeen,
    Wait,
    plan_run,
)
from deis_control.scheduler.world import Placed
from deis_node.cluster import keys
from deis_node.cluster.etcd import DeletePrefix, EtcdError
from deis_node.cluster.records import Phase, PlacementState
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_STEPS = 8
"""Steps that one command may take in one look; the others get their turn then."""

_MIRROR = 2.0
"""Seconds that the end of a placement waits for the mirror to know that it is told to stop."""


class Runs:
    """Carries one-off commands on for one term; `run` goes on until cancelled."""

    def __init__(self, lead: Leadership) -> None:
        self._lead = lead
        self._hint: Hint | None = None
        self._open: frozenset[str] = frozenset()
        """The apps that have any."""
        self._silent: dict[UUID, float] = {}
        self._ending: dict[UUID, float] = {}
        settings = lead.settings
        self._limits = RunLimits(
            run=settings.run_timeout,
            pickup=settings.pickup_timeout,
            pull=settings.pull_timeout,
            stop=settings.grace + settings.stop_timeout,
        )
        self._acts = Acts(lead, self._limits)

    def poke(self, app: str | None) -> None:
        """Something of the app, or of all, has changed in the store."""
        mine = self._open if app is None else {app} & self._open
        concerned = mine or (app is not None and self._lead.view.app(app).runs)
        if concerned and self._hint is not None:
            self._hint.notify(None)

    async def run(self) -> None:
        """Look whenever something is heard of, and now and then. Fenced when the term is over."""
        pause = Backoff(initial=0.1, maximum=5.0)
        async with self._lead.database.listen(RUNS) as hint:
            self._hint = hint
            while True:
                hint.clear()
                try:
                    wait = await self._look()
                    pause.reset()
                except (DatabaseAway, EtcdError) as err:
                    log.info("commands wait", reason=str(err))
                    wait = pause.next()
                await hint.wait(wait)

    async def _look(self) -> float:
        """Look at every command; the seconds until the next look, if nothing is heard of."""
        lead = self._lead
        await lead.store.trust()
        # Read before the rows: whoever is placed and has no open row then is over for certain.
        placed = lead.view.runs()
        async with lead.database.connection() as conn:
            found = await runs.all_open(conn)
            await lead.intent.look(conn)
        self._open = frozenset(run.app_id for run in found)
        known = {run.uuid for run in found}
        self._silent = {uuid: at for uuid, at in self._silent.items() if uuid in known}
        self._ending = {uuid: at for uuid, at in self._ending.items() if uuid in known}
        waits = [await self._guarded(run) for run in found]
        if not lead.intent.behind:
            await self._clear(placed, {str(uuid) for uuid in known})
        return min([lead.settings.look, *waits])

    async def _guarded(self, run: OpenRun) -> float:
        """Carry one command on; its trouble is not the others'."""
        try:
            return await self._carry_on(run)
        except Fenced:
            raise
        except NotFound:
            return 0.05
        except (DatabaseAway, EtcdError) as err:
            log.info("command waits", app=run.app_id, process=run.process, reason=str(err))
        except Exception as err:
            log.error("command failed", app=run.app_id, process=run.process, exc_info=err)
        return 1.0

    async def _carry_on(self, run: OpenRun) -> float:
        """Step after step, until there is nothing to do; for how many seconds that is."""
        for _ in range(_STEPS):
            step = plan_run(self._seen(run), self._limits)
            if isinstance(step, Wait):
                return max(step.seconds, 0.05)
            wait = await self._acts.carry_out(run, step)
            if wait is not None:
                return wait
            async with self._lead.database.connection() as conn:
                again = await runs.find_open(conn, run.uuid)
            if again is None:
                return 0.05
            run = again
        return 0.05

    def _seen(self, run: OpenRun) -> RunSeen:
        lead, now = self._lead, _now()
        found = lead.view.app(run.app_id)
        placed = found.runs.get(run.container or "")
        if placed is not None and placed.placement.uuid != str(run.uuid):
            placed = None
        seen = found.instances.get(f"{placed.host}/{placed.copy.container}") if placed else None
        if run.host is None or lead.view.is_alive(run.host):
            self._silent.pop(run.uuid, None)
        ending = placed is not None and placed.placement.state is not PlacementState.RUN
        if not ending:
            self._ending.pop(run.uuid, None)
        silent = run.host is not None and not lead.view.is_alive(run.host)
        return RunSeen(
            run=run,
            placed=placed,
            instance=seen.instance if seen else None,
            same_life=run.incarnation == lead.store.incarnation,
            silent=now - self._silent.setdefault(run.uuid, now - 0.001) if silent else 0.0,
            ending=now - self._ending.setdefault(run.uuid, now) if ending else 0.0,
        )

    # --- clearing away -------------------------------------------------------------------

    async def _clear(self, placed: Sequence[Placed], wanted: set[str]) -> None:
        """End the placements of commands that are over, and forget those that hosts ended."""
        for item in placed:
            if item.placement.uuid in wanted:
                continue
            now = self._lead.view.app(item.copy.app).runs.get(item.copy.container)
            if now is not None and now.placement.uuid == item.placement.uuid:
                await self._clear_one(now)

    async def _clear_one(self, placed: Placed) -> None:
        lead, copy = self._lead, placed.copy
        if placed.placement.state is not PlacementState.STOP:
            await lead.store.write([native.drop(placed)])
            return
        seen = lead.view.app(copy.app).instances.get(f"{placed.host}/{copy.container}")
        if seen is None or seen.instance.phase is not Phase.STOPPED:
            return
        # A store that is lost right now must not come back with the command as to be run.
        if await lead.mirror.covers(placed.revision, within=_MIRROR):
            result = DeletePrefix(keys.run_of(copy.app, copy.container))
            await lead.store.write([native.forget(placed, seen.revision) + Change((), (result,))])


def _now() -> float:
    return asyncio.get_running_loop().time()
