"""What copies wait for, asked by any controller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from deis_control.db import apps, control, desired, operations, releases
from deis_control.db.desired import Desired
from deis_control.db.pool import Connection, Database
from deis_control.errors import NotFound
from deis_control.scheduler.blueprint import Blueprint
from deis_control.scheduler.catalogue import rest_target
from deis_control.scheduler.reasons import Reasons, reasons
from deis_control.scheduler.snapshot import AppKeys
from deis_control.scheduler.states import state_of
from deis_control.scheduler.world import Limits, Observed, Placed, Target, World
from deis_node.cluster.names import RUN_TYPE, CopyName
from deis_node.cluster.records import Intent
from deis_node.cluster.seal import Ring, SealError

COMMAND = "it is a one-off command, which nobody makes again elsewhere: its end is waited for"


class WorldView(Protocol):
    """The cluster's state, as the planner looks at it."""

    @property
    def intent(self) -> Intent:
        """The last accepted change that the store knows of."""
        ...

    def snapshot(self, app: str, target: Target | None, limits: Limits) -> World:
        """The planner's world of one app."""
        ...

    def held(self) -> Mapping[str, AppKeys]:
        """What the store holds of each app; to be looked at, not kept."""
        ...

    def is_alive(self, host: str) -> bool:
        """Whether the host's record is there."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A copy on a host, and what it waits for."""

    observed: Observed
    waits: str | None
    """None while it waits for nothing."""

    @property
    def copy(self) -> CopyName:
        """The copy's name."""
        return self.observed.copy


class Waits:
    """Answers why copies are not where they shall be."""

    def __init__(self, database: Database, ring: Ring, view: WorldView, limits: Limits) -> None:
        self._database = database
        self._ring = ring
        self._view = view
        self._limits = limits

    async def of_app(self, conn: Connection, app: str, wanted: Desired | None) -> Reasons:
        """Of one app's copies; `wanted` is what the database wants of it."""
        return await self._reasons(conn, app, wanted, may_remove=await self._knows(conn))

    async def on_host(self, host: str) -> Sequence[Waiting]:
        """Every copy on a host, by name."""
        placed = {app: (keys, _on(host, keys)) for app, keys in self._view.held().items()}
        found = []
        async with self._database.connection() as conn:
            knows, wanted = await self._knows(conn), await desired.of_all(conn)
            for app, (keys, items) in sorted(placed.items()):
                if items:
                    why = await self._reasons(conn, app, wanted.get(app), may_remove=knows)
                    found += [self._waiting(item, keys, why) for item in items]
        return found

    async def _knows(self, conn: Connection) -> bool:
        seen = self._view.intent
        return (await control.counted(conn, seen.seq, seen.mark)).knows

    async def _reasons(
        self, conn: Connection, app: str, wanted: Desired | None, *, may_remove: bool
    ) -> Reasons:
        world = replace(self._view.snapshot(app, None, self._limits), may_remove=may_remove)
        if wanted is None:
            return reasons(world, busy=False)
        if await operations.next_open_of(conn, wanted.uuid) is not None:
            return reasons(world, busy=True)
        try:
            target = await self._target(conn, wanted, world)
        except (SealError, NotFound):
            return reasons(world, busy=True)  # NotFound: it was destroyed just now.
        return reasons(replace(world, target=target), busy=False)

    async def _target(self, conn: Connection, wanted: Desired, world: World) -> Target | None:
        target = rest_target(wanted, world, self._limits.drain)
        if target is not None:
            return target
        app = await apps.get(conn, wanted.uuid)
        release = await releases.live(conn, wanted.uuid, wanted.release)
        live = await releases.target(conn, self._ring, app, release)
        return rest_target(wanted, world, self._limits.drain, Blueprint.of(live))

    def _waiting(self, item: Placed, keys: AppKeys, why: Reasons) -> Waiting:
        seen = keys.instances.get(f"{item.host}/{item.copy.container}")
        instance = seen.instance if seen else None
        state = state_of(item, instance, alive=self._view.is_alive(item.host))
        command = COMMAND if item.copy.type == RUN_TYPE else None
        waits = why.waits.get(item.copy.container, command)
        return Waiting(Observed(item, instance, state), waits)


def _on(host: str, keys: AppKeys) -> list[Placed]:
    """An app's copies and commands on a host, by name."""
    placed = (*keys.placed.values(), *keys.runs.values())
    return sorted((item for item in placed if item.host == host), key=lambda item: item.copy)
