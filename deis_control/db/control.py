"""The leader's fence, the count of accepted changes, the store's life (rules 2 and 6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deis_control.db.pool import Connection, Database
from deis_control.errors import Fenced


async def raise_epoch(conn: Connection, seen: int = 0) -> int:
    """A new leader's epoch; from now on writes of every earlier one raise Fenced.

    It waits for fenced transactions that are under way, so that none commits later. `seen` is the
    highest one that is known of: a database that was put back has forgotten some, and none may be
    given twice.
    """
    query = "UPDATE control SET epoch = greatest(epoch, $1) + 1 RETURNING epoch"
    epoch: int = await conn.fetchval(query, seen)
    return epoch


async def fence(conn: Connection, epoch: int) -> None:
    """Hold the epoch until the transaction ends; Fenced when it is no longer ours."""
    current = await conn.fetchval("SELECT epoch FROM control FOR SHARE")
    if current != epoch:
        raise Fenced(f"epoch {epoch} was followed by {current}")


@asynccontextmanager
async def fenced(database: Database, epoch: int, desc: str) -> AsyncIterator[Connection]:
    """A transaction that only the leader of this epoch can have: every leader's write is in one."""
    async with database.transaction(desc) as conn:
        await fence(conn, epoch)
        yield conn


async def intent_seq(conn: Connection) -> int:
    """How many changes were accepted so far."""
    seq: int = await conn.fetchval("SELECT seq FROM intent")
    return seq


async def count_intent(conn: Connection) -> int:
    """Count one accepted change. Last in its transaction: all changes queue up here."""
    seq: int = await conn.fetchval("UPDATE intent SET seq = seq + 1 RETURNING seq")
    return seq


async def accept_intent(conn: Connection, seq: int) -> None:
    """An operator accepts an older database: go on from the count that the store has seen."""
    await conn.execute("UPDATE intent SET seq = greatest(seq, $1)", seq)


async def incarnation(conn: Connection) -> str | None:
    """The store's life that the last leader left behind."""
    text: str | None = await conn.fetchval("SELECT incarnation FROM control")
    return text


async def set_incarnation(conn: Connection, incarnation_id: str) -> None:
    """Note the store's life; within a fenced transaction."""
    await conn.execute("UPDATE control SET incarnation = $1", incarnation_id)


async def notify(conn: Connection, channel: str, payload: str) -> None:
    """Give a hint on a channel of `db.listen`, when the transaction commits."""
    await conn.execute("SELECT pg_notify($1, $2)", channel, payload)
