"""Follows one copy: probes it, and keeps its records in etcd what they should be."""

import asyncio
import itertools

import structlog

from deis_node.cluster.etcd import Etcd, EtcdError
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Instance, Phase, Placement
from deis_node.publisher import plan
from deis_node.publisher.entries import Entries
from deis_node.publisher.liveness import Hangs, Life
from deis_node.publisher.plan import Copy, CopySource, Held, Verdict
from deis_node.publisher.probing import watch
from deis_node.publisher.readiness import Target
from deis_node.publisher.settings import PublisherSettings
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_MOVED = 1.0
"""Seconds to wait for the runner to learn of a placement that has changed."""

_numbers = itertools.count(1)


class Follower:
    """One copy; `run` ends when the copy is gone and nothing of it is left in etcd."""

    def __init__(
        self,
        name: CopyName,
        *,
        etcd: Etcd,
        host: str,
        copies: CopySource,
        tasks: Tasks,
        settings: PublisherSettings,
        hangs: Hangs,
    ) -> None:
        self.name = name
        self._entries = Entries(etcd, host, name)
        self._host = host
        self._copies = copies
        self._tasks = tasks
        self._settings = settings
        self._life = Life(name, tasks, settings, hangs)
        self._wake = asyncio.Event()
        self._held: Held | None = None
        self._former: Instance | None = None
        self._former_known = False
        self._verdict: Verdict | None = None
        self._probe: tuple[str, Target] | None = None
        self._written = float("-inf")
        self._ended = False
        self._log = log.bind(app=name.app, container=name.container)

    def wake(self) -> None:
        """Look again now."""
        self._wake.set()

    def doubt(self) -> None:
        """What etcd holds may be something else: read it again."""
        self._held = None
        self._wake.set()

    def seen(self, value: bytes | None) -> None:
        """A watch says that etcd holds this instance."""
        if self._held is not None and self._held.instance != value:
            self.doubt()

    @property
    def settled(self) -> bool:
        """Whether the copy's present run has been asked how it is, and etcd knows the answer."""
        copy = self._copies.get(self.name.container)
        if copy is None or not copy.known:
            return False
        if copy.run is None:
            return copy.phase in (Phase.CRASHED, Phase.FAILED, Phase.ENDED)
        verdict = self._verdict
        answered = verdict is not None and (verdict.ready or verdict.error is not None)
        return answered and self._held is not None

    async def run(self) -> None:
        """Keep the records right until the copy is gone."""
        pause = Backoff(initial=0.1, maximum=5.0)
        try:
            while not self._ended:
                self._wake.clear()
                try:
                    until = await self._pass()
                    pause.reset()
                except EtcdError as err:
                    self._log.info("copy cannot be published", error=str(err))
                    until = self._unsure(pause)
                except Exception as err:  # noqa: BLE001 - one copy's trouble must not end this
                    self._log.error("copy cannot be published", error=str(err), exc_info=err)
                    until = self._unsure(pause)
                if not self._ended:
                    await self._sleep(until)
        finally:
            self._stop_probe()
            self._life.end()

    def _unsure(self, pause: Backoff) -> float:
        """Whether a write was done is not known any more: when to look again."""
        self._held = None
        return _now() + pause.next()

    async def _sleep(self, until: float | None) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _pass(self) -> float | None:
        """Do what is to be done now; when to look again (None: when something changes)."""
        copy = self._copies.get(self.name.container)
        if copy is None or copy.dismissed:
            self._stop_probe()
            self._life.end()
            return await self._erase()
        placement = copy.placement
        if placement is None or copy.revision == 0 or not copy.known:
            return None
        held = await self._know(copy)
        if held.revision != copy.revision:
            self._held = None
            return _now() + _MOVED
        self._keep_probing(copy, placement)
        verdict = self._verdict
        ready = verdict is not None and verdict.ready and verdict.run == copy.run
        self._life.keep(copy, placement, ready=ready)
        return await self._publish(held, copy, placement)

    async def _know(self, copy: Copy) -> Held:
        """What etcd holds, read again if it may have changed without us."""
        held = self._held
        if held is None or (held.epoch, held.revision) != (copy.epoch, copy.revision):
            held = self._held = await self._entries.read(copy.epoch)
        if not self._former_known:
            self._former = plan.parsed(held.instance)
            self._former_known = True
        return held

    async def _publish(self, held: Held, copy: Copy, placement: Placement) -> float | None:
        want = plan.wanted(copy, placement, self._verdict, self._host, self._former)
        if not plan.differs(held, want):
            return None
        due = self._written + self._settings.write_gap
        if not plan.hurries(held, want) and _now() < due:
            return due
        self._held = None
        self._held = await self._entries.write(held, want)
        if self._held is None:
            return _now()
        self._written = _now()
        served, serves = held.endpoint is not None, want.endpoint is not None
        if served != serves:
            event = "endpoint published" if serves else "endpoint withdrawn"
            self._log.info(event, address=copy.public)
        return None

    async def _erase(self) -> float | None:
        """Nothing is wanted: nothing of the copy stays in etcd."""
        held = await self._entries.read(epoch=0)
        self._held = None
        left = held.instance is not None or (held.endpoint is not None and not held.foreign)
        if held.revision == 0 and left and not await self._entries.erase(held):
            return _now() + _MOVED
        gone = self._copies.get(self.name.container) is None
        if gone or held.revision == 0:
            self._ended = gone
            return None
        return _now() + _MOVED

    # --- probing -------------------------------------------------------------------------

    def _keep_probing(self, copy: Copy, placement: Placement) -> None:
        """Have the present run of the copy probed, and no other."""
        if copy.run is not None and copy.health is not None:
            self._stop_probe()
            self._hear(plan.engines_verdict(copy.run, copy.health))
            return
        target = _target(copy, placement)
        if self._probe is not None and self._probe[1] == target:
            return
        first = self._verdict is None
        self._stop_probe()
        if target is None:
            self._verdict = Verdict("", ready=False)
            return
        adopted = first and self._was_ready(copy)
        self._verdict = Verdict(target.run, ready=adopted)
        name = f"probe {self.name.container} #{next(_numbers)}"
        self._probe = (name, target)
        self._tasks.start(name, watch(target, self._settings, self._told, adopted=adopted))

    def _was_ready(self, copy: Copy) -> bool:
        """Whether a former agent found this very container ready."""
        former = self._former
        return former is not None and former.ready and former.container_id == copy.container_id

    def _told(self, verdict: Verdict) -> None:
        self._hear(verdict)
        self._wake.set()

    def _hear(self, verdict: Verdict) -> None:
        """Take in a verdict; what is news is logged."""
        if verdict == self._verdict:
            return
        self._verdict = verdict
        if verdict.ready:
            self._log.info("copy is ready")
        else:
            self._log.info("copy is not ready", reason=verdict.error)

    def _stop_probe(self) -> None:
        if self._probe is not None:
            self._tasks.cancel(self._probe[0])
            self._probe = None


def _target(copy: Copy, placement: Placement) -> Target | None:
    """What is to be asked of the copy's present run; None while it does not run."""
    unreachable = copy.public is not None and copy.address is None
    if copy.run is None or unreachable:
        return None
    address = copy.address if copy.name.routable else None
    if address is None:
        return Target(copy.run, None, runs_for=placement.runs_for)
    return Target(copy.run, address, placement.health)


def _now() -> float:
    return asyncio.get_running_loop().time()
