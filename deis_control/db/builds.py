"""Builds: images of an app and what runs in them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.errors import NotFound
from deis_control.model import Build, Page, Window

_SELECT = """
SELECT builds.uuid, apps.id AS app, users.username AS owner, builds.image, builds.reference,
       builds.sha, builds.procfile, builds.dockerfile, builds.created, builds.updated, builds.arch
FROM builds JOIN apps ON apps.uuid = builds.app JOIN users ON users.id = builds.owner_id
"""


async def insert(
    conn: Connection,
    uuid: UUID,
    app: UUID,
    owner_id: int,
    *,
    image: str,
    reference: str | None,
    sha: str = "",
    procfile: Mapping[str, str] | None = None,
    dockerfile: str = "",
    arch: str = "",
) -> Build:
    """A new build of the app."""
    await conn.execute(
        """INSERT INTO builds
        (uuid, app, owner_id, image, reference, sha, procfile, dockerfile, arch)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        uuid,
        app,
        owner_id,
        image,
        reference,
        sha,
        dict(procfile or {}),
        dockerfile,
        arch,
    )
    return await get(conn, uuid)


async def get(conn: Connection, uuid: UUID) -> Build:
    """The build of that uuid; NotFound."""
    return _found(await conn.fetchrow(_SELECT + "WHERE builds.uuid = $1", uuid))


async def find(conn: Connection, app: UUID, uuid: UUID) -> Build:
    """The app's build of that uuid; NotFound."""
    query = _SELECT + "WHERE builds.uuid = $1 AND builds.app = $2"
    return _found(await conn.fetchrow(query, uuid, app))


async def page_of(conn: Connection, app: UUID, window: Window) -> Page[Build]:
    """The app's builds, newest first."""
    query = _SELECT + "WHERE builds.app = $1"
    return await fetch_page(conn, query, "created DESC, uuid", (app,), window, _build)


def _found(row: Any) -> Build:
    if row is None:
        raise NotFound
    return _build(row)


def _build(row: Any) -> Build:
    return Build(**row)
