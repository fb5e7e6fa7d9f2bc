"""Custom domains of apps."""

from typing import Any
from uuid import UUID

import asyncpg

from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.errors import Invalid, NotFound
from deis_control.model import Domain, Page, Window

_SELECT = """
SELECT domains.domain, apps.id AS app, users.username AS owner, domains.created, domains.updated
FROM domains JOIN apps ON apps.uuid = domains.app JOIN users ON users.id = domains.owner_id
"""


async def is_taken(conn: Connection, name: str) -> bool:
    """Whether the domain leads to an app already."""
    query = "SELECT EXISTS (SELECT FROM domains WHERE domain = $1)"
    found: bool = await conn.fetchval(query, name)
    return found


async def insert(conn: Connection, name: str, app: UUID, owner_id: int) -> Domain:
    """A domain of the app; Invalid when it is taken. `apps.changed` is the caller's."""
    query = "INSERT INTO domains (domain, app, owner_id) VALUES ($1, $2, $3)"
    try:
        await conn.execute(query, name, app, owner_id)
    except asyncpg.UniqueViolationError as err:
        raise Invalid({"domain": ["This field must be unique."]}) from err
    row = await conn.fetchrow(_SELECT + "WHERE domains.domain = $1", name)
    return _domain(row)


async def delete(conn: Connection, app: UUID, name: str) -> None:
    """Remove the app's domain; NotFound. `apps.changed` is the caller's."""
    query = "DELETE FROM domains WHERE app = $1 AND domain = $2"
    if await conn.execute(query, app, name) == "DELETE 0":
        raise NotFound


async def page_of(conn: Connection, app: UUID, window: Window) -> Page[Domain]:
    """The app's domains, oldest first."""
    query = _SELECT + "WHERE domains.app = $1"
    return await fetch_page(conn, query, "created, domain", (app,), window, _domain)


def _domain(row: Any) -> Domain:
    return Domain(**row)
