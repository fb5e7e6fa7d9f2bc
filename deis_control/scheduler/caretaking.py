"""Copies of lost hosts are made again while PostgreSQL cannot say what is wanted; nothing else.

What the store itself says is enough for a failover: which copies shall run, and what each asks of a
host. So it goes for all apps while a leader leads that was elected without PostgreSQL: it cannot
raise the epoch, so it must neither write there nor follow what it may remember of it
(`Caretaker`). And for apps with work that waits for PostgreSQL, such as a change that is to begin
or to end, or the first look of a term (`looked_after`). Every write is fenced by the election key,
as always.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from deis_control.errors import Fenced
from deis_control.scheduler.apply import Store
from deis_control.scheduler.leadership import Events, Leadership, successor_of
from deis_control.scheduler.settings import SchedulerSettings
from deis_control.scheduler.standing import standing
from deis_control.scheduler.steps import Place
from deis_control.scheduler.view import Changes, ClusterView
from deis_control.scheduler.world import Placed, Target, World
from deis_control.scheduler.writes import change_for
from deis_node.cluster.etcd import EtcdError
from deis_node.cluster.records import NATIVE, Placement
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_T = TypeVar("_T")

_SHORT = 0.5
"""Seconds until another look after a write, or one that etcd did not answer."""
_AGAIN = 1.0
"""Seconds between two looks while something waits for PostgreSQL, and before the first."""


def kept_targets(world: World) -> list[Target]:
    """What the store says an app is, one target for each release, those with requests first. PURE.

    Copies whose placements do not say which hosts are for them are left out: only PostgreSQL knows.
    """
    if world.route is None:
        return []
    weights = world.route.route.releases
    releases: dict[int, list[Placed]] = {}
    for item in _kept(world.placed.values(), weights):
        releases.setdefault(item.copy.release, []).append(item)
    most = sorted(releases, key=lambda number: (-weights.get(str(number), -1), -number))
    return [_target(world, releases[number]) for number in most]


def successors(world: World, engine: str) -> tuple[Place, ...]:
    """The copies that `engine` makes in the place of lost ones, as far as hosts take them. PURE.

    Of one release at a time: the next look knows what these take of the hosts.
    """
    world = replace(world, may_remove=False, engine=engine)
    for target in kept_targets(world):
        stand = standing(world, target)
        steps = tuple(
            stand.place(copy, host, stand.choice.why[copy])
            for copy, host in stand.choice.hosts.items()
            if copy in stand.line.before
        )
        if steps:
            return steps
    return ()


def _kept(placed: Iterable[Placed], routed: Collection[str]) -> Iterable[Placed]:
    """The running placements that are made again when their hosts are lost.

    Of those that differ by generation only, the oldest: `succession` knows who of them shall run.
    None of a release without requests where one with requests has the like: it is new and does not
    serve yet, perhaps never will, or is about to leave.
    """
    found: dict[tuple[int, str, int], Placed] = {}
    for item in placed:
        if item.runs and item.placement.tags is not None:
            slot = (item.copy.release, item.copy.type, item.copy.num)
            before = found.get(slot)
            if before is None or item.copy.generation < before.copy.generation:
                found[slot] = item
    serving = {(kind, num) for release, kind, num in found if str(release) in routed}
    for (release, kind, num), item in found.items():
        if str(release) in routed or (kind, num) not in serving:
            yield item


def _target(world: World, items: list[Placed]) -> Target:
    assert world.route is not None, "an app that serves has a route"
    like = {item.copy.type: item.placement for item in items}
    one = items[0].placement
    return Target(
        copies=frozenset(item.copy for item in items),
        route=world.route.route,
        tags=one.tags or {},
        memory={kind: placement.memory or 0 for kind, placement in like.items()},
        cpu={kind: placement.cpu or 0 for kind, placement in like.items()},
        arch=one.arch,
        single=frozenset(kind for kind, placement in like.items() if placement.single),
    )


async def looked_after(
    lead: Leadership, apps: Callable[[], Iterable[str]], work: Awaitable[_T]
) -> _T:
    """Do work that waits for PostgreSQL; while that takes long, look at these apps each second."""
    async with Tasks() as tasks:
        tasks.start("caretaking", _looks(lead, apps))
        return await work


async def _looks(lead: Leadership, apps: Callable[[], Iterable[str]]) -> None:
    """Look until cancelled, or fenced: who waits finds that out as well."""
    while True:
        await asyncio.sleep(_AGAIN)
        for app in apps():
            try:
                await _look_once(lead, app)
            except Fenced as err:
                log.warning("caretaking ended", reason=str(err))
                return
            except EtcdError as err:
                log.info("app not looked at", app=app, reason=str(err))
            except Exception:
                log.exception("app cannot be looked at", app=app)


async def _look_once(lead: Leadership, app: str) -> None:
    if _is_whole(lead.view, app):
        return
    await lead.store.trust()
    world = lead.view.snapshot(app, None, lead.settings.limits())
    await lead.carry_out(app, successors(world, world.engine), None)


def _is_whole(view: ClusterView, app: str) -> bool:
    """Whether no copy of the app is on a lost host."""
    return all(view.is_alive(item.host) for item in view.app(app).placed.values())


class Caretaker:
    """Works on every app that has copies on lost hosts; `run` until cancelled, or fenced."""

    def __init__(
        self, view: ClusterView, store: Store, events: Events, settings: SchedulerSettings
    ) -> None:
        self._view = view
        self._store = store
        self._events = events
        self._settings = settings

    async def run(self) -> None:
        """Look at every change, and when a lost copy may be made again."""
        with self._view.subscribe() as changes:
            try:
                while True:
                    await self._heard(changes, await self._look())
            except Fenced as err:
                log.warning("caretaking ended", reason=str(err))

    async def _heard(self, changes: Changes, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await changes.wait()
        except TimeoutError:
            return

    async def _look(self) -> float:
        """Look at all apps; in how many seconds to look again though nothing changes."""
        hurt = (app for app in self._view.apps if not _is_whole(self._view, app))
        return min([self._settings.look, *[await self._try(app) for app in hurt]])

    async def _try(self, app: str) -> float:
        """Look at one app; what goes wrong with it is no other's trouble. Fenced."""
        try:
            return await self._look_at(app)
        except Fenced:
            raise
        except EtcdError as err:
            log.info("app waits", app=app, reason=str(err))
            return _SHORT
        except Exception:
            log.exception("app cannot be looked at", app=app)
            return self._settings.look

    async def _look_at(self, app: str) -> float:
        await self._store.trust()
        world = self._view.snapshot(app, None, self._settings.limits())
        # Nobody leads a Docker Swarm without an epoch: agents run what is made now, on any host.
        steps = successors(world, NATIVE)
        made: list[tuple[str, Placement]] = []

        def make(step: Place) -> Placement:
            created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SUTC")
            found = replace(successor_of(step, created), engine=NATIVE)
            made.append((step.host, found))
            return found

        changes = [change_for(app, step, make) for step in steps]
        with self._view.reserved(made):
            accepted = await self._store.write(changes)
        for step in steps if accepted else ():
            self._events.send(app, f"{step.copy.process} is made again on {step.host}: {step.why}")
            log.info("copy moves", app=app, process=step.copy.process, host=step.host)
        if steps or not accepted:
            return _SHORT
        if world.reconsider is None:
            return self._settings.look
        return max(world.reconsider - asyncio.get_running_loop().time(), 0.01)
