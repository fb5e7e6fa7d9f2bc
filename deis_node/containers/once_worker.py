"""The worker of a one-off command: it starts its container once and hands the result over."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from deis_node.cluster.etcd import EtcdError
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import LastExit, Phase, Placement, PlacementState, RunEnd
from deis_node.cluster.seal import SealError
from deis_node.containers import once, spec
from deis_node.containers.making import Failed, NotYet, Outcome
from deis_node.containers.once import HandOver, OneOff, Prepare, StartOnce
from deis_node.containers.oneoffs import Word
from deis_node.containers.plan import Present, Remove, Rest
from deis_node.containers.worker import Tools, Worker
from deis_node.docker.errors import DockerError, NotFound, Unavailable
from deis_node.docker.events import ContainerDied
from deis_node.docker.model import ContainerInfo, State
from deis_node.runtime.backoff import Backoff

_DOUBTFUL = 255
"""What an engine that was killed gives as the exit code of what ended meanwhile."""

_HEARSAY = 2.0
"""Seconds for the engine's word of an end to come after the end."""


class OnceWorker(Worker):
    """Makes one command what its placement says; `run` ends when nothing is left of it."""

    def __init__(self, name: CopyName, tools: Tools) -> None:
        super().__init__(name, tools)
        self._oneoffs = tools.oneoffs
        self._uuid = ""
        self._over: str | None = None
        """Why the command of that uuid will have no result, once that is known."""
        self._stale: str | None = None
        """A container of an earlier command, which had to go."""
        self._unclear_since: float | None = None
        self._handed: tuple[str, int] | None = None
        """The command whose result lies in the store, and the epoch that this is known of."""
        self._codes: Mapping[str, int] = {}
        """The exit code that the engine told of a container when that ended."""
        self._doubt_since: float | None = None
        self._store_pause = Backoff(initial=0.1, maximum=2.0)

    def died(self, event: ContainerDied) -> None:
        """The container ended: what became of it is looked at."""
        self._codes = {event.id: event.exit_code}
        self._wake.set()

    # --- looking and deciding ------------------------------------------------------------

    def _see_none(self, *, known: bool = True) -> None:
        """While it is to run, what the store holds of it stays there until that was asked, and
        until its result is there if it began: of a host that lost its notes and its containers
        it is all that tells so.
        """
        wanted = self._placement()
        may_run = wanted is not None and wanted.state is PlacementState.RUN
        super()._see_none(known=known and (self._view().known or not may_run))

    async def _see_ended(self, info: ContainerInfo) -> None:
        """An exit is the command's end, nothing to be counted."""
        self._show(known=True, container_id=info.id, run=None, address=None)

    async def _step(self, present: Present | None) -> Rest | None:
        wanted = self._placement()
        if wanted is None or wanted.state is PlacementState.STOP:
            return await super()._step(present)
        if wanted.uuid != self._uuid:
            self._uuid, self._over, self._unclear_since = wanted.uuid, None, None
        match self._decided(wanted, present):
            case Prepare():
                return await self._prepare(wanted)
            case StartOnce(id=container):
                return self._judge(await self._start_once(container, wanted))
            case HandOver() as step:
                return await self._hand_over(step, wanted)
            case step:
                if isinstance(step, Remove):
                    self._stale = step.id
                return await self._carry_out(step)

    def _decided(self, wanted: Placement, present: Present | None) -> once.Step:
        begun = self._oneoffs.begun(wanted)
        if begun and present is not None and present.state is State.CREATED and present.error:
            self._over = spec.explain(present.error, wanted)
        return once.next_step(
            OneOff(
                state=wanted.state,
                uuid=wanted.uuid,
                grace=wanted.grace,
                present=present,
                trusted=self._tools.wanted().trusted,
                begun=begun,
                over=self._over,
                unclear=self._unclear(begun, present),
                resume_at=self._failures.resume_at,
                now=_now(),
            )
        )

    def _unclear(self, begun: bool, present: Present | None) -> float:
        """For how long a start has been under way that nobody is at any more."""
        if not begun or present is None or present.state is not State.CREATED:
            self._unclear_since = None
            return 0.0
        if self._unclear_since is None:
            self._unclear_since = _now()
        return _now() - self._unclear_since

    # --- doing ---------------------------------------------------------------------------

    async def _prepare(self, wanted: Placement) -> Rest | None:
        """Make the container if the store still wants it, and leave it there."""
        try:
            word = (await self._oneoffs.ask(wanted, self._stale)).word
        except EtcdError as err:
            self._log.info("the store cannot be asked", error=str(err))
            word = Word.GONE
        if word is Word.GONE:
            return Rest(_now() + self._store_pause.next())
        self._store_pause.reset()
        if word is not Word.FREE:
            self._over = once.LOST if word is Word.BEGUN else once.NOT_STARTED
            return None
        self._show(known=True)
        try:
            made = await self._tools.maker.create(self._oneoffs.opened(wanted))
        except SealError as err:
            made = Failed(str(err))
        return None if isinstance(made, str) else self._judge(made)

    async def _start_once(self, container: str, wanted: Placement) -> Outcome:
        try:
            await self._oneoffs.begin(wanted)
        except OSError as err:
            return NotYet(f"its start cannot be noted: {err.strerror}")
        return await self._tools.maker.start(container, wanted)

    def _judge(self, outcome: Outcome) -> Rest | None:
        """What cannot be made now and will not soon is over."""
        if isinstance(outcome, Failed):
            self._over = outcome.reason
            return None
        rest = super()._judge(outcome)
        if isinstance(outcome, NotYet) and self._view().phase is Phase.FAILED:
            self._over = outcome.reason
            return None
        return rest

    async def _hand_over(self, step: HandOver, wanted: Placement) -> Rest | None:
        """Have the store hold the command's result, and say so."""
        epoch = self._tools.wanted().epoch
        if self._handed != (wanted.uuid, epoch):
            try:
                if not await self._handed_over(step, wanted):
                    return Rest(_now() + self._store_pause.next())
            except EtcdError as err:
                self._log.info("result cannot be handed over", error=str(err))
                return Rest(_now() + self._store_pause.next())
            self._store_pause.reset()
            self._handed = wanted.uuid, epoch
        self._show(known=True, phase=Phase.ENDED)
        return Rest()

    async def _handed_over(self, step: HandOver, wanted: Placement) -> bool:
        found = await self._oneoffs.ask(wanted)
        if found.word in (Word.GONE, Word.OVER):
            return found.word is Word.OVER
        end, output = await self._result(step, wanted)
        if end.code == _DOUBTFUL and self._is_doubtful(step.id):
            if self._doubt_since is None:
                self._doubt_since = _now()
            if _now() - self._doubt_since < _HEARSAY:
                return False
            end = replace(end, code=None, error=once.NO_CODE)
        if not await self._oneoffs.hand_over(wanted, found.made, end, output):
            return False
        self._log.info("command ended", code=end.code, error=end.error, size=len(output))
        if end.code is not None:
            signal = spec.exit_signal(end.code)
            last = LastExit(end.code, signal, oom=end.oom, finished=end.finished or "")
            self._show(last_exit=last)
        self._show(error=end.error)
        return True

    def _is_doubtful(self, container: str | None) -> bool:
        """Whether a code is only the engine's word for one that it has not seen itself."""
        return container is not None and self._codes.get(container) != _DOUBTFUL

    async def _result(self, step: HandOver, wanted: Placement) -> tuple[RunEnd, bytes]:
        """How the command ended, and what it wrote; Unavailable."""
        if step.id is None:
            return RunEnd(wanted.uuid, error=step.error), b""
        try:
            info = await self._docker.inspect(step.id)
            end = RunEnd(
                wanted.uuid,
                code=info.exit_code,
                oom=info.oom_killed,
                started=info.started_at,
                finished=info.finished_at,
            )
            if info.finished_at is None:
                end = replace(end, code=None, error=once.NO_CODE)
            output = await self._docker.output(step.id, self._oneoffs.limit)
        except NotFound:
            return RunEnd(wanted.uuid, error=once.LOST), b""
        except Unavailable:
            raise
        except DockerError as err:
            error = end.error or f"its output cannot be read: {err.text}"
            return replace(end, error=error), b""
        return replace(end, truncated=output.truncated), output.data


def _now() -> float:
    return asyncio.get_running_loop().time()
