"""Releases: looking at them, and going back to one."""

from deis_control.db import apps, releases
from deis_control.db.pool import Connection, Database
from deis_control.deltas import RollbackDelta
from deis_control.errors import BadRequest, NotFound
from deis_control.model import App, Operation, Page, Release, User, Window
from deis_control.services.operations import Operations


class Releases:
    """Use cases about releases."""

    def __init__(self, database: Database, operations: Operations) -> None:
        self._database = database
        self._operations = operations

    async def page(self, app: App, window: Window) -> Page[Release]:
        """The app's live releases, newest first."""
        async with self._database.connection() as conn:
            return await releases.page_of(conn, app.uuid, window)

    async def find(self, app: App, version: int) -> Release:
        """The release of that number, whatever became of it; NotFound."""
        async with self._database.connection() as conn:
            return await releases.any_state(conn, app.uuid, version)

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
