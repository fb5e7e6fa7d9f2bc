"""Copies of apps: which there are, scaling, restarting."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from deis_control.db import releases
from deis_control.db.pool import Connection, Database
from deis_control.deltas import RestartDelta, ScaleDelta, StartDelta, StopDelta
from deis_control.errors import NotFound
from deis_control.logger.client import EventLog
from deis_control.model import App, Operation, User
from deis_control.model import CopyState as CopyState
from deis_control.rules import scale_event, stop_event
from deis_control.rules.scaling import check_scalable, check_stoppable
from deis_control.services.operations import Operations
from deis_control.services.previews import Preview, Previews
from deis_node.cluster.names import RUN_TYPE
from deis_node.cluster.seal import Ring


class CopiesView(Protocol):
    """The cluster's state, as far as the API shows it."""

    def copies(self, app: str) -> Sequence[CopyState]:
        """All copies of the app; Unavailable while the cluster's state is not known."""
        ...


class Containers:
    """Use cases about an app's copies."""

    def __init__(
        self,
        database: Database,
        ring: Ring,
        operations: Operations,
        view: CopiesView,
        events: EventLog,
        previews: Previews,
    ) -> None:
        self._database = database
        self._ring = ring
        self._operations = operations
        self._view = view
        self._events = events
        self._previews = previews

    def all_of(self, app: App) -> tuple[CopyState, ...]:
        """The app's copies but one-off runs, oldest first."""
        return tuple(copy for copy in self._sorted(app) if copy.name.type != RUN_TYPE)

    def of_type(self, app: App, process_type: str) -> tuple[CopyState, ...]:
        """The app's copies of a type, oldest first."""
        return tuple(copy for copy in self._sorted(app) if copy.name.type == process_type)

    def one(self, app: App, process_type: str, num: str) -> CopyState:
        """One copy, the newest of that type and number; NotFound."""
        found = [copy for copy in self.of_type(app, process_type) if str(copy.name.num) == num]
        if not found:
            raise NotFound
        return max(found, key=lambda copy: (copy.name.release, copy.name.generation))

    async def accept_scale(
        self, app: App, user: User, requested: dict[str, int]
    ) -> Operation | None:
        """Accept other counts; None for none at all. BadRequest without a build or such a type."""
        async with self._database.transaction("scale") as conn:
            structure = await self._check_scale(conn, app, requested)
            if not requested:
                return None
            before = {"structure": {kind: structure.get(kind, 0) for kind in requested}}
            operation = await self._operations.submit(
                conn, app, ScaleDelta(requested), user, before=before
            )
        self._events.send(app.id, scale_event(user.username, requested))
        return operation

    async def preview_scale(self, app: App, user: User, requested: dict[str, int]) -> Preview:
        """What a scale would do; the same errors."""
        async with self._database.snapshot() as conn:
            await self._check_scale(conn, app, requested)
            return await self._previews.of(conn, app, user, ScaleDelta(requested))

    async def accept_steering(
        self, app: App, user: User, delta: StopDelta | StartDelta
    ) -> Operation:
        """Accept that copies stop or start, their counts staying as they are.

        BadRequest without a build or such a type.
        """
        async with self._database.transaction("stop or start") as conn:
            await self._check_steering(conn, app, delta)
            operation = await self._operations.submit(conn, app, delta, user)
        verb = "stopped" if isinstance(delta, StopDelta) else "started"
        self._events.send(app.id, stop_event(user.username, verb, delta.type))
        return operation

    async def preview_steering(
        self, app: App, user: User, delta: StopDelta | StartDelta
    ) -> Preview:
        """What a stop or a start would do; the same errors."""
        async with self._database.snapshot() as conn:
            await self._check_steering(conn, app, delta)
            return await self._previews.of(conn, app, user, delta)

    async def accept_restart(
        self, app: App, user: User, process_type: str | None = None, num: str | None = None
    ) -> Operation | None:
        """Accept that the chosen copies are made again, each new one before its old one leaves.

        None when there is none.
        """
        chosen = self.chosen(app, process_type, num)
        if not chosen:
            return None
        delta = RestartDelta(process_type, None if num is None else chosen[0].name.num)
        async with self._database.transaction("restart") as conn:
            return await self._operations.submit(conn, app, delta, user)

    async def preview_restart(
        self, app: App, user: User, process_type: str | None = None, num: str | None = None
    ) -> Preview:
        """What a restart would do; nothing when there is no such copy."""
        chosen = self.chosen(app, process_type, num)
        found = chosen[0].name.num if chosen else 0
        delta = RestartDelta(process_type, None if num is None else found)
        async with self._database.snapshot() as conn:
            return await self._previews.of(conn, app, user, delta)

    async def _check_scale(
        self, conn: Connection, app: App, requested: dict[str, int]
    ) -> Mapping[str, int]:
        """The formation as it is."""
        latest = await releases.latest_target(conn, self._ring, app.uuid)
        check_scalable(requested, latest.build)
        return latest.app.structure

    async def _check_steering(
        self, conn: Connection, app: App, delta: StopDelta | StartDelta
    ) -> None:
        latest = await releases.latest_target(conn, self._ring, app.uuid)
        check_stoppable(delta.type, latest.app.structure, latest.build)

    def chosen(self, app: App, process_type: str | None, num: str | None) -> tuple[CopyState, ...]:
        """The copies that a restart of this type and number is about."""
        found = self.all_of(app) if process_type is None else self.of_type(app, process_type)
        return tuple(
            copy
            for copy in found
            if copy.name.type != RUN_TYPE and num in (None, str(copy.name.num))
        )

    def _sorted(self, app: App) -> list[CopyState]:
        found = self._view.copies(app.id)
        return sorted(found, key=lambda copy: (copy.created, copy.name))
