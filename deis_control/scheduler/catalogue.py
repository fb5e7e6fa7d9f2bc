"""What PostgreSQL wants of every app, remembered: steady state goes on while it is away."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from deis_control.db import desired
from deis_control.db.desired import Desired
from deis_control.db.pool import Connection
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.formation import settled_copies
from deis_control.scheduler.succession import succession
from deis_control.scheduler.world import Target, World
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Route


class Catalogue:
    """Every app's latest live release and formation, as last read."""

    def __init__(self) -> None:
        self._apps: dict[str, Desired] = {}
        self._read: dict[str, int] = {}
        self._clock = 0

    def get(self, app: str) -> Desired | None:
        """What the app shall run; None when there is no such app."""
        return self._apps.get(app)

    @property
    def apps(self) -> tuple[str, ...]:
        """The ids of all apps."""
        return tuple(self._apps)

    async def read_all(self, conn: Connection) -> frozenset[str]:
        """Read every app anew; those that differ from before."""
        began = self._tick()
        found = await desired.of_all(conn)
        ids = found.keys() | self._apps.keys()
        return frozenset(app for app in ids if self._set(app, found.get(app), began))

    async def read(self, conn: Connection, app: UUID) -> str | None:
        """Read one app anew; its id, if it is or was known."""
        began = self._tick()
        found = await desired.of_app(conn, app)
        known = (i for i, wanted in self._apps.items() if wanted.uuid == app)
        name = found.id if found else next(known, None)
        if name is not None:
            self._set(name, found, began)
        return name

    def _set(self, app: str, found: Desired | None, began: int) -> bool:
        """Take in what a read found, unless a later read of the app is in already."""
        if self._read.get(app, 0) > began:
            return False
        self._read[app] = began
        if self._apps.get(app) == found:
            return False
        if found is None:
            del self._apps[app]
        else:
            self._apps[app] = found
        return True

    def _tick(self) -> int:
        self._clock += 1
        return self._clock


def rest_target(
    wanted: Desired, world: World, drain: float, blueprint: Blueprint | None = None
) -> Target | None:
    """An app's target at rest; None when that needs the release's blueprint. PURE.

    It is not needed while the store has a placement or a predecessor's for every copy, and a
    route of the same release: whitelist, limits and tags change with the release only.
    """
    copies = settled_copies(
        wanted.id, wanted.release, wanted.structure if wanted.built else {}, world.placed.values()
    )
    if blueprint is not None:
        return Target(
            copies,
            blueprint.route(wanted.domains, drain=drain),
            tags=blueprint.config.tags,
            memory=blueprint.memory,
            cpu=blueprint.config.cpu,
            arch=blueprint.arch,
            single=blueprint.single,
        )
    kept = _kept_route(wanted, world, drain)
    if kept is None or _lacks_like(world, copies):
        return None
    # Limits are a release's: of each type one placement speaks for all.
    like = {item.copy.type: item.placement for item in world.placed.values() if item.copy in copies}
    return Target(
        copies,
        kept,
        tags=wanted.tags,
        memory={kind: placement.memory or 0 for kind, placement in like.items()},
        cpu={kind: placement.cpu or 0 for kind, placement in like.items()},
        arch=wanted.arch,
        single=frozenset(kind for kind, placement in like.items() if placement.single),
    )


def _lacks_like(world: World, copies: Collection[CopyName]) -> bool:
    """Whether a copy is to be made that is like none in the store: neither placed nor succeeded."""
    there = world.placed
    missing = [copy for copy in copies if copy.container not in there]
    if not missing:
        return False
    line = succession(world, missing, at_rest=True)
    unplaced = (copy for copy in line.holders.values() if world.of(copy) is None)
    return any(copy not in line.before for copy in unplaced)


def _kept_route(wanted: Desired, world: World, drain: float) -> Route | None:
    """The app's route as it should be, if the store has one of the same release."""
    releases = {str(wanted.release): 1} if wanted.built else {}
    if world.route is None or world.route.route.releases != releases:
        return None
    return replace(world.route.route, domains=wanted.domains, drain=drain)
