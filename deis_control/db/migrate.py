"""Bring the database's schema to this code's version: numbered SQL files, in order, once each.

Two numbers guard a mixed or rolled-back platform: `SCHEMA_VERSION` is what this code expects,
`COMPAT_VERSION` the oldest schema version whose code may still run on what this code leaves
behind. A database whose compatibility version is above our schema version is refused.
"""

import asyncio
import re
from dataclasses import dataclass
from importlib import resources

import structlog

from deis_control.db.pool import Connection, Database
from deis_control.errors import SchemaError

log = structlog.get_logger()

SCHEMA_VERSION = 7
COMPAT_VERSION = 5

_LOCK = 0x0DE15
_DEADLINE = 600.0
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_version (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version   integer NOT NULL,
    compat    integer NOT NULL
)
"""


@dataclass(frozen=True, slots=True, order=True)
class Migration:
    """One numbered file of SQL."""

    version: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """All migrations that this code carries, in order."""
    folder = resources.files("deis_control.db") / "migrations"
    found = [
        Migration(int(match[1]), match[2], entry.read_text())
        for entry in folder.iterdir()
        if (match := re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name))
    ]
    return tuple(sorted(found))


async def migrate(database: Database) -> None:
    """Apply what is missing; SchemaError when the database is too new for this code.

    Any number of processes may call this at once: one does the work, the others wait.
    """
    async with asyncio.timeout(_DEADLINE), database.connection() as conn:
        await conn.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=_DEADLINE)
        try:
            await conn.execute(_TABLE)
            await _apply_missing(conn, await _checked_version(conn))
        finally:
            await conn.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _checked_version(conn: Connection) -> int:
    """The database's schema version, 0 when empty; SchemaError when we may not use it."""
    row = await conn.fetchrow("SELECT version, compat FROM schema_version")
    if row is None:
        return 0
    if row["compat"] > SCHEMA_VERSION:
        raise SchemaError(
            f"the database's schema is version {row['version']} and needs code that knows at "
            f"least version {row['compat']}; this code knows {SCHEMA_VERSION}"
        )
    version: int = row["version"]
    return version


async def _apply_missing(conn: Connection, current: int) -> None:
    for migration in migrations():
        if migration.version <= current:
            continue
        async with conn.transaction():
            await conn.execute(migration.sql, timeout=_DEADLINE)
            await conn.execute(
                """INSERT INTO schema_version (version, compat) VALUES ($1, $2)
                ON CONFLICT (only_row) DO UPDATE SET version = $1, compat = $2""",
                migration.version,
                COMPAT_VERSION,
            )
        log.info("schema migrated", version=migration.version, name=migration.name)
