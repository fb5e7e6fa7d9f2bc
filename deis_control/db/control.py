"""The leader's fence, the count of accepted changes, the store's life (rules 2 and 6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from deis_control.db.pool import Connection, Database
from deis_control.errors import Fenced

REMEMBERED = 1000
"""How many accepted changes before the last one that the store knows of keep their marks."""


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


@dataclass(frozen=True, slots=True)
class Counted:
    """How many changes the database has accepted, and whether it is the one that was known."""

    seq: int
    mark: str
    """The last one's own; empty when it has none."""
    knows: bool
    """Whether it knows the change that was asked about."""


async def intent_seq(conn: Connection) -> int:
    """How many changes were accepted so far."""
    seq: int = await conn.fetchval("SELECT seq FROM intent")
    return seq


async def counted(conn: Connection, seq: int, mark: str) -> Counted:
    """The count, and whether the change of this number and mark is among those accepted.

    One without a mark, or from before all that are remembered, is known by its number alone.
    """
    row = await conn.fetchrow(
        """SELECT intent.seq, coalesce(last.mark::text, '') AS mark,
            $1 <= intent.seq AND ($2 = '' OR coalesce(
                asked.mark::text = $2,
                $1 < (SELECT min(seq) FROM intents),
                false
            )) AS knows
        FROM intent
        LEFT JOIN intents AS last ON last.seq = intent.seq
        LEFT JOIN intents AS asked ON asked.seq = $1""",
        seq,
        mark,
    )
    assert row is not None, "the table has one row"
    return Counted(row["seq"], row["mark"], row["knows"] or not seq)


async def count_intent(conn: Connection) -> int:
    """Count one accepted change. Last in its transaction: all changes queue up here."""
    seq: int = await conn.fetchval(
        """WITH counted AS (UPDATE intent SET seq = seq + 1 RETURNING seq),
            marked AS (INSERT INTO intents (seq) SELECT seq FROM counted)
        SELECT seq FROM counted"""
    )
    return seq


async def forget_intents(conn: Connection, known: int) -> None:
    """Forget marks long before a change of which the store knows, and the database as well.

    Never any other: a database that is behind keeps all of its marks, or it would seem to know
    what it has forgotten.
    """
    await conn.execute("DELETE FROM intents WHERE seq <= $1", known - REMEMBERED)


async def accept_intent(conn: Connection, seq: int, mark: str) -> None:
    """An operator accepts this database: go on from the change that the store knows of last."""
    await conn.execute("UPDATE intent SET seq = greatest(seq, $1)", seq)
    if mark:
        await conn.execute(
            """INSERT INTO intents (seq, mark) VALUES ($1, $2::text::uuid)
            ON CONFLICT (seq) DO UPDATE SET mark = excluded.mark""",
            seq,
            mark,
        )


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
