"""Apps and the grants on them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from deis_control.db.control import count_intent, notify
from deis_control.db.listen import APPS, PHASES, RUN_ENDS, RUNS
from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.errors import Conflict, Invalid, NotFound
from deis_control.model import App, Page, Window

_SELECT = """
SELECT apps.uuid, apps.id, users.username AS owner, apps.owner_id, apps.structure,
       apps.destroying, apps.created, apps.updated, apps.stopped
FROM apps JOIN users ON users.id = apps.owner_id
"""


_THEIRS = """SELECT uuid FROM apps WHERE owner_id = $1
UNION SELECT app FROM app_users WHERE user_id = $1"""

DESTROYING = "The app is being destroyed."


async def insert(conn: Connection, uuid: UUID, app_id: str, owner_id: int) -> App:
    """A new app; Invalid when the id is taken.

    Its config, release v1 and the call of `changed` are the caller's.
    """
    try:
        await conn.execute(
            "INSERT INTO apps (uuid, id, owner_id) VALUES ($1, $2, $3)", uuid, app_id, owner_id
        )
    except asyncpg.UniqueViolationError as err:
        raise Invalid({"id": ["This field must be unique."]}) from err
    return await get(conn, uuid)


async def changed(conn: Connection, app: UUID) -> None:
    """Count the change and tell the leader, which writes the app's route. Last in a transaction."""
    await notify(conn, APPS, str(app))
    await count_intent(conn)


async def find(conn: Connection, app_id: str) -> App:
    """The app of that id; NotFound."""
    row = await conn.fetchrow(_SELECT + "WHERE apps.id = $1", app_id)
    return _found(row)


async def get(conn: Connection, app: UUID) -> App:
    """The app of that uuid; NotFound."""
    row = await conn.fetchrow(_SELECT + "WHERE apps.uuid = $1", app)
    return _found(row)


async def lock(conn: Connection, app: UUID) -> App:
    """The app, its row locked until the transaction ends; NotFound."""
    row = await conn.fetchrow(_SELECT + "WHERE apps.uuid = $1 FOR NO KEY UPDATE OF apps", app)
    return _found(row)


async def lock_for_change(conn: Connection, app: UUID) -> App:
    """The same; Conflict while it is being destroyed."""
    found = await lock(conn, app)
    if found.destroying:
        raise Conflict(DESTROYING)
    return found


async def all_apps(conn: Connection) -> tuple[App, ...]:
    """Every app, by id: what the leader compares the routes with."""
    return tuple(_app(row) for row in await conn.fetch(_SELECT + "ORDER BY apps.id"))


async def page_of(conn: Connection, user_id: int, window: Window) -> Page[App]:
    """The user's own apps and those shared with him, by id."""
    query = _SELECT + f"WHERE apps.uuid IN ({_THEIRS})"
    return await fetch_page(conn, query, "id", (user_id,), window, _app)


async def page_of_one(conn: Connection, user_id: int, app: UUID, window: Window) -> Page[App]:
    """One app alone, if the user may use it."""
    query = (
        _SELECT
        + """JOIN users AS caller ON caller.id = $1 WHERE apps.uuid = $2 AND (apps.owner_id = $1
        OR caller.is_superuser
        OR EXISTS (SELECT FROM app_users WHERE app = apps.uuid AND user_id = $1))"""
    )
    return await fetch_page(conn, query, "id", (user_id, app), window, _app)


async def page_of_all(conn: Connection, window: Window) -> Page[App]:
    """All apps, by id."""
    counting = "SELECT apps FROM totals"
    return await fetch_page(conn, _SELECT, "id", (), window, _app, counting=counting)


async def is_collaborator(conn: Connection, app: UUID, user_id: int) -> bool:
    """Whether the user has the app's `use_app` grant."""
    query = "SELECT EXISTS (SELECT FROM app_users WHERE app = $1 AND user_id = $2)"
    granted: bool = await conn.fetchval(query, app, user_id)
    return granted


async def collaborators(conn: Connection, app: UUID) -> list[str]:
    """The users whom the app was shared with, by name."""
    query = """SELECT users.username FROM app_users JOIN users ON users.id = app_users.user_id
        WHERE app_users.app = $1 ORDER BY users.username"""
    return [row["username"] for row in await conn.fetch(query, app)]


async def grant(conn: Connection, app: UUID, user_id: int) -> bool:
    """Share the app; whether it was not shared with the user before."""
    query = "INSERT INTO app_users (app, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    status: str = await conn.execute(query, app, user_id)
    return status == "INSERT 0 1"


async def revoke(conn: Connection, app: UUID, user_id: int) -> bool:
    """Share the app no more; whether it was shared with the user before."""
    query = "DELETE FROM app_users WHERE app = $1 AND user_id = $2"
    status: str = await conn.execute(query, app, user_id)
    return status == "DELETE 1"


async def set_owner(conn: Connection, app: UUID, owner_id: int) -> None:
    """Transfer: the new owner replaces the old one, who keeps only what he was granted."""
    query = "UPDATE apps SET owner_id = $2, updated = now() WHERE uuid = $1"
    await conn.execute(query, app, owner_id)


async def set_structure(
    conn: Connection, app: UUID, structure: Mapping[str, int], stopped: Collection[str] = ()
) -> None:
    """The live formation, and which types of it are stopped; within a fenced transaction."""
    query = "UPDATE apps SET structure = $2, stopped = $3, updated = now() WHERE uuid = $1"
    await conn.execute(query, app, dict(structure), sorted(stopped))


async def take_seq(conn: Connection, app: UUID) -> int:
    """The number of the app's next operation, its row locked; Conflict while it is destroyed."""
    query = "UPDATE apps SET next_seq = next_seq + 1 WHERE uuid = $1"
    row = await conn.fetchrow(query + " RETURNING next_seq - 1 AS seq, destroying", app)
    if row is None:
        raise NotFound
    if row["destroying"]:
        raise Conflict(DESTROYING)
    seq: int = row["seq"]
    return seq


async def set_destroying(conn: Connection, app: UUID, destroying: bool) -> None:
    """Whether the app takes no more changes because it goes."""
    await conn.execute("UPDATE apps SET destroying = $2 WHERE uuid = $1", app, destroying)
    await notify(conn, RUNS, str(app))


async def delete(conn: Connection, app: UUID) -> None:
    """Remove the app and all that belongs to it, its operations too; the id is free again.

    Within a fenced transaction, when nothing of it is left in etcd.
    """
    ended = "SELECT pg_notify($2, id::text) FROM operations WHERE app = $1"
    await conn.execute(ended, app, PHASES)
    over = "SELECT pg_notify($2, uuid::text) FROM runs WHERE app = $1"
    await conn.execute(over, app, RUN_ENDS)
    await conn.execute("DELETE FROM apps WHERE uuid = $1", app)
    await changed(conn, app)


def _found(row: Any) -> App:
    if row is None:
        raise NotFound
    return _app(row)


def _app(row: Any) -> App:
    return App(**{**row, "stopped": tuple(row["stopped"])})
