"""The pool's connections are given out in order, and waiting for one has an end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deis_control.db.pool import Database, DatabaseAway, DatabaseFull
from deis_node.runtime.tasks import Tasks
from tests.fixtures.postgres import PostgresServer


@pytest.fixture
async def single(postgres: PostgresServer) -> AsyncIterator[Database]:
    """A database that gives out one connection at a time."""
    async with Database(postgres.dsn, size=1, timeout=1.0) as opened:
        yield opened


async def test_nobody_overtakes_those_who_wait(single: Database) -> None:
    order: list[str] = []

    async def use(name: str) -> None:
        async with single.connection():
            order.append(name)

    async with Tasks() as tasks:
        async with single.connection():
            waiting = [tasks.start(name, use(name)) for name in ("first", "second")]
            await asyncio.sleep(0.05)
        # The connection is free at this moment, and nobody who waited has run yet.
        await use("comes by")
        await asyncio.gather(*waiting)
    assert order == ["first", "second", "comes by"]


async def test_those_who_wait_too_long_are_told_and_take_no_place(single: Database) -> None:
    async with single.connection():
        with pytest.raises(DatabaseAway):
            async with single.connection():
                pytest.fail("there is no second connection")
    async with single.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("state", ["53100", "53200", "58030"])
async def test_a_server_without_room_is_told_from_a_mistake_of_ours(
    single: Database, state: str
) -> None:
    """disk_full, out_of_memory and io_error, as PostgreSQL's appendix A numbers them."""
    with pytest.raises(DatabaseFull) as told:
        async with single.transaction("test") as connection:
            await connection.execute(f"DO $$BEGIN RAISE SQLSTATE '{state}'; END$$")
    assert told.value.status == 503
    async with single.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_standby_that_is_not_promoted_yet_counts_as_away(single: Database) -> None:
    async def write() -> None:
        async with single.transaction("on a standby") as conn:
            await conn.execute("SET TRANSACTION READ ONLY")
            await conn.execute("CREATE TABLE standby (id int)")

    with pytest.raises(DatabaseAway):
        await write()
