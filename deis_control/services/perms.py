"""Who beside its owner may use an app (api.md section 11)."""

from deis_control.db import apps, users
from deis_control.db.pool import Database
from deis_control.errors import Forbidden
from deis_control.logger.client import EventLog
from deis_control.model import Act, App, User
from deis_control.rules.access import owns
from deis_control.services.audit import note


class Perms:
    """Use cases about grants on apps."""

    def __init__(self, database: Database, events: EventLog) -> None:
        self._database = database
        self._events = events

    async def users_of(self, app: App) -> list[str]:
        """Whom the app was shared with, by name."""
        async with self._database.connection() as conn:
            return await apps.collaborators(conn, app.uuid)

    async def grant(self, app: App, caller: User, username: str) -> None:
        """Share the app; nothing when it is. Forbidden unless one owns it, NotFound."""
        if not owns(caller, app):
            raise Forbidden
        async with self._database.transaction("grant") as conn:
            user = await users.find(conn, username)
            if not await apps.grant(conn, app.uuid, user.id):
                return
            await note(conn, Act.PERM_GRANT, caller, app=app, target=username)
        self._events.send(app.id, f"User {username} was granted access to {app.id}")

    async def revoke(self, app: App, caller: User, username: str) -> None:
        """Share the app no more: its owner takes back, or somebody gives up what he was granted.

        Forbidden for others, and when there is no grant; NotFound without the account.
        """
        async with self._database.transaction("revoke") as conn:
            user = await users.find(conn, username)
            if not (owns(caller, app) or caller.id == user.id):
                raise Forbidden
            if not await apps.revoke(conn, app.uuid, user.id):
                if user.is_superuser:
                    return
                raise Forbidden
            await note(conn, Act.PERM_REVOKE, caller, app=app, target=username)
        self._events.send(app.id, f"User {username} was revoked access to {app.id}")
