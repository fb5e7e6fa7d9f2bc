"""Questions that are asked all the time must not cost more when there is ten times of everything:
each goes by an index, which the plans of a full database show."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from deis_control.db import apps, audit, configs, operations, releases, tokens
from deis_control.db.pool import Connection, Database
from deis_control.model import AuditFilter, Window
from deis_control.rules.tokens import digest
from tests.fixtures.postgres import Databases, PostgresServer
from tests.load.api_world import RING, TOKEN, fill

APPS = 3000
USERS = 100
GROWING = ("apps", "releases", "configs", "builds", "operations", "audit", "tokens")


class Explaining:
    """A connection that remembers what it was asked."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.asked: list[tuple[str, tuple[object, ...]]] = []

    async def fetch(self, query: str, *args: object) -> object:
        self.asked.append((query, args))
        return await self._conn.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> object:
        self.asked.append((query, args))
        return await self._conn.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> object:
        self.asked.append((query, args))
        return await self._conn.fetchval(query, *args)

    async def scanned(self) -> set[str]:
        """The growing tables that any of the plans can only read from end to end.

        Small and empty ones are cheap to read so, and would be, if the planner were free to.
        """
        found = set()
        await self._conn.execute("SET enable_seqscan TO off")
        for query, args in self.asked:
            rows = await self._conn.fetch(f"EXPLAIN {query}", *args)
            plan = "\n".join(row[0] for row in rows)
            found |= set(re.findall(r"Seq Scan on (\w+)", plan))
        return found & set(GROWING)


@pytest.fixture(scope="session")
async def full(postgres: PostgresServer, databases: Databases) -> str:
    """The address of a full database."""
    await databases.execute("postgres", "CREATE DATABASE full_platform")
    dsn = postgres.dsn_of("full_platform")
    await fill(dsn, APPS, USERS)
    return dsn


@asynccontextmanager
async def explaining(dsn: str) -> AsyncIterator[tuple[Explaining, asyncpg.Record]]:
    """A connection, and one app of the middle."""
    async with Database(dsn) as database, database.connection() as conn:
        app = await conn.fetchrow("SELECT * FROM apps ORDER BY id OFFSET 1500 LIMIT 1")
        assert app is not None
        yield Explaining(conn), app


@pytest.mark.parametrize(
    "question",
    [
        "token",
        "app",
        "collaborator",
        "list",
        "everybody's list",
        "config",
        "releases",
        "latest",
        "operations",
        "open operations",
        "audit",
        "audit of an app",
        "audit of a user",
    ],
)
async def test_a_common_question_goes_by_an_index(full: str, question: str) -> None:
    async with explaining(full) as (conn, app):
        await _ask(question, conn, app)
        assert await conn.scanned() == set()


async def _ask(question: str, conn: Explaining, app: asyncpg.Record) -> None:
    window, uuid, owner = Window(1, 100), app["uuid"], app["owner_id"]
    asking = {
        "token": lambda: tokens.holder(conn, digest(TOKEN)),
        "app": lambda: apps.find(conn, app["id"]),
        "collaborator": lambda: apps.is_collaborator(conn, uuid, owner),
        "list": lambda: apps.page_of(conn, owner, window),
        "everybody's list": lambda: apps.page_of_all(conn, window),
        "config": lambda: configs.of_latest(conn, RING, uuid),
        "releases": lambda: releases.page_of(conn, uuid, window),
        "latest": lambda: releases.latest(conn, uuid),
        "operations": lambda: operations.page_of(conn, uuid, window),
        "open operations": lambda: operations.next_open_of(conn, uuid),
        "audit": lambda: audit.page_of_all(conn, AuditFilter(), window),
        "audit of an app": lambda: audit.page_of_app(conn, uuid, owner, AuditFilter(), window),
        "audit of a user": lambda: audit.page_of(conn, owner, AuditFilter(), window),
    }
    await asking[question]()  # type: ignore[arg-type]


async def test_the_number_of_apps_is_kept(database: Database) -> None:
    async with database.transaction("apps") as conn:
        await conn.execute("INSERT INTO users (username, password) VALUES ('bob', '-')")
        await conn.execute(
            """INSERT INTO apps (uuid, id, owner_id) SELECT gen_random_uuid(), 'app-' || n, users.id
            FROM generate_series(1, 5) AS n, users"""
        )
        await conn.execute("DELETE FROM apps WHERE id IN ('app-1', 'app-2')")
        assert (await apps.page_of_all(conn, Window(1, 2))).count == 3


async def test_the_trail_is_counted_up_to_a_bound(database: Database) -> None:
    async with database.transaction("lines") as conn:
        await conn.execute(
            """INSERT INTO audit (actor, action, outcome) SELECT 'bob', 'login', 'ok'
            FROM generate_series(1, $1)""",
            audit.COUNTED + 5,
        )
        page = await audit.page_of_all(conn, AuditFilter(), Window(1, 100))
        assert (page.count, len(page.items)) == (audit.COUNTED, 100)
        assert page.items[0].id > page.items[1].id
