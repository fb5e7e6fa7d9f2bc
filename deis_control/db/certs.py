"""TLS certificates; their keys are sealed."""

from typing import Any

import asyncpg

from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.errors import Invalid, NotFound
from deis_control.model import Certificate, Page, Window
from deis_control.rules.certs import NewCertificate
from deis_node.cluster.seal import Ring

_SELECT = """
SELECT certs.id, users.username AS owner, certs.common_name, certs.expires, certs.created,
       certs.updated
FROM certs JOIN users ON users.id = certs.owner_id
"""


async def insert(conn: Connection, ring: Ring, owner_id: int, new: NewCertificate) -> Certificate:
    """A new certificate; Invalid when there is one of that name."""
    try:
        await conn.execute(
            """INSERT INTO certs (owner_id, common_name, certificate, key, expires)
            VALUES ($1, $2, $3, $4, $5)""",
            owner_id,
            new.common_name,
            new.certificate,
            ring.seal(new.key.encode(), kind="certificate", app=new.common_name),
            new.expires,
        )
    except asyncpg.UniqueViolationError as err:
        raise Invalid({"common_name": ["This field must be unique."]}) from err
    return await find(conn, owner_id, new.common_name)


async def find(conn: Connection, owner_id: int, common_name: str) -> Certificate:
    """The owner's certificate of that name; NotFound."""
    query = _SELECT + "WHERE certs.owner_id = $1 AND certs.common_name = $2"
    row = await conn.fetchrow(query, owner_id, common_name)
    if row is None:
        raise NotFound
    return _certificate(row)


async def page_of(conn: Connection, owner_id: int, window: Window) -> Page[Certificate]:
    """The owner's certificates, oldest first."""
    query = _SELECT + "WHERE certs.owner_id = $1"
    return await fetch_page(conn, query, "id", (owner_id,), window, _certificate)


async def delete(conn: Connection, owner_id: int, common_name: str) -> None:
    """Remove the owner's certificate of that name; NotFound."""
    query = "DELETE FROM certs WHERE owner_id = $1 AND common_name = $2"
    if await conn.execute(query, owner_id, common_name) == "DELETE 0":
        raise NotFound


def _certificate(row: Any) -> Certificate:
    return Certificate(**row)
