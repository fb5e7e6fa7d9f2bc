"""Custom domains of apps."""

from deis_control.db import domains
from deis_control.db.pool import Database
from deis_control.model import App, Domain, Page, Window


class Domains:
    """Use cases about domains."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, app: App, window: Window) -> Page[Domain]:
        """The app's domains, oldest first."""
        async with self._database.connection() as conn:
            return await domains.page_of(conn, app.uuid, window)
