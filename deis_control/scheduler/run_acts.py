"""What the leader does about one one-off command: writes to PostgreSQL and to the store."""

from datetime import UTC, datetime

import structlog

from deis_control.db import apps, control, releases, runs
from deis_control.db.pool import Connection
from deis_control.db.runs import OpenRun, Outcome
from deis_control.errors import NotFound
from deis_control.model import RunState, Target
from deis_control.rules.runs import NO_BUILD
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.changes import Change
from deis_control.scheduler.deciding import Refused
from deis_control.scheduler.engines import native
from deis_control.scheduler.feasible import Need, rooms_of
from deis_control.scheduler.leadership import Leadership
from deis_control.scheduler.run_plan import (
    Collect,
    End,
    Fail,
    Lost,
    NoteStart,
    Put,
    RunLimits,
    Step,
    Take,
)
from deis_control.scheduler.run_result import outcome_of, read_result
from deis_control.scheduler.steady import choose_steady
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, absent
from deis_node.cluster.names import RUN_TYPE, CopyName, parse_container
from deis_node.cluster.oneoffs import seal_command
from deis_node.cluster.records import Placement, PlacementState
from deis_node.cluster.seal import SealError

log = structlog.get_logger()

_AGAIN = 0.2
"""Seconds before another try of what the store refused."""
_HOST = 1.0
"""Seconds before another look for a host."""


class Acts:
    """Carries out the steps of `run_plan`, each fenced twice (rule 6)."""

    def __init__(self, lead: Leadership, limits: RunLimits) -> None:
        self._lead = lead
        self._limits = limits

    async def carry_out(self, run: OpenRun, step: Step) -> float | None:
        """Take a step; the seconds to wait before another try, None when it is done.

        Fenced, EtcdError, DatabaseAway.
        """
        try:
            return await self._carry_out(run, step)
        except (Refused, SealError) as err:
            reason = str(err) if isinstance(err, Refused) else f"{run.process}: {err}"
            await self._finish(run, Outcome(RunState.FAILED, reason=reason))
        return None

    async def _carry_out(self, run: OpenRun, step: Step) -> float | None:
        match step:
            case Take():
                return await self._take(run)
            case Put():
                return await self._put(run)
            case NoteStart():
                lead = self._lead
                async with control.fenced(lead.database, lead.epoch, "command runs") as conn:
                    await runs.note_start(conn, run, epoch=lead.epoch)
            case End():
                return await self._end(run, step.reason)
            case Collect():
                return await self._collect(run)
            case Fail():
                await self._finish(run, Outcome(RunState.FAILED, reason=step.reason))
            case Lost():
                return await self._lose(run, step.reason)
        return None

    # --- placing -------------------------------------------------------------------------

    async def _take(self, run: OpenRun) -> float | None:
        """One transaction that fixes release, name and host; Refused when none takes it."""
        lead = self._lead
        await lead.intent.settled()
        async with control.fenced(lead.database, lead.epoch, "take command") as conn:
            target = await self._target(conn, run)
            if target is None:
                return _HOST
            copy = self._unused(CopyName(run.app_id, target.release.version, RUN_TYPE, run.num))
            host = self._host(run, copy, target)
            if host is None:
                return _HOST
            await runs.take(
                conn,
                run,
                epoch=lead.epoch,
                release=copy.release,
                host=host,
                container=copy.container,
                incarnation=lead.store.incarnation,
            )
        log.info("command placed", app=run.app_id, process=run.process, host=host)
        return None

    async def _target(self, conn: Connection, run: OpenRun) -> Target | None:
        """What the app runs now; None when it goes or is gone. Refused without a build."""
        try:
            app = await apps.lock(conn, run.app)
            target = await releases.latest_target(conn, self._lead.ring, run.app)
        except NotFound:
            return None
        if target.build is None:
            raise Refused(NO_BUILD)
        return None if app.destroying else target

    def _unused(self, copy: CopyName) -> CopyName:
        """The name under the lowest generation that nothing in the store has."""
        while copy.container in self._lead.view.app(copy.app).runs:
            copy = copy.next_generation()
        return copy

    def _host(self, run: OpenRun, copy: CopyName, target: Target) -> str | None:
        """The host, None while one is waited for; Refused when there was none for too long."""
        view = self._lead.view
        world = view.snapshot(copy.app, None, self._lead.settings.limits())
        blueprint, limits = Blueprint.of(target), world.limits
        mine: dict[str, list[str]] = {}
        for placed in view.app(copy.app).runs.values():
            mine.setdefault(placed.host, []).append(RUN_TYPE)
        need = Need(
            memory=blueprint.memory.get(RUN_TYPE, 0),
            tags=blueprint.config.tags,
            cpu=blueprint.config.cpu.get(RUN_TYPE, 0),
            arch=blueprint.arch,
        )
        rooms = rooms_of(world.hosts, mine)
        choice = choose_steady([copy], {RUN_TYPE: need}, rooms, limits.separate, world.flapping)
        overdue = run.waited >= self._limits.pickup or copy in choice.hopeless
        if copy in choice.refused and overdue:
            raise Refused(f"no host takes {run.process}: {choice.refused[copy]}")
        return choice.hosts.get(copy)

    async def _put(self, run: OpenRun) -> float | None:
        """Its placement and the config that it needs, at once; only where there is none yet."""
        assert run.host is not None, "a host was fixed"
        blueprint, placement = await self._placement(run)
        async with self._lead.envs:
            change = native.ensure(run.host, placement)
            for env in self._lead.env(blueprint):
                change += env
            accepted = await self._lead.store.write([change])
        return None if accepted else _AGAIN

    async def _placement(self, run: OpenRun) -> tuple[Blueprint, Placement]:
        lead = self._lead
        copy = parse_container(run.container or "")
        assert copy is not None, "a name was fixed"
        async with lead.database.connection() as conn:
            app = await apps.get(conn, run.app)
            release = await releases.any_state(conn, run.app, copy.release)
            blueprint = Blueprint.of(await releases.target(conn, lead.ring, app, release))
            command = await runs.command_of(conn, lead.ring, run)
        placement = blueprint.run(
            copy,
            uuid=str(run.uuid),
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SUTC"),
            grace=lead.settings.grace,
            pids=lead.settings.pids_limit,
            sealed=seal_command(lead.ring, copy, (command,)),
        )
        return blueprint, placement

    # --- ending --------------------------------------------------------------------------

    async def _end(self, run: OpenRun, reason: str) -> float | None:
        """Note why it is ended, and have its host end it."""
        lead = self._lead
        placed = lead.view.app(run.app_id).runs.get(run.container or "")
        if not run.reason:
            async with control.fenced(lead.database, lead.epoch, "command ends") as conn:
                await runs.note_end(conn, run, epoch=lead.epoch, reason=reason)
        if placed is None or placed.placement.state is not PlacementState.RUN:
            return None
        return None if await lead.store.write([native.withdraw(placed)]) else _AGAIN

    async def _lose(self, run: OpenRun, reason: str) -> float | None:
        """Fail it, unless the view is wrong: it may show a store that is just being emptied."""
        copy = parse_container(run.container or "")
        if copy is not None and run.host is not None:
            missing = absent(keys.placement(run.host, copy.container))
            nothing = Delete(keys.run_end(copy.app, copy.container))
            if not await self._lead.store.write([Change((missing,), (nothing,))]):
                return _AGAIN
        await self._finish(run, Outcome(RunState.FAILED, reason=reason))
        return None

    async def _collect(self, run: OpenRun) -> float | None:
        """Its result, from the store into its row."""
        lead = self._lead
        prefix = keys.run_of(run.app_id, run.container or "")
        listing = await lead.store.list(prefix, page=2)
        result = read_result(lead.ring, run, listing.items)
        if result is None:
            return lead.settings.look
        await self._finish(run, outcome_of(run, *result))
        return None

    async def _finish(self, run: OpenRun, outcome: Outcome) -> None:
        lead = self._lead
        async with control.fenced(lead.database, lead.epoch, "command ended") as conn:
            await runs.finish(conn, lead.ring, run, outcome, epoch=lead.epoch)
        log.info(
            "command ended",
            app=run.app_id,
            process=run.process,
            state=outcome.state.value,
            code=outcome.exit_code,
            reason=outcome.reason.partition("\n")[0],
        )
