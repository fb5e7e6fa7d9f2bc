"""Migrations against a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from deis_control.db import migrate as migrating
from deis_control.db.migrate import SCHEMA_VERSION, migrate, migrations
from deis_control.db.pool import Database
from deis_control.errors import SchemaError
from tests.fixtures.postgres import Databases, PostgresServer


@pytest.fixture
async def bare(postgres: PostgresServer, databases: Databases) -> AsyncIterator[Database]:
    """An open database without any table."""
    await databases.execute("postgres", "CREATE DATABASE bare")
    async with Database(postgres.dsn_of("bare")) as database:
        yield database
    await databases.execute("postgres", "DROP DATABASE bare WITH (FORCE)")


async def _version(database: Database) -> tuple[int, int]:
    async with database.connection() as conn:
        row = await conn.fetchrow("SELECT version, compat FROM schema_version")
        assert row is not None
        return row["version"], row["compat"]


def test_migrations_are_numbered_without_gaps() -> None:
    assert [m.version for m in migrations()] == list(range(1, SCHEMA_VERSION + 1))


async def test_many_at_once_migrate_once(bare: Database) -> None:
    await asyncio.gather(*(migrate(bare) for _ in range(5)))
    assert await _version(bare) == (SCHEMA_VERSION, migrating.COMPAT_VERSION)


async def test_a_migrated_database_is_left_alone(database: Database) -> None:
    await migrate(database)
    assert (await _version(database))[0] == SCHEMA_VERSION


async def test_a_database_that_is_too_new_is_refused(bare: Database) -> None:
    await migrate(bare)
    async with bare.connection() as conn:
        await conn.execute("UPDATE schema_version SET version = 99, compat = 98")
    with pytest.raises(SchemaError, match="version 99 and needs code that knows at least"):
        await migrate(bare)


async def test_a_newer_database_that_bears_old_code_is_used(bare: Database) -> None:
    await migrate(bare)
    async with bare.connection() as conn:
        await conn.execute("UPDATE schema_version SET version = 99")
    await migrate(bare)
    assert (await _version(bare))[0] == 99


async def test_a_migration_that_fails_leaves_nothing(
    bare: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = SCHEMA_VERSION + 1
    broken = replace(migrations()[0], version=number, sql="CREATE TABLE half (); SELECT nothing;")
    monkeypatch.setattr(migrating, "migrations", lambda: (*migrations(), broken))
    with pytest.raises(Exception, match="nothing"):
        await migrate(bare)
    assert (await _version(bare))[0] == SCHEMA_VERSION
    async with bare.connection() as conn:
        assert await conn.fetchval("SELECT to_regclass('half')") is None
