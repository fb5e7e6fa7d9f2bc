"""Users' public keys; a key belongs to one user only, or a push could not be told apart."""

from typing import Any
from uuid import UUID

import asyncpg

from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.errors import Invalid, NotFound
from deis_control.model import Page, SshKey, Window

_SELECT = """
SELECT ssh_keys.uuid, users.username AS owner, ssh_keys.id, ssh_keys.public,
       ssh_keys.fingerprint, ssh_keys.created, ssh_keys.updated
FROM ssh_keys JOIN users ON users.id = ssh_keys.owner_id
"""


async def insert(
    conn: Connection, uuid: UUID, owner_id: int, key_id: str, public: str, fingerprint: str
) -> SshKey:
    """A new key; Invalid when the key is registered, or the owner has one of that id."""
    try:
        await conn.execute(
            """INSERT INTO ssh_keys (uuid, owner_id, id, public, fingerprint)
            VALUES ($1, $2, $3, $4, $5)""",
            uuid,
            owner_id,
            key_id,
            public,
            fingerprint,
        )
    except asyncpg.UniqueViolationError as err:
        name = "public" if "fingerprint" in str(err.constraint_name) else "id"
        raise Invalid({name: ["This field must be unique."]}) from err
    return await find(conn, owner_id, key_id)


async def find(conn: Connection, owner_id: int, key_id: str) -> SshKey:
    """The owner's key of that id; NotFound."""
    query = _SELECT + "WHERE ssh_keys.owner_id = $1 AND ssh_keys.id = $2"
    return _found(await conn.fetchrow(query, owner_id, key_id))


async def by_fingerprint(conn: Connection, fingerprint: str) -> SshKey:
    """The key of that fingerprint; NotFound."""
    return _found(await conn.fetchrow(_SELECT + "WHERE ssh_keys.fingerprint = $1", fingerprint))


async def page_of(conn: Connection, owner_id: int, window: Window) -> Page[SshKey]:
    """The owner's keys, oldest first."""
    query = _SELECT + "WHERE ssh_keys.owner_id = $1"
    return await fetch_page(conn, query, "created, id", (owner_id,), window, _key)


async def delete(conn: Connection, owner_id: int, key_id: str) -> None:
    """Remove the owner's key of that id; NotFound."""
    query = "DELETE FROM ssh_keys WHERE owner_id = $1 AND id = $2"
    if await conn.execute(query, owner_id, key_id) == "DELETE 0":
        raise NotFound


def _found(row: Any) -> SshKey:
    if row is None:
        raise NotFound
    return _key(row)


def _key(row: Any) -> SshKey:
    return SshKey(**row)
