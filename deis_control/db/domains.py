"""Custom domains of apps."""

from typing import Any
from uuid import UUID

from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.model import Domain, Page, Window

_SELECT = """
SELECT domains.domain, apps.id AS app, users.username AS owner, domains.created, domains.updated
FROM domains JOIN apps ON apps.uuid = domains.app JOIN users ON users.id = domains.owner_id
"""


async def page_of(conn: Connection, app: UUID, window: Window) -> Page[Domain]:
    """The app's domains, oldest first."""
    query = _SELECT + "WHERE domains.app = $1"
    return await fetch_page(conn, query, "created, domain", (app,), window, _domain)


def _domain(row: Any) -> Domain:
    return Domain(**row)
