"""Who asks, and for which app: first whether it is there, then whether he may."""

from dataclasses import dataclass
from uuid import UUID

from deis_control.db import apps, operations, users
from deis_control.db.pool import Connection, Database
from deis_control.errors import Forbidden, NotFound
from deis_control.model import App, Login, Operation, User
from deis_control.rules.access import owns
from deis_control.services.accounts import holder_of


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the database told of a request: who asks, and for which app."""

    login: Login
    app: App | None = None
    """None when there is no such app, or none was asked for."""
    granted: bool = False
    """Whether the app was shared with the caller; asked only of others than its owners."""
    operation: Operation | None = None

    def admitted(self, *, owning: bool = False) -> App:
        """The app; NotFound without it, Forbidden when the caller may not use it so (api.md 1.9).

        `owning` asks for what its owner alone may do.
        """
        app, token = self.app, self.login.token
        if app is None:
            raise NotFound
        if not owns(self.login.user, app) and (owning or not self.granted):
            raise Forbidden
        if token.app not in (None, app.uuid):
            raise Forbidden(f"The token is good for the app {token.app_id} only.")
        return app


class Access:
    """The one place that lets callers in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(
        self, token: str, *, app: str | None = None, operation: UUID | None = None
    ) -> Seen:
        """Who holds the token, and the app of that name, or the operation with its app.

        Unauthorized when nobody holds it. What may not be is for `Seen.admitted` to say, because
        the body comes first in the order of checks (api.md 1.5).
        """
        async with self._database.connection() as conn:
            login = await holder_of(conn, token)
            change = None if operation is None else await _operation(conn, operation)
            name = app if change is None else change.app_id
            return Seen(login) if name is None else await _seen(conn, login, name, change)

    async def app(self, login: Login, app_id: str) -> App:
        """The app; NotFound without it, Forbidden when the caller may not use it."""
        async with self._database.connection() as conn:
            return (await _seen(conn, login, app_id)).admitted()

    async def named(self, username: str, app_id: str) -> tuple[User, App]:
        """A user and an app that he may push to; NotFound without either, Forbidden."""
        async with self._database.connection() as conn:
            user = await users.find(conn, username)
            app = await apps.find(conn, app_id)
            if not owns(user, app) and not await apps.is_collaborator(conn, app.uuid, user.id):
                raise Forbidden
            return user, app


async def _seen(
    conn: Connection, login: Login, app_id: str, operation: Operation | None = None
) -> Seen:
    try:
        app = await apps.find(conn, app_id)
    except NotFound:
        return Seen(login)
    owner = owns(login.user, app)
    granted = not owner and await apps.is_collaborator(conn, app.uuid, login.user.id)
    return Seen(login, app, granted, operation)


async def _operation(conn: Connection, operation: UUID) -> Operation | None:
    try:
        return await operations.get(conn, operation)
    except NotFound:
        return None
