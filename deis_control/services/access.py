"""Finding an app on behalf of somebody: first whether it is there, then whether he may."""

from deis_control.db import apps, users
from deis_control.db.pool import Connection, Database
from deis_control.errors import Forbidden
from deis_control.model import App, Login, User
from deis_control.rules.access import owns


class Access:
    """The one place that applies the "app user" rule (api.md 1.9)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def app(self, login: Login, app_id: str, *, owning: bool = False) -> App:
        """The app; NotFound without it, Forbidden when the caller may not use it so.

        `owning` asks for what its owner alone may do.
        """
        async with self._database.connection() as conn:
            app = await _app_for(conn, login.user, app_id, owning)
        if login.token.app not in (None, app.uuid):
            raise Forbidden(f"The token is good for the app {login.token.app_id} only.")
        return app

    async def named(self, username: str, app_id: str) -> tuple[User, App]:
        """A user and an app that he may push to; NotFound without either, Forbidden."""
        async with self._database.connection() as conn:
            user = await users.find(conn, username)
            return user, await _app_for(conn, user, app_id, owning=False)


async def _app_for(conn: Connection, user: User, app_id: str, owning: bool) -> App:
    app = await apps.find(conn, app_id)
    if owns(user, app):
        return app
    if owning or not await apps.is_collaborator(conn, app.uuid, user.id):
        raise Forbidden
    return app
