"""Which database is behind the store: by the marks of accepted changes, on a real PostgreSQL."""

import pytest

from deis_control.db import control
from deis_control.db.control import Counted
from deis_control.db.pool import Database


async def count(database: Database, changes: int = 1) -> Counted:
    """So many changes accepted; the last of them."""
    async with database.transaction("count") as conn:
        for _ in range(changes):
            await control.count_intent(conn)
        return await control.counted(conn, 0, "")


async def asked(database: Database, seq: int, mark: str) -> bool:
    async with database.connection() as conn:
        return (await control.counted(conn, seq, mark)).knows


async def goes_back(database: Database, seq: int) -> None:
    """A backup of that moment is restored."""
    async with database.transaction("go back") as conn:
        await conn.execute("UPDATE intent SET seq = $1", seq)
        await conn.execute("DELETE FROM intents WHERE seq > $1", seq)


async def test_a_store_that_knows_nothing_is_known(database: Database) -> None:
    assert await asked(database, 0, "")


async def test_every_change_is_known_by_number_and_mark(database: Database) -> None:
    first = await count(database)
    last = await count(database, 3)
    assert (last.seq, last.mark != first.mark) == (first.seq + 3, True)
    for known in (first, last):
        assert await asked(database, known.seq, known.mark)
        assert not await asked(database, known.seq, "00000000-0000-0000-0000-000000000000")
    assert not await asked(database, last.seq + 1, last.mark)


async def test_a_restored_database_is_behind_however_many_changes_it_accepts(
    database: Database,
) -> None:
    before = await count(database)
    store = await count(database, 2)
    await goes_back(database, before.seq)
    assert not await asked(database, store.seq, store.mark)
    for _ in range(3):
        await count(database)
        assert not await asked(database, store.seq, store.mark)
    assert await asked(database, before.seq, before.mark)


@pytest.mark.parametrize("more", [0, 5])
async def test_it_is_behind_no_more_once_it_is_accepted(database: Database, more: int) -> None:
    before = await count(database)
    store = await count(database, 2)
    await goes_back(database, before.seq)
    await count(database, more)
    async with database.transaction("accept") as conn:
        await control.accept_intent(conn, store.seq, store.mark)
    assert await asked(database, store.seq, store.mark)
    following = await count(database)
    assert following.seq > store.seq
    assert await asked(database, following.seq, following.mark)


async def test_a_store_from_before_marks_is_known_by_its_number(database: Database) -> None:
    last = await count(database, 2)
    assert await asked(database, last.seq, "")
    assert not await asked(database, last.seq + 1, "")


async def test_it_stays_behind_after_more_changes_than_are_remembered(database: Database) -> None:
    before = await count(database)
    store = await count(database, 2)
    await goes_back(database, before.seq)
    await count(database, control.REMEMBERED + 5)
    assert not await asked(database, store.seq, store.mark)


async def test_marks_long_before_what_the_store_knows_are_forgotten(database: Database) -> None:
    first = await count(database)
    last = await count(database, control.REMEMBERED + 1)
    async with database.transaction("forget") as conn:
        await control.forget_intents(conn, last.seq)
        assert await conn.fetchval("SELECT count(*) FROM intents") == control.REMEMBERED
    # A store that was itself put back so far is no older database.
    assert await asked(database, first.seq, first.mark)
