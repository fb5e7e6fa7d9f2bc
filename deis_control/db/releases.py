"""Releases; unless a function says otherwise it sees live ones only (the life of a change)."""

from typing import Any
from uuid import UUID

from deis_control.db import apps, builds, configs
from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.errors import NotFound
from deis_control.model import App, Page, Release, ReleaseState, Target, Window
from deis_node.cluster.seal import Ring

_SELECT = """
SELECT releases.uuid, apps.id AS app, users.username AS owner, releases.version,
       releases.summary, releases.config, releases.build, releases.state,
       releases.created, releases.updated
FROM releases JOIN apps ON apps.uuid = releases.app JOIN users ON users.id = releases.owner_id
"""


async def insert(
    conn: Connection,
    uuid: UUID,
    app: UUID,
    owner_id: int,
    *,
    version: int,
    summary: str,
    config: UUID,
    build: UUID | None,
    state: ReleaseState = ReleaseState.PENDING,
    operation: UUID | None = None,
) -> Release:
    """A new release; `operation` is the one that makes it (none for v1)."""
    await conn.execute(
        """INSERT INTO releases
        (uuid, app, owner_id, version, summary, config, build, state, operation)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        uuid,
        app,
        owner_id,
        version,
        summary,
        config,
        build,
        state.value,
        operation,
    )
    return await any_state(conn, app, version)


async def latest(conn: Connection, app: UUID) -> Release:
    """The app's latest live release; NotFound cannot happen once the app is made."""
    query = _SELECT + (
        "WHERE releases.app = $1 AND releases.state = 'live' ORDER BY version DESC LIMIT 1"
    )
    return _found(await conn.fetchrow(query, app))


async def before(conn: Connection, app: UUID, version: int) -> Release:
    """The newest live release below the version; NotFound when there is none."""
    query = _SELECT + (
        "WHERE releases.app = $1 AND releases.state = 'live' AND version < $2"
        " ORDER BY version DESC LIMIT 1"
    )
    return _found(await conn.fetchrow(query, app, version))


async def live(conn: Connection, app: UUID, version: int) -> Release:
    """The live release of that number; NotFound."""
    query = _SELECT + (
        "WHERE releases.app = $1 AND releases.version = $2 AND releases.state = 'live'"
    )
    return _found(await conn.fetchrow(query, app, version))


async def any_state(conn: Connection, app: UUID, version: int) -> Release:
    """The release of that number, whatever became of it; NotFound."""
    query = _SELECT + "WHERE releases.app = $1 AND releases.version = $2"
    return _found(await conn.fetchrow(query, app, version))


async def highest_version(conn: Connection, app: UUID) -> int:
    """The highest number taken, failed and pending ones included; 0 without any."""
    query = "SELECT coalesce(max(version), 0) FROM releases WHERE app = $1"
    version: int = await conn.fetchval(query, app)
    return version


async def page_of(conn: Connection, app: UUID, window: Window) -> Page[Release]:
    """The app's live releases, newest first."""
    query = _SELECT + "WHERE releases.app = $1 AND releases.state = 'live'"
    return await fetch_page(conn, query, "version DESC", (app,), window, _release)


async def target(conn: Connection, ring: Ring, app: App, release: Release) -> Target:
    """A release of the app with its config and build."""
    config = await configs.get(conn, ring, release.config)
    build = None if release.build is None else await builds.get(conn, release.build)
    return Target(app, release, config, build)


async def latest_target(conn: Connection, ring: Ring, app: UUID) -> Target:
    """What the app shall run now; NotFound when there is no such app."""
    found = await apps.get(conn, app)
    return await target(conn, ring, found, await latest(conn, app))


async def set_state(conn: Connection, app: UUID, version: int, state: ReleaseState) -> None:
    """What became of a release; within a fenced transaction."""
    query = "UPDATE releases SET state = $3, updated = now() WHERE app = $1 AND version = $2"
    await conn.execute(query, app, version, state.value)


def _found(row: Any) -> Release:
    if row is None:
        raise NotFound
    return _release(row)


def _release(row: Any) -> Release:
    return Release(**{**row, "state": ReleaseState(row["state"])})
