"""Finding an app on behalf of somebody: first whether it is there, then whether he may."""

from deis_control.db import apps, users
from deis_control.db.pool import Connection, Database
from deis_control.errors import Forbidden
from deis_control.model import App, User
from deis_control.rules.access import may_use


class Access:
    """The one place that applies the "app user" rule (api.md 1.9)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def app(self, user: User, app_id: str, *, deleting: bool = False) -> App:
        """The app; NotFound without it, Forbidden when the user may not use it so."""
        async with self._database.connection() as conn:
            return await _app_for(conn, user, app_id, deleting)

    async def named(self, username: str, app_id: str) -> tuple[User, App]:
        """A user and an app that he may push to; NotFound without either, Forbidden."""
        async with self._database.connection() as conn:
            user = await users.find(conn, username)
            return user, await _app_for(conn, user, app_id, deleting=False)


async def _app_for(conn: Connection, user: User, app_id: str, deleting: bool) -> App:
    app = await apps.find(conn, app_id)
    granted = await apps.is_collaborator(conn, app.uuid, user.id)
    if not may_use(user, app, collaborator=granted, deleting=deleting):
        raise Forbidden
    return app
