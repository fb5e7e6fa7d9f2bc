"""Copies of lost hosts are made again while PostgreSQL cannot say what is wanted; nothing else.

What the store itself says is enough for a failover: which copies shall run, and what each asks of a
host. So it goes for all apps while a leader leads that was elected without PostgreSQL: it cannot
raise the epoch, so it must neither write there nor follow what it may remember of it
(`Caretaker`). And for one app whose change waits for PostgreSQL, to begin, to go on or to end
(`care_for`). Every write is fenced by the election key, as always.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

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

log = structlog.get_logger()

_SHORT = 0.5
"""Seconds until another look after a write that was refused, or that etcd did not answer; and that
one look waits for the store."""


def kept_targets(world: World) -> list[Target]:
    """What the store says an app is, one target for each release that runs. PURE.

    Copies whose placements do not say which hosts are for them are left out: only PostgreSQL knows.
    """
    if world.route is None:
        return []
    releases: dict[int, list[Placed]] = {}
    for item in _oldest(world.placed.values()):
        releases.setdefault(item.copy.release, []).append(item)
    return [_target(world, found) for found in releases.values()]


def successors(world: World, engine: str) -> tuple[Place, ...]:
    """The copies that `engine` makes in the place of lost ones, as far as hosts take them. PURE."""
    steps = []
    world = replace(world, may_remove=False, engine=engine)
    for target in kept_targets(world):
        stand = standing(world, target)
        steps += [
            stand.place(copy, host, stand.choice.why[copy])
            for copy, host in stand.choice.hosts.items()
            if copy in stand.line.before
        ]
    return tuple(steps)


def _oldest(placed: Iterable[Placed]) -> Iterable[Placed]:
    """Of the running placements that differ by generation only, the oldest: `succession` knows
    who of them shall run.
    """
    found: dict[tuple[int, str, int], Placed] = {}
    for item in placed:
        if item.runs and item.placement.tags is not None:
            slot = (item.copy.release, item.copy.type, item.copy.num)
            before = found.get(slot)
            if before is None or item.copy.generation < before.copy.generation:
                found[slot] = item
    return found.values()


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


async def care_for(lead: Leadership, app: str) -> None:
    """Look once at an app whose change waits for PostgreSQL. Fenced.

    What else goes wrong is logged, and etcd is not waited for: whoever waits looks again.
    """
    try:
        async with asyncio.timeout(_SHORT):
            await lead.store.trust()
        world = lead.view.snapshot(app, None, lead.settings.limits())
        steps = successors(world, world.engine)
        if steps:
            await lead.carry_out(app, steps, None)
    except Fenced:
        raise
    except (EtcdError, TimeoutError) as err:
        log.info("app not looked at", app=app, reason=str(err) or "the store is not sure")
    except Exception:
        log.exception("app cannot be looked at", app=app)


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
        waits = [self._settings.look]
        for app in self._view.apps:
            placed = self._view.app(app).placed.values()
            if all(self._view.is_alive(item.host) for item in placed):
                continue
            waits.append(await self._try(app))
        return min(waits)

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
        if not accepted:
            return _SHORT
        if world.reconsider is None:
            return self._settings.look
        return max(world.reconsider - asyncio.get_running_loop().time(), 0.01)
