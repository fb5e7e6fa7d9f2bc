"""Config, limits and tags: looking at them, and changing them by a release."""

from deis_control.db import configs, releases
from deis_control.db.pool import Connection, Database
from deis_control.deltas import ConfigDelta
from deis_control.model import App, Config, ConfigData, Operation, Target, User
from deis_control.rules import changes, merge_config
from deis_control.services.operations import Operations
from deis_control.services.previews import Preview, Previews
from deis_node.cluster.seal import Ring


class Configs:
    """Use cases about configs."""

    def __init__(
        self, database: Database, ring: Ring, operations: Operations, previews: Previews
    ) -> None:
        self._database = database
        self._ring = ring
        self._operations = operations
        self._previews = previews

    async def current(self, app: App) -> Config:
        """The config of the latest live release."""
        async with self._database.connection() as conn:
            return await configs.of_latest(conn, self._ring, app.uuid)

    async def accept(self, app: App, user: User, delta: ConfigDelta) -> Operation:
        """Accept a change, also one that changes nothing. Invalid when the config would be too
        large.
        """
        async with self._database.transaction("change config") as conn:
            data = await self._check(conn, app, delta)
            before = changes.audited_before(data, delta)
            return await self._operations.submit(conn, app, delta, user, before=before)

    async def released(self, app: App, operation: Operation) -> Target:
        """The release that came of an accepted change, once it serves. OperationFailed."""
        ended = await self._operations.wait(operation)
        return await self._operations.outlast(lambda: self._made(app, ended))

    async def preview(self, app: App, user: User, delta: ConfigDelta) -> Preview:
        """What a change would do; Invalid when the config would be too large."""
        async with self._database.snapshot() as conn:
            await self._check(conn, app, delta)
            return await self._previews.of(conn, app, user, delta)

    async def _check(self, conn: Connection, app: App, delta: ConfigDelta) -> ConfigData:
        """The config as it is. Invalid when the change would make it too large."""
        latest = await releases.latest_target(conn, self._ring, app.uuid)
        merge_config(latest.config.data, delta)
        return latest.config.data

    async def _made(self, app: App, ended: Operation) -> Target:
        """The release that the operation made."""
        assert ended.release is not None, "a config change makes a release"
        async with self._database.connection() as conn:
            made = await releases.any_state(conn, app.uuid, ended.release)
            return await releases.target(conn, self._ring, app, made)
