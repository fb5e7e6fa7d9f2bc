"""A database as full as a big platform's, for the API's benchmark: apps, releases, users."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from deis_control.db.migrate import migrate
from deis_control.db.pool import Connection, Database
from deis_control.rules.tokens import digest
from deis_node.cluster.seal import Ring

RING = Ring({"bench": b"b" * 32}, "bench")
RELEASES = 10
"""Of each app."""

VALUES = {f"SETTING_{number}": f"value {number}" for number in range(20)}
TOKEN = "b" * 40
"""Of `user-1`, who owns as many apps as everybody."""

ADMIN_TOKEN = "a" * 40


async def fill(dsn: str, apps: int, users: int) -> None:
    """Migrate an empty database and fill it."""
    async with Database(dsn, timeout=600) as database:
        await migrate(database)
        async with database.transaction("fill") as conn:
            await _users(conn, users)
            await _apps(conn, apps, users)
        async with database.connection() as conn:
            await conn.execute("ANALYZE", timeout=600)


async def _users(conn: Connection, users: int) -> None:
    rows = [(f"user-{number}", "-", number == 0) for number in range(users)]
    await conn.executemany(
        "INSERT INTO users (username, password, is_superuser) VALUES ($1, $2, $3)", rows
    )
    for token, name in ((TOKEN, "user-1"), (ADMIN_TOKEN, "user-0")):
        await conn.execute(
            "INSERT INTO tokens (digest, user_id) SELECT $1, id FROM users WHERE username = $2",
            digest(token),
            name,
        )


async def _apps(conn: Connection, apps: int, users: int) -> None:
    ids = [row["id"] for row in await conn.fetch("SELECT id FROM users ORDER BY id")]
    names = [(uuid4(), f"app-{number}", ids[number % users]) for number in range(apps)]
    await conn.copy_records_to_table("apps", records=names, columns=("uuid", "id", "owner_id"))
    configs, builds, releases = [], [], []
    moment = datetime.now(UTC) - timedelta(days=1)
    for app, name, owner in names:
        config, build = uuid4(), uuid4()
        sealed = RING.seal(json.dumps(VALUES).encode(), kind="config", app=name)
        configs.append((config, app, owner, sealed))
        builds.append((build, app, owner, name, f"127.0.0.1:5000/{name}@sha256:0"))
        for version in range(1, RELEASES + 1):
            summary = f"user deployed {version:07x}"
            when = moment + timedelta(seconds=version)
            releases.append(
                (uuid4(), app, version, owner, summary, config, build, "live", when, when)
            )
    await _copy(conn, "configs", ("uuid", "app", "owner_id", "values"), configs)
    await _copy(conn, "builds", ("uuid", "app", "owner_id", "image", "reference"), builds)
    columns = ("uuid", "app", "version", "owner_id", "summary", "config", "build", "state")
    await _copy(conn, "releases", (*columns, "created", "updated"), releases)


async def _copy(
    conn: Connection, table: str, columns: tuple[str, ...], records: list[tuple[object, ...]]
) -> None:
    await conn.copy_records_to_table(table, records=records, columns=columns, timeout=600)


def paths(apps: int, users: int) -> Iterator[tuple[str, str]]:
    """What is asked, each with its name; of an app of `user-1` in the middle of the table."""
    app = f"app-{1 + users * (apps // users // 2)}"
    yield "app list, a page of 100 (superuser)", "/v1/apps/?page_size=100"
    yield "app info", f"/v1/apps/{app}/"
    yield "config", f"/v1/apps/{app}/config/"
    yield "releases, a page of 10", f"/v1/apps/{app}/releases/?page_size=100"


if __name__ == "__main__":
    asyncio.run(fill(os.environ["BENCH_DSN"], 100, 10))
