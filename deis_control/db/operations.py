"""Operations: users' changes in order per app, their phases and progress lines.

An API process or the builder inserts; only the leader moves one on, within `control.fenced`,
whose epoch each write notes. Whoever locks an app and its operations locks the app first.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from deis_control.db import apps, refs, releases
from deis_control.db.control import count_intent, notify
from deis_control.db.listen import OPERATIONS, PHASES
from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.deltas import Delta, RefUpdate, kind_of, read_delta
from deis_control.errors import Fenced, NotFound
from deis_control.model import (
    App,
    Kind,
    Operation,
    OpPhase,
    Page,
    PhaseLine,
    ReleaseState,
    Window,
)
from deis_node.cluster.seal import Ring

_SELECT = """
SELECT operations.id, operations.app, apps.id AS app_id, operations.seq, operations.kind,
       users.username AS actor, operations.actor_id, operations.summary, operations.phase,
       operations.release,
       operations.plan, operations.cancel, operations.reason, operations.idempotency_key,
       operations.created, operations.started, operations.ended
FROM operations JOIN apps ON apps.uuid = operations.app
JOIN users ON users.id = operations.actor_id
"""
_OPEN = "operations.phase NOT IN ('done', 'failed')"


async def insert(
    conn: Connection,
    ring: Ring,
    uuid: UUID,
    app: App,
    delta: Delta,
    actor_id: int,
    idempotency_key: str | None = None,
    *,
    summary: str = "",
) -> Operation:
    """Accept a change: it is queued, counted, and the leader hears of it.

    Last in its transaction. Conflict while the app is being destroyed, NotFound without it.
    """
    seq = await apps.take_seq(conn, app.uuid)
    await conn.execute(
        """INSERT INTO operations (id, app, seq, kind, actor_id, delta, idempotency_key,
        summary) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        uuid,
        app.uuid,
        seq,
        kind_of(delta).value,
        actor_id,
        ring.seal(delta.to_bytes(), kind="operation", app=app.id),
        idempotency_key,
        summary,
    )
    await add_line(conn, uuid, OpPhase.QUEUED)
    await notify(conn, OPERATIONS, str(app.uuid))
    made = await get(conn, uuid)
    await count_intent(conn)
    return made


async def get(conn: Connection, operation: UUID) -> Operation:
    """The operation of that id; NotFound, also once its app is destroyed."""
    row = await conn.fetchrow(_SELECT + "WHERE operations.id = $1", operation)
    if row is None:
        raise NotFound
    return _operation(row)


async def by_key(conn: Connection, app: UUID, idempotency_key: str) -> Operation | None:
    """The app's operation that was accepted under that key, if any."""
    query = _SELECT + "WHERE operations.app = $1 AND operations.idempotency_key = $2"
    row = await conn.fetchrow(query, app, idempotency_key)
    return None if row is None else _operation(row)


async def delta_of(conn: Connection, ring: Ring, operation: Operation) -> Delta:
    """What the operation changes. SealError when the ring lacks its key."""
    sealed = await conn.fetchval("SELECT delta FROM operations WHERE id = $1", operation.id)
    return read_delta(operation.kind, ring.open(sealed, kind="operation", app=operation.app_id))


async def next_open(conn: Connection) -> tuple[Operation, ...]:
    """For each app with unfinished operations the one that is first in order."""
    inner = f"SELECT DISTINCT ON (app) id FROM operations WHERE {_OPEN} ORDER BY app, seq"  # noqa: S608 - constants
    rows = await conn.fetch(_SELECT + f"WHERE operations.id IN ({inner}) ORDER BY created")
    return tuple(_operation(row) for row in rows)


async def next_open_of(conn: Connection, app: UUID) -> Operation | None:
    """The app's first unfinished operation."""
    query = _SELECT + f"WHERE operations.app = $1 AND {_OPEN} ORDER BY operations.seq LIMIT 1"
    row = await conn.fetchrow(query, app)
    return None if row is None else _operation(row)


async def open_of(conn: Connection, app: UUID) -> tuple[Operation, ...]:
    """All unfinished operations of the app, in order."""
    query = _SELECT + f"WHERE operations.app = $1 AND {_OPEN} ORDER BY operations.seq"
    return tuple(_operation(row) for row in await conn.fetch(query, app))


async def page_of(
    conn: Connection, app: UUID, window: Window, *, only_open: bool = False
) -> Page[Operation]:
    """The app's operations, newest first."""
    query = _SELECT + "WHERE operations.app = $1" + (f" AND {_OPEN}" if only_open else "")
    return await fetch_page(conn, query, "seq DESC", (app,), window, _operation)


async def ask_cancel(conn: Connection, operation: UUID) -> None:
    """Ask the leader to end an unfinished operation; it does so up to `routed`."""
    query = f"UPDATE operations SET cancel = true WHERE id = $1 AND {_OPEN} RETURNING app"  # noqa: S608 - constants
    app = await conn.fetchval(query, operation)
    if app is not None:
        await notify(conn, OPERATIONS, str(app))


async def place(
    conn: Connection,
    operation: Operation,
    *,
    epoch: int,
    release: int | None,
    plan: Mapping[str, Any],
) -> None:
    """`queued → placing`: note the number taken and the plan. Within a fenced transaction that
    also inserts config and release; Fenced when the operation was not queued any more.
    """
    query = """UPDATE operations SET phase = 'placing', release = $2, plan = $3, epoch = $4,
        started = clock_timestamp() WHERE id = $1 AND phase = 'queued' AND epoch <= $4"""
    _one(await conn.execute(query, operation.id, release, dict(plan), epoch))
    await add_line(conn, operation.id, OpPhase.PLACING)


async def set_phase(
    conn: Connection, operation: UUID, phase: OpPhase, *, epoch: int, text: str = ""
) -> None:
    """Move an unfinished operation on, with a line of progress; within a fenced transaction."""
    query = f"""UPDATE operations SET phase = $2, epoch = $3
        WHERE id = $1 AND epoch <= $3 AND {_OPEN}"""  # noqa: S608 - constants
    _one(await conn.execute(query, operation, phase.value, epoch))
    await add_line(conn, operation, phase, text)


async def add_line(conn: Connection, operation: UUID, phase: OpPhase, text: str = "") -> None:
    """One line of progress; watchers hear of it when the transaction commits."""
    query = "INSERT INTO operation_phases (operation, phase, text) VALUES ($1, $2, $3)"
    await conn.execute(query, operation, phase.value, text)
    await notify(conn, PHASES, str(operation))


async def lines_after(conn: Connection, operation: UUID, seq: int) -> tuple[PhaseLine, ...]:
    """The operation's lines of progress after a sequence number (0 for all)."""
    query = """SELECT seq, phase, text, at FROM operation_phases
        WHERE operation = $1 AND seq > $2 ORDER BY seq"""
    rows = await conn.fetch(query, operation, seq)
    return tuple(PhaseLine(r["seq"], OpPhase(r["phase"]), r["text"], r["at"]) for r in rows)


async def finish_live(
    conn: Connection,
    operation: Operation,
    *,
    epoch: int,
    structure: Mapping[str, int] | None,
    stopped: Collection[str] = (),
    ref: RefUpdate | None = None,
) -> None:
    """The change took effect: its release is live, the app has the formation, the ref moved.

    Without a structure the formation stays, and with it what is stopped.
    One fenced transaction, so that the ref is moved if and only if the release is live.
    """
    await apps.lock(conn, operation.app)
    await _end(conn, operation, OpPhase.DONE, epoch, "")
    if operation.release is not None:
        await releases.set_state(conn, operation.app, operation.release, ReleaseState.LIVE)
    if structure is not None:
        await apps.set_structure(conn, operation.app, structure, stopped)
    if ref is not None:
        await refs.move(conn, operation.app, ref)


async def finish_failed(conn: Connection, operation: Operation, *, epoch: int, reason: str) -> None:
    """The change was undone: its release, if it made one, has failed for ever."""
    await apps.lock(conn, operation.app)
    await _end(conn, operation, OpPhase.FAILED, epoch, reason)
    if operation.release is not None:
        await releases.set_state(conn, operation.app, operation.release, ReleaseState.FAILED)
    if operation.kind is Kind.DESTROY:
        await apps.set_destroying(conn, operation.app, False)


async def _end(
    conn: Connection, operation: Operation, phase: OpPhase, epoch: int, reason: str
) -> None:
    query = f"""UPDATE operations SET phase = $2, epoch = $3, reason = $4,
        ended = clock_timestamp() WHERE id = $1 AND epoch <= $3 AND {_OPEN}"""  # noqa: S608 - constants
    _one(await conn.execute(query, operation.id, phase.value, epoch, reason))
    await add_line(conn, operation.id, phase, reason)


def _one(status: str) -> None:
    """Fenced unless the statement changed one row."""
    if status != "UPDATE 1":
        raise Fenced("the operation is not this leader's to change any more")


def _operation(row: Any) -> Operation:
    return Operation(**{**row, "kind": Kind(row["kind"]), "phase": OpPhase(row["phase"])})
