"""The accepted refs of apps: a repository on disk is a cache of these."""

from uuid import UUID

from deis_control.db.pool import Connection
from deis_control.deltas import RefUpdate


async def move(conn: Connection, app: UUID, update: RefUpdate) -> None:
    """The ref now names the update's new commit."""
    await conn.execute(
        """INSERT INTO refs (app, ref, sha) VALUES ($1, $2, $3)
        ON CONFLICT (app, ref) DO UPDATE SET sha = excluded.sha""",
        app,
        update.name,
        update.new,
    )


async def of_app(conn: Connection, app: UUID) -> dict[str, str]:
    """Ref → commit, all of the app's."""
    rows = await conn.fetch("SELECT ref, sha FROM refs WHERE app = $1", app)
    return {row["ref"]: row["sha"] for row in rows}
