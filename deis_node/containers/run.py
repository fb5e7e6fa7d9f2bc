"""The runner: one worker for each copy of this host, woken by placements, the engine and time.

A restart of the agent touches no container: running ones are found by their labels and names,
and only what differs from the placements is acted upon.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from math import inf
from pathlib import Path

import structlog

from deis_node.cluster.etcd import Etcd
from deis_node.cluster.names import RUN_TYPE, CopyName
from deis_node.cluster.seal import Ring
from deis_node.cluster.tenure import ALWAYS, Tenure
from deis_node.containers import adopted
from deis_node.containers.cleaning import Cleaner
from deis_node.containers.copies import Copies, CopyView
from deis_node.containers.envs import Envs
from deis_node.containers.gate import Gate
from deis_node.containers.lost import LostContainers
from deis_node.containers.making import Maker
from deis_node.containers.once_worker import OnceWorker
from deis_node.containers.oneoffs import OneOffs
from deis_node.containers.portbook import PortBook
from deis_node.containers.prefetch import Prefetcher
from deis_node.containers.pulls import Pulls
from deis_node.containers.saved import SavedState, StateFile
from deis_node.containers.settings import RunnerSettings
from deis_node.containers.spec import Logging, Place
from deis_node.containers.tenures import Tenures
from deis_node.containers.trust import Placed, Wanted, absent_for_sure
from deis_node.containers.wanted import PlacementSource
from deis_node.containers.worker import Tools, Worker
from deis_node.docker import labels, marks
from deis_node.docker.client import Docker
from deis_node.docker.errors import Unavailable
from deis_node.docker.events import ContainerDied, Event, Subscribed, action
from deis_node.docker.model import Container, State
from deis_node.runtime import metrics
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import Tasks, forever, spawn

log = structlog.get_logger()

_EVENTS = metrics.counter(
    "deis_docker_events_total", "Events of the Docker Engine about our containers.", ["action"]
)

_TOUCH = 3600.0
"""Seconds between two confirmations on disk that the saved state still holds."""

_TENURE = 1.0
"""Seconds between two looks at the host's own lease."""

_FIRST_WORD = 2.0
"""Seconds that a restarted agent waits for the store before it starts what was saved."""


class Runner:
    """Runs this host's copies.

    `platform` is the id that our containers carry, `address` the host's private address that
    their ports are bound to, `registry` the `<address>:<port>` before the names of our images,
    `boot_id` the kernel's. `read_out`, if given, is awaited with a container's id before it is
    removed, until its log has been read; `tell` writes a line into an app's log. `tenure` says
    for how long what must be alone may run here, given when the store last confirmed this host
    as far as earlier agents knew. What is known of the copies is in `copies`.
    """

    def __init__(
        self,
        *,
        etcd: Etcd,
        docker: Docker,
        ring: Ring,
        host: str,
        address: str,
        platform: str,
        registry: str,
        boot_id: str,
        state_dir: Path,
        settings: RunnerSettings,
        read_out: Callable[[str], Awaitable[None]] | None = None,
        tell: Callable[[str, str], None] | None = None,
        tenure: Callable[[float], Tenure] = lambda _: ALWAYS,
    ) -> None:
        self.copies = Copies()
        self._etcd = etcd
        self._docker = docker
        self._place = Place(platform=platform, host=host, address=address)
        self._registry = registry
        self._boot_id = boot_id
        self._settings = settings
        self._read_out = read_out
        self._tell = tell
        self._state = StateFile(state_dir / "placements.json", SavedState)
        self._ports = PortBook(
            state_dir / "ports.json",
            low=settings.port_low,
            high=settings.port_high,
            quarantine=settings.port_quarantine,
        )
        self._envs = Envs(etcd, ring)
        self._oneoffs = OneOffs(
            etcd, ring, host, state_dir / "runs.json", limit=settings.run_output
        )
        self._tenure = Tenures(tenure, state_dir / "tenure.json", boot_id)
        self._source: PlacementSource | None = None
        self._prefetcher = Prefetcher(
            etcd,
            docker,
            host,
            state_dir,
            settings,
            busy=self._busy,
            used=self._used_images,
            trusted=lambda: self._wanted.trusted,
        )
        self._tasks = Tasks()
        self._tools = self._make_tools()
        self._workers: dict[str, Worker] = {}
        self._numbers = itertools.count(1)
        self._wanted = Wanted()
        self._saved = SavedState()
        self._may_start = False
        self._lost = LostContainers(docker, settings.sweep)

    @property
    def wanted(self) -> Wanted:
        """What this host holds of the store."""
        return self._wanted

    def hangs(self, container: str, run: str, reason: str) -> None:
        """A copy's run fails its liveness check, for this reason: it ends and starts again."""
        worker = self._workers.get(container)
        if worker is not None:
            worker.hangs(run, reason)

    async def run(self) -> None:
        """Run until cancelled; the containers go on without us."""
        async with self._tasks:
            age = await self._load()
            source = PlacementSource(self._etcd, self._place.host, self._wanted, self._told)
            self._source = source
            self._told(self._wanted)
            cleaner = Cleaner(
                self._docker,
                self._place.platform,
                self._registry,
                lambda: self._used_images() | self._prefetcher.wanted,
                self._settings,
            )
            async with asyncio.TaskGroup() as group:
                spawn(group, "placements", source.run())
                spawn(group, "docker events", forever("docker events", self._follow_events))
                spawn(group, "sweep", forever("sweep", self._sweep_often))
                spawn(group, "lost", forever("lost containers", self._lost.run))
                spawn(group, "images beforehand", self._prefetcher.run())
                spawn(group, "cleaning", forever("cleaning", cleaner.run))
                spawn(group, "save placements", forever("save placements", self._state.run))
                spawn(group, "save ports", forever("save ports", self._ports.file.run))
                spawn(group, "touch", forever("touch", self._touch))
                spawn(group, "boot", self._wait_after_boot(age))
                spawn(group, "tenure", forever("tenure", self._follow_tenure))

    # --- state on disk -------------------------------------------------------------------

    async def _load(self) -> float:
        """Take in what was saved; its age in seconds."""
        saved, age = await self._state.load()
        await self._ports.load()
        await self._oneoffs.load()
        await self._tenure.load()
        self._saved = saved or SavedState()
        self._envs.remember(self._saved.envs)
        self._wanted = Wanted(
            placements={name: Placed(item) for name, item in self._saved.placements.items()},
            incarnation=self._saved.incarnation,
            revision=self._saved.revision,
            broken=self._saved.broken,
        )
        return age

    def _save(self) -> None:
        """Keep what is held now; the file is written only when its content changes."""
        wanted = self._wanted
        if wanted.incarnation is None:
            return
        made = SavedState(
            incarnation=wanted.incarnation,
            revision=wanted.revision,
            broken=wanted.broken,
            boot_id=self._boot_id if self._may_start else self._saved.boot_id,
            placements={name: placed.placement for name, placed in wanted.placements.items()},
            envs=self._envs.sealed,
        )
        if replace(made, revision=self._saved.revision) != self._saved:
            self._saved = made
            self._state.put(made)

    async def _touch(self) -> None:
        while True:
            await asyncio.sleep(_TOUCH)
            if self._wanted.trusted:
                await self._state.touch()

    async def _wait_after_boot(self, age: float) -> None:
        """Give the store a chance to speak first; then what was saved counts."""
        same_boot = self._saved.boot_id in ("", self._boot_id)
        await asyncio.sleep(_FIRST_WORD if same_boot else self._settings.boot_wait)
        if age > self._settings.saved_age:
            log.warning("saved state is too old to start from", hours=round(age / 3600, 1))
            return
        self._allow_starts()

    def _allow_starts(self) -> None:
        if not self._may_start:
            self._may_start = True
            self._save()
            self._retry_all()

    # --- what is wanted ------------------------------------------------------------------

    def _told(self, wanted: Wanted) -> None:
        """There is another word from the store."""
        before, self._wanted = self._wanted, wanted
        if wanted.trusted:
            used = {placed.placement.env for placed in wanted.placements.values()}
            self._envs.keep(frozenset(name for name in used if name))
        self._save()
        for name in {*wanted.placements, *self._workers}:
            self._place_copy(name)
        if wanted.trusted and not self._may_start:
            self._allow_starts()
        if before.trusted != wanted.trusted:
            self._retry_all()

    def _place_copy(self, container: str) -> None:
        """Take the placement of one copy into the common view; wake its worker if it is news."""
        placed = self._wanted.placements.get(container)
        worker = self._workers.get(container)
        if worker is None:
            if placed is None:
                return
            worker = self._employ(placed.placement.copy)
        view = self.copies.get(container) or CopyView(worker.name)
        news = replace(
            view,
            placement=None if placed is None else placed.placement,
            revision=0 if placed is None else placed.revision,
            epoch=self._wanted.epoch,
            dismissed=placed is None and absent_for_sure(self._wanted, container),
        )
        if news != view or self.copies.get(container) is None:
            self.copies.put(news)
            worker.wake()

    async def _follow_tenure(self) -> None:
        """Keep the store's last word on this host on disk while there are single copies, and read
        the placements anew when its record came back: the leader may have moved them.
        """
        since = None
        while True:
            before, since = since, self._tenure.now(self._read_at).since
            if since != before and since is not None and self._source is not None:
                self._source.look()
            if any(placed.placement.single for placed in self._wanted.placements.values()):
                await self._tenure.save()
            await asyncio.sleep(_TENURE)

    @property
    def _read_at(self) -> float:
        return -inf if self._source is None else self._source.read_at

    # --- workers -------------------------------------------------------------------------

    def _make_tools(self) -> Tools:
        settings = self._settings
        pulls = Pulls(
            self._docker,
            self._tasks,
            self._image_came,
            first=settings.failure_first,
            longest=settings.pull_longest,
            begun=self._prefetcher.give_way,
        )
        maker = Maker(
            docker=self._docker,
            envs=self._envs,
            ports=self._ports,
            pulls=pulls,
            place=self._place,
            logging=Logging(settings.log_size, settings.log_files),
            kept=self._save,
            gate=Gate(settings.start_at_once, settings.start_patience),
        )
        return Tools(
            docker=self._docker,
            copies=self.copies,
            maker=maker,
            settings=settings,
            wanted=lambda: self._wanted,
            may_start=lambda: self._may_start,
            tenure=lambda: self._tenure.now(self._read_at),
            oneoffs=self._oneoffs,
            read_out=self._read_out,
            tell=self._tell,
        )

    def _employ(self, name: CopyName) -> Worker:
        kind = OnceWorker if name.type == RUN_TYPE else Worker
        worker = kind(name, self._tools)
        self._workers[name.container] = worker
        self._tasks.start(f"copy {name.container} #{next(self._numbers)}", self._work(worker))
        return worker

    async def _work(self, worker: Worker) -> None:
        await worker.run()
        del self._workers[worker.name.container]

    def _retry_all(self) -> None:
        for worker in self._workers.values():
            worker.retry()

    def _image_came(self, reference: str) -> None:
        for name, worker in self._workers.items():
            placed = self._wanted.placements.get(name)
            if placed is not None and placed.placement.image == reference:
                worker.retry()

    def _used_images(self) -> frozenset[str]:
        return frozenset(placed.placement.image for placed in self._wanted.placements.values())

    def _busy(self) -> bool:
        """Whether copies are on their way up: nothing else takes disk and network from them."""
        views = (self.copies.get(name) for name in self._wanted.placements)
        return any(view is not None and view.on_its_way for view in views)

    # --- the engine ----------------------------------------------------------------------

    async def _follow_events(self) -> None:
        pause = Backoff(initial=0.1, maximum=2.0)
        while True:
            try:
                async with aclosing(self._docker.events(self._ours())) as events:
                    async for event in events:
                        await self._heard(event)
                        pause.reset()
            except Unavailable as err:
                log.warning("docker events interrupted", error=err.text)
            await pause.wait()

    async def _heard(self, event: Event) -> None:
        _EVENTS.labels(action(event)).inc()
        if isinstance(event, Subscribed):
            self._lost.wake()
            await self._sweep()
            for each in self._workers.values():
                each.wake()
            return
        copy = marks.copy_of(event.name, event.labels)
        worker = self._workers.get(event.name if copy is None else copy.container)
        if worker is None:
            return
        if isinstance(event, ContainerDied):
            worker.died(event)
        else:
            worker.wake()

    async def _sweep_often(self) -> None:
        while True:
            await asyncio.sleep(self._settings.sweep)
            try:
                await self._sweep()
            except Unavailable as err:
                log.info("containers cannot be listed", error=err.text)

    async def _sweep(self) -> None:
        """Look at all containers of ours at once; wake the workers of those that differ."""
        found = adopted.by_copy(await self._docker.list(self._ours()))
        for name, item in found.items():
            copy = marks.copy_of(item.name, item.labels)
            if copy is None:
                continue
            if name not in self._workers:
                self._employ(copy)
                self._place_copy(name)
        for name, worker in self._workers.items():
            if _differs(self.copies.get(name), found.get(name)):
                worker.wake()
        if self._wanted.trusted:
            known = {*self._wanted.placements, *self._workers}
            self._ports.keep(known)
            await self._oneoffs.keep(known)

    def _ours(self) -> dict[str, str]:
        return {labels.PLATFORM: self._place.platform}


def _differs(view: CopyView | None, item: Container | None) -> bool:
    """Whether the engine's list shows a container in another way than we know it."""
    if view is None or view.container_id is None:
        return item is not None
    if item is None or item.id != view.container_id:
        return True
    if view.health is not None and view.health is not item.health:
        return True
    return (item.state is State.RUNNING) != (view.run is not None)
