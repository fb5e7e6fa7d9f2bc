"""Custom domains of apps; the leader writes them into the app's route."""

from deis_control.db import apps, domains
from deis_control.db.pool import Database
from deis_control.errors import Invalid
from deis_control.logger.client import EventLog
from deis_control.model import Act, App, Domain, Page, User, Window
from deis_control.rules.apps import reserved_names
from deis_control.rules.domains import canonical_domain, check_free_of
from deis_control.rules.texts import UNIQUE
from deis_control.services.audit import note
from deis_control.services.platform import Current


class Domains:
    """Use cases about domains."""

    def __init__(self, database: Database, platform: Current, events: EventLog) -> None:
        self._database = database
        self._platform = platform
        self._events = events

    async def page(self, app: App, window: Window) -> Page[Domain]:
        """The app's domains."""
        async with self._database.connection() as conn:
            return await domains.page_of(conn, app.uuid, window)

    async def add(self, app: App, user: User, name: str) -> Domain:
        """Lead a domain to the app. Invalid when it is none, or leads somewhere already;
        Conflict while the app is being destroyed.
        """
        given, platform = name, self._platform()
        name = canonical_domain(given)
        check_free_of(name, platform.domain, reserved_names(platform.subdomain))
        async with self._database.transaction("add domain") as conn:
            await apps.lock_for_change(conn, app.uuid)
            if await domains.is_taken(conn, name):
                other = f"The domain {name} is already in use by another app"
                raise Invalid({"domain": [UNIQUE if given == name else other]})
            made = await domains.insert(conn, name, app.uuid, user.id)
            await note(conn, Act.DOMAIN_ADD, user, app=app, target=name)
            await apps.changed(conn, app.uuid)
        self._events.send(app.id, f"domain {name} added")
        return made

    async def remove(self, app: App, user: User, name: str) -> None:
        """Lead a domain nowhere; NotFound when it does not lead to the app."""
        name = name.removesuffix(".").lower()
        async with self._database.transaction("remove domain") as conn:
            await domains.delete(conn, app.uuid, name)
            await note(conn, Act.DOMAIN_REMOVE, user, app=app, target=name)
            await apps.changed(conn, app.uuid)
        self._events.send(app.id, f"domain {name} removed")
