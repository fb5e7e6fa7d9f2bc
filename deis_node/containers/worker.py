"""One copy's worker: looks at its container, decides one step, takes it, and looks again.

There is one worker for each container name, so steps of a copy come in order while copies never
wait for each other. A worker may be cancelled at any line: the next one looks and goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from deis_node.cluster.names import CopyName
from deis_node.cluster.records import NATIVE, Phase, Placement, PlacementState, Prepared
from deis_node.cluster.tenure import Tenure
from deis_node.containers import adopted, plan, restarts
from deis_node.containers.copies import Copies, CopyView
from deis_node.containers.exits import last_exit, policy, reason, seconds
from deis_node.containers.health import asked_health, unhealthy
from deis_node.containers.lost import end_lost
from deis_node.containers.making import Again, Fetching, Made, Maker, NotYet, Outcome, Still
from deis_node.containers.oneoffs import OneOffs
from deis_node.containers.plan import Present, Rest, Situation, Step
from deis_node.containers.restarts import Failures, Restarts
from deis_node.containers.settings import RunnerSettings
from deis_node.containers.trust import Wanted, absent_for_sure
from deis_node.docker import labels, marks
from deis_node.docker.client import Docker
from deis_node.docker.errors import Conflict, NotFound, Unavailable
from deis_node.docker.events import ContainerDied
from deis_node.docker.model import ContainerInfo, Health, State
from deis_node.runtime.errors import DeisError

log = structlog.get_logger()

_TROUBLE = 5.0
"""Seconds before another look after something unexpected."""
_SHORT = 0.5
"""Seconds before another look at what the engine is busy with."""

_PASSING = 5.0
"""Seconds that the pause grows to before another try at what will pass by itself."""

_YIELDED = "it must be alone, and the cluster's store has not confirmed this host's lease"

_ENDED = frozenset({State.EXITED, State.DEAD})


@dataclass(frozen=True, slots=True)
class Tools:
    """What all workers of a runner share."""

    docker: Docker
    copies: Copies
    maker: Maker
    settings: RunnerSettings
    wanted: Callable[[], Wanted]
    may_start: Callable[[], bool]
    tenure: Callable[[], Tenure]
    oneoffs: OneOffs
    """What workers of one-off commands need besides."""
    read_out: Callable[[str], Awaitable[None]] | None
    """Waits until a container's log has been read to its end."""
    tell: Callable[[str, str], None] | None = None
    """Writes a line into an app's log."""


class Worker:
    """Makes one copy what its placement says; `run` ends when nothing is left of it."""

    def __init__(self, name: CopyName, tools: Tools) -> None:
        self.name = name
        self._tools = tools
        self._docker = tools.docker
        self._wake = asyncio.Event()
        self._ended = False
        self._failures = Failures()
        self._restarts = Restarts()
        self._exit_seen = ""
        self._never_started = False
        """Whether the engine says so of the container that was there at the last look."""
        self._hung = ("", "")
        """The run that has to end by its liveness check, and why."""
        self._started = 0.0
        self._grace = tools.settings.default_grace
        self._log = log.bind(app=name.app, container=name.container)

    def wake(self) -> None:
        """Look again now."""
        self._wake.set()

    def retry(self) -> None:
        """What stood in the way may be gone: look again now, and do not wait for a pause."""
        self._failures = replace(self._failures, resume_at=0.0)
        self._wake.set()

    def died(self, event: ContainerDied) -> None:
        """The container ended: say so at once, what became of it is looked at after that."""
        view = self._view()
        if view.run is not None and view.container_id == event.id and event.time >= self._started:
            phase = Phase.BACKOFF if view.phase is Phase.RUNNING else view.phase
            self._show(phase=phase, run=None, address=None)
        self._wake.set()

    def hangs(self, run: str, reason: str) -> None:
        """A run fails its liveness check: have it end and start again."""
        if self._view().run == run:
            self._hung = (run, reason)
            self._wake.set()

    async def run(self) -> None:
        """Work until nothing is wanted and nothing is there."""
        while not self._ended:
            self._wake.clear()
            rest = await self._guarded()
            if not self._ended:
                await self._sleep(rest)

    async def _sleep(self, rest: Rest) -> None:
        try:
            async with asyncio.timeout_at(rest.until):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _guarded(self) -> Rest:
        """Work until there is nothing to do; nothing unexpected ends the worker."""
        try:
            while True:
                present = await self._look()
                rest = await self._step(present)
                if rest is not None:
                    return rest
        except Unavailable as err:
            self._log.debug("docker engine does not answer", error=err.text)
        except DeisError as err:
            self._log.error("copy could not be worked on", error=str(err))
            self._show(error=str(err))
        except Exception as err:  # noqa: BLE001 - one copy's trouble must not end its worker
            self._log.error("copy could not be worked on", error=str(err), exc_info=err)
        return Rest(_now() + _TROUBLE)

    # --- looking -------------------------------------------------------------------------

    async def _look(self) -> Present | None:
        """What the engine has under the copy's name; what is news goes into the view."""
        info = await self._found()
        if info is None:
            self._see_none()
            return None
        place = self._tools.maker.place
        if info.labels.get(labels.PLATFORM) != place.platform:
            self._show(known=True)
            return Present(info.id, ours=False, state=info.state)
        port = marks.published(info.labels)
        if port is not None:
            self._tools.maker.ports.adopt(self.name.container, self.name.app, port.host)
        self._show(prepared=None)
        if info.state in adopted.UP:
            self._see_running(info)
        elif info.state in _ENDED and info.started_at:
            await self._see_ended(info)
        else:
            self._show(known=True, container_id=info.id, run=None, address=None)
        self._never_started = info.state is State.CREATED
        if info.state not in adopted.UP and self._yields(self._placement()):
            await end_lost(info.id)
        return Present(
            info.id,
            ours=True,
            state=info.state,
            fingerprint=info.labels.get(labels.SPEC, ""),
            run=info.labels.get(labels.RUN, ""),
            error=info.error,
            hangs=self._hung[0] == _run(info),
            adopted=marks.is_adopted(info.name, info.labels),
        )

    def _see_none(self, *, known: bool = True) -> None:
        """There is no container of it; whether the store may be told so."""
        phase = self._view().phase
        gone = Phase.STARTING if phase is Phase.RUNNING else phase
        self._show(known=known, phase=gone, container_id=None, run=None, address=None)

    async def _found(self) -> ContainerInfo | None:
        """The copy's container, by whichever engine it was made."""
        wanted, platform = self._placement(), self._tools.maker.place.platform
        if wanted is None or wanted.engine == NATIVE:
            try:
                return await self._docker.inspect(self.name.container)
            except NotFound:
                if wanted is not None:
                    return None
        return await adopted.find(self._docker, platform, self.name, wanted)

    def _see_running(self, info: ContainerInfo) -> None:
        port = marks.published(info.labels)
        health = asked_health(info, self._placement())
        if health is Health.UNHEALTHY:
            self._hung = (_run(info), unhealthy(info))
        self._failures = Failures()
        self._started = seconds(info.started_at)
        self._show(
            known=True,
            phase=Phase.RUNNING,
            container_id=info.id,
            run=_run(info),
            health=health,
            address=f"{info.ip}:{port.inside}" if port and info.ip else None,
            public=f"{self._tools.maker.place.address}:{port.host}" if port else None,
            error=None,
        )

    def _yields(self, wanted: Placement | None) -> bool:
        """Whether the copy must not run here now, because it may run elsewhere."""
        return wanted is not None and wanted.single and _now() >= self._tools.tenure().ends

    async def _see_ended(self, info: ContainerInfo) -> None:
        """Note an exit that was not asked for, once."""
        wanted = self._placement()
        mark = f"{info.id}@{info.finished_at}"
        self._show(known=True, container_id=info.id, run=None, address=None)
        if wanted is None or wanted.state is PlacementState.STOP or mark == self._exit_seen:
            return
        if self._yields(wanted):
            self._exit_seen = mark
            self._show(phase=Phase.BACKOFF, error=_YIELDED)
            return
        last = await last_exit(self._docker, info, self._tools.settings.exit_lines)
        self._exit_seen = mark
        if self._hung[0] == _run(info):
            last = replace(last, why=self._hung[1])
        ran = seconds(info.finished_at) - seconds(info.started_at)
        before = self._restarts
        self._restarts = restarts.after_exit(
            before, policy(self._tools.settings), ran=ran, now=_now()
        )
        crashed = self._restarts.crashed
        self._log.warning("container ended", code=last.code, oom=last.oom, ran=round(ran, 3))
        why = reason(self.name.process, last, self._tools.settings if crashed else None)
        if crashed and not before.crashed:
            self._tell(why)
        elif last.why is not None:
            self._tell(f"{why}; it starts again")
        self._show(
            phase=Phase.CRASHED if crashed else Phase.BACKOFF,
            restarts=self._restarts.count,
            last_exit=last,
            error=why,
        )

    # --- deciding ------------------------------------------------------------------------

    async def _step(self, present: Present | None) -> Rest | None:
        """Decide one step and take it; None when it is worth looking again at once."""
        step = plan.next_step(self._situation(present))
        return await self._carry_out(step, lambda: plan.next_step(self._situation(present)) == step)

    def _situation(self, present: Present | None) -> Situation:
        wanted = self._placement()
        if wanted is not None:
            self._grace = wanted.grace
        return Situation(
            wanted=wanted,
            fingerprint="" if wanted is None else marks.fingerprint(wanted),
            present=present,
            trusted=absent_for_sure(self._tools.wanted(), self.name.container),
            may_start=self._tools.may_start(),
            resume_at=max(self._restarts.resume_at, self._failures.resume_at),
            now=_now(),
            default_grace=self._grace,
            tenure=self._tools.tenure(),
            prepared=wanted is not None and self._prepared_for(wanted),
        )

    def _prepared_for(self, wanted: Placement) -> bool:
        prepared = self._view().prepared
        return prepared is not None and prepared.uuid == wanted.uuid

    def _placement(self) -> Placement | None:
        placed = self._tools.wanted().placements.get(self.name.container)
        return None if placed is None else placed.placement

    # --- doing ---------------------------------------------------------------------------

    async def _carry_out(self, step: Step, still: Still = lambda: True) -> Rest | None:
        wanted = self._placement()
        match step:
            case Rest():
                return step
            case plan.Create() | plan.Prepare() | plan.Start() if wanted is not None:
                return await self._bring_up(step, wanted, still)
            case plan.Stop():
                await self._stop(step.id, step.grace)
            case plan.Restart() if wanted is not None:
                self._log.warning("container hangs", reason=self._hung[1])
                await self._stop(step.id, min(wanted.grace, self._tools.settings.hang_grace))
            case plan.Remove():
                return await self._remove(step.id)
            case plan.Refuse():
                self._fail(step.reason, Phase.FAILED)
                return Rest(_now() + self._tools.settings.sweep)
            case plan.Confirm():
                return self._confirm()
            case plan.Forget():
                self._forget()
                return Rest()
        return None

    async def _bring_up(
        self, step: plan.Create | plan.Prepare | plan.Start, wanted: Placement, still: Still
    ) -> Rest | None:
        match step:
            case plan.Create():
                return self._judge(await self._tools.maker.make(wanted, still))
            case plan.Prepare():
                return await self._prepare(wanted)
            case plan.Start():
                return self._judge(await self._tools.maker.start_in_turn(step.id, wanted, still))

    async def _prepare(self, wanted: Placement) -> Rest | None:
        """Have image and port ready for another engine, and say so."""
        outcome = await self._tools.maker.prepare(wanted)
        if not isinstance(outcome, Prepared):
            return self._judge(outcome)
        self._failures = Failures()
        self._show(phase=Phase.STARTING, prepared=outcome, error=None)
        return None

    def _judge(self, outcome: Outcome) -> Rest | None:
        """What an attempt to make the container means for the copy."""
        if isinstance(outcome, Made):
            self._log.info("container started")
        if isinstance(outcome, Made | Again):
            return None
        if isinstance(outcome, Fetching):
            self._show(phase=Phase.PULLING)
            return Rest()
        settings = self._tools.settings
        passing = isinstance(outcome, NotYet)
        self._failures = restarts.after_failure(
            self._failures,
            first=settings.failure_first,
            longest=_PASSING if passing else settings.failure_longest,
            now=_now(),
        )
        patient = passing and _now() - (self._failures.since or 0.0) < settings.pull_patience
        self._fail(outcome.reason, self._view().phase if patient else Phase.FAILED)
        return Rest(self._failures.resume_at)

    def _fail(self, reason: str, phase: Phase) -> None:
        if self._view().error != reason:
            self._log.warning("copy cannot be run", reason=reason)
        self._show(phase=phase, error=reason)

    async def _stop(self, container: str, grace: float) -> None:
        self._log.info("container stops", grace=grace)
        self._show(phase=Phase.STOPPING, run=None, address=None)
        try:
            await self._docker.stop(container, grace)
        except NotFound:
            return

    async def _remove(self, container: str) -> Rest | None:
        """Remove a container when its log has been read, or that took too long."""
        if self._tools.read_out is not None:
            try:
                async with asyncio.timeout(self._tools.settings.log_wait):
                    await self._tools.read_out(container)
            except (TimeoutError, DeisError) as err:
                self._log.warning("log was not read to its end", error=str(err))
        try:
            if self._never_started:  # As far as the engine knows.
                await end_lost(container)
            await self._docker.remove(container)
        except NotFound:
            return None
        except Conflict:
            return Rest(_now() + _SHORT)
        self._log.info("container removed")
        return None

    def _confirm(self) -> Rest:
        self._tools.maker.ports.release(self.name.container)
        self._show(phase=Phase.STOPPED, error=None, public=None, prepared=None)
        return Rest()

    def _forget(self) -> None:
        self._tools.maker.ports.release(self.name.container)
        self._tools.copies.drop(self.name.container)
        self._ended = True

    # --- telling -------------------------------------------------------------------------

    def _view(self) -> CopyView:
        return self._tools.copies.get(self.name.container) or CopyView(self.name)

    def _tell(self, text: str) -> None:
        """Tell the app's owner."""
        if self._tools.tell is not None:
            self._tools.tell(self.name.app, text)

    def _show(self, **facts: Any) -> None:
        self._tools.copies.put(replace(self._view(), **facts))


def _run(info: ContainerInfo) -> str:
    """Another one for each start of a container."""
    return f"{info.id}@{info.started_at}"


def _now() -> float:
    return asyncio.get_running_loop().time()
