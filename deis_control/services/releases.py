"""Releases: looking at them, comparing them, and going back to one."""

from deis_control.db import apps, releases
from deis_control.db.pool import Connection, Database
from deis_control.deltas import RollbackDelta
from deis_control.errors import BadRequest, NotFound
from deis_control.model import App, Operation, Page, Release, Target, User, Window
from deis_control.rules.diffs import ReleaseDiff, release_diff
from deis_control.services.operations import Operations
from deis_control.services.previews import Preview, Previews
from deis_node.cluster.seal import Ring


class Releases:
    """Use cases about releases."""

    def __init__(
        self, database: Database, ring: Ring, operations: Operations, previews: Previews
    ) -> None:
        self._database = database
        self._ring = ring
        self._operations = operations
        self._previews = previews

    async def page(self, app: App, window: Window) -> Page[Release]:
        """The app's live releases, newest first."""
        async with self._database.connection() as conn:
            return await releases.page_of(conn, app.uuid, window)

    async def find(self, app: App, version: int) -> Release:
        """The release of that number, whatever became of it; NotFound."""
        async with self._database.connection() as conn:
            return await releases.any_state(conn, app.uuid, version)

    async def diff(self, app: App, old: int, new: int) -> ReleaseDiff:
        """What differs between two releases, whatever became of them; NotFound."""
        async with self._database.snapshot() as conn:
            return release_diff(
                await self._target(conn, app, old), await self._target(conn, app, new)
            )

    async def preview_rollback(self, app: App, user: User, version: int | None) -> Preview:
        """What a rollback would do, without the deploys that it would cancel; the same errors."""
        async with self._database.snapshot() as conn:
            under_way = bool(await self._operations.deploys(conn, app))
            wanted = await _rollback_target(conn, app, version, under_way)
            return await self._previews.of(conn, app, user, RollbackDelta(wanted.version))

    async def _target(self, conn: Connection, app: App, version: int) -> Target:
        release = await releases.any_state(conn, app.uuid, version)
        return await releases.target(conn, self._ring, app, release)

    async def accept_rollback(self, app: App, user: User, version: int | None) -> Operation:
        """Accept the way back to a live release, or to the one before the latest.

        Deploys under way are cancelled first. NotFound without such a release, BadRequest when
        there is none before.
        """
        async with self._database.transaction("rollback") as conn:
            await apps.lock(conn, app.uuid)
            cancelled = await self._operations.cancel_deploys(conn, app)
            wanted = await _rollback_target(conn, app, version, cancelled)
            delta = RollbackDelta(wanted.version)
            latest = await releases.latest(conn, app.uuid)
            before = {"version": latest.version}
            return await self._operations.submit(conn, app, delta, user, before=before)

    async def released(self, operation: Operation) -> int:
        """The number of the release that an accepted rollback made. OperationFailed."""
        ended = await self._operations.wait(operation)
        assert ended.release is not None, "a rollback makes a release"
        return ended.release


async def _rollback_target(
    conn: Connection, app: App, version: int | None, cancelled: bool
) -> Release:
    """Which release is meant: without a number the one that served before the last change,
    which is the live one itself while that change is still on its way.
    """
    if version is not None:
        return await releases.live(conn, app.uuid, version)
    latest = await releases.latest(conn, app.uuid)
    if cancelled:
        return latest
    try:
        return await releases.before(conn, app.uuid, latest.version)
    except NotFound as err:
        raise BadRequest("version cannot be below 0") from err
