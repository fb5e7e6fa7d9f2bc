"""A copy of etcd's lasting keys, from which the leader restores a store that was lost (rule 2)."""

from collections.abc import Mapping

from deis_control.db.pool import Connection


async def put(conn: Connection, entries: Mapping[str, bytes]) -> None:
    """Remember keys with their values."""
    await conn.executemany(
        """INSERT INTO mirror (key, value) VALUES ($1, $2)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        WHERE mirror.value IS DISTINCT FROM excluded.value""",
        list(entries.items()),
    )


async def delete(conn: Connection, keys: list[str]) -> None:
    """Forget keys."""
    await conn.execute("DELETE FROM mirror WHERE key = ANY($1)", keys)


async def all_entries(conn: Connection) -> dict[str, bytes]:
    """Every key with its value."""
    rows = await conn.fetch("SELECT key, value FROM mirror ORDER BY key")
    return {row["key"]: row["value"] for row in rows}


async def barrier(conn: Connection) -> int:
    """The revision of the store's last barrier, when the mirror was written; 0 before the first."""
    awaited: int | None = await conn.fetchval("SELECT awaited FROM barrier")
    return awaited or 0


async def put_barrier(conn: Connection, awaited: int) -> None:
    """Remember it."""
    await conn.execute(
        """INSERT INTO barrier (awaited) VALUES ($1)
        ON CONFLICT (only_row) DO UPDATE SET awaited = excluded.awaited
        WHERE barrier.awaited <> excluded.awaited""",
        awaited,
    )


async def entry(conn: Connection, key: str) -> bytes | None:
    """One key's value."""
    value: bytes | None = await conn.fetchval("SELECT value FROM mirror WHERE key = $1", key)
    return value
