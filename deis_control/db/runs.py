"""One-off commands: accepted by an API process, carried on by the leader alone.

Command and output are sealed for their app and number. Every write of the leader is within
`control.fenced` and notes its epoch; NotFound when it comes too late.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from deis_control.db import apps
from deis_control.db.control import count_intent, notify
from deis_control.db.listen import RUN_ENDS, RUNS
from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.errors import NotFound
from deis_control.model import App, Page, Run, RunState, Window
from deis_node.cluster.seal import Ring

OUTPUTS = 50
"""Of so many newest commands of an app the outputs are kept."""

_SELECT = """
SELECT runs.uuid, apps.id AS app, runs.num, runs.release, runs.command, runs.actor, runs.state,
       runs.exit_code, runs.reason, runs.truncated, runs.created, runs.started, runs.ended
FROM runs JOIN apps ON apps.uuid = runs.app
"""
_OPEN = """
SELECT runs.uuid, runs.app, apps.id AS app_id, apps.destroying, runs.num, runs.state, runs.release,
       runs.host, runs.container, runs.incarnation, runs.reason,
       extract(epoch FROM clock_timestamp() - runs.created)::float8 AS waited,
       extract(epoch FROM clock_timestamp() - runs.taken)::float8 AS placed,
       extract(epoch FROM clock_timestamp() - runs.started)::float8 AS ran
FROM runs JOIN apps ON apps.uuid = runs.app WHERE runs.state IN ('queued', 'running')
"""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A command that has not ended, as the leader needs it; times are seconds until now."""

    uuid: UUID
    app: UUID
    app_id: str
    destroying: bool
    """Whether its app is."""
    num: int
    state: RunState
    release: int | None
    host: str | None
    container: str | None
    incarnation: str | None
    reason: str
    """Why the leader ends it; empty while it does not."""
    waited: float
    """Since it was accepted."""
    placed: float | None
    """Since a host was chosen."""
    ran: float | None
    """Since it was seen running."""

    @property
    def process(self) -> str:
        """The name that users see, `run.1`."""
        return f"run.{self.num}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    state: RunState
    exit_code: int | None = None
    reason: str = ""
    output: bytes = b""
    truncated: bool = False
    started: datetime | None = None
    """None: as it was seen."""
    ended: datetime | None = None
    """None: now."""


# --- for the API ---------------------------------------------------------------------------


async def insert(
    conn: Connection, ring: Ring, uuid: UUID, app: App, actor: str, command: str
) -> Run:
    """Accept a command under the app's next number; the leader hears of it.

    Last in its transaction. Conflict while the app is being destroyed, NotFound without it.
    """
    await apps.lock_for_change(conn, app.uuid)
    highest = "SELECT coalesce(max(num), 0) + 1 FROM runs WHERE app = $1"
    num: int = await conn.fetchval(highest, app.uuid)
    await conn.execute(
        "INSERT INTO runs (uuid, app, num, command, actor) VALUES ($1, $2, $3, $4, $5)",
        uuid,
        app.uuid,
        num,
        ring.seal(command.encode(), kind="run", app=app.id, release=num),
        actor,
    )
    made = await get(conn, ring, uuid)
    await notify(conn, RUNS, str(app.uuid))
    await count_intent(conn)
    return made


async def get(conn: Connection, ring: Ring, uuid: UUID) -> Run:
    """The command of that uuid, without its output; NotFound, also once its app is gone."""
    row = await conn.fetchrow(_SELECT + "WHERE runs.uuid = $1", uuid)
    if row is None:
        raise NotFound
    return _run(ring, row)


async def of_num(conn: Connection, ring: Ring, app: UUID, num: int) -> Run:
    """The app's command of that number, without its output; NotFound."""
    row = await conn.fetchrow(_SELECT + "WHERE runs.app = $1 AND runs.num = $2", app, num)
    if row is None:
        raise NotFound
    return _run(ring, row)


async def output_of(conn: Connection, ring: Ring, run: Run) -> bytes | None:
    """What an ended command wrote; None when there is no output, or it is not kept any more."""
    sealed = await conn.fetchval("SELECT output FROM runs WHERE uuid = $1", run.uuid)
    return (
        None
        if sealed is None
        else ring.open(sealed, kind="run-result", app=run.app, release=run.num)
    )


async def page_of(conn: Connection, ring: Ring, app: UUID, window: Window) -> Page[Run]:
    """The app's commands, newest first, without their outputs."""
    query = _SELECT + "WHERE runs.app = $1"
    return await fetch_page(conn, query, "num DESC", (app,), window, lambda row: _run(ring, row))


# --- for the leader ------------------------------------------------------------------------


async def all_open(conn: Connection) -> tuple[OpenRun, ...]:
    """All commands that have not ended, in the order of their coming."""
    return tuple(_open(row) for row in await conn.fetch(_OPEN + "ORDER BY runs.created, num"))


async def find_open(conn: Connection, uuid: UUID) -> OpenRun | None:
    """One of them; None once it has ended or its app is gone."""
    row = await conn.fetchrow(_OPEN + "AND runs.uuid = $1", uuid)
    return None if row is None else _open(row)


async def command_of(conn: Connection, ring: Ring, run: OpenRun) -> str:
    """The command's text. SealError when the ring lacks its key."""
    sealed = await conn.fetchval("SELECT command FROM runs WHERE uuid = $1", run.uuid)
    return ring.open(sealed, kind="run", app=run.app_id, release=run.num).decode()


async def take(
    conn: Connection,
    run: OpenRun,
    *,
    epoch: int,
    release: int,
    host: str,
    container: str,
    incarnation: str,
) -> None:
    """`queued → running`: fix which release runs where, once and for all."""
    query = """UPDATE runs SET state = 'running', epoch = $2, release = $3, host = $4,
        container = $5, incarnation = $6, taken = clock_timestamp()
        WHERE uuid = $1 AND state = 'queued' AND epoch <= $2"""
    _one(await conn.execute(query, run.uuid, epoch, release, host, container, incarnation))


async def note_start(conn: Connection, run: OpenRun, *, epoch: int) -> None:
    """It was seen running: from now on it can only be lost, never be placed again."""
    query = """UPDATE runs SET started = clock_timestamp(), epoch = $2
        WHERE uuid = $1 AND state = 'running' AND started IS NULL AND epoch <= $2"""
    _one(await conn.execute(query, run.uuid, epoch))


async def note_end(conn: Connection, run: OpenRun, *, epoch: int, reason: str) -> None:
    """It is about to be ended, for this reason."""
    query = """UPDATE runs SET reason = $3, epoch = $2
        WHERE uuid = $1 AND state = 'running' AND epoch <= $2"""
    _one(await conn.execute(query, run.uuid, epoch, reason))


async def finish(
    conn: Connection, ring: Ring, run: OpenRun, outcome: Outcome, *, epoch: int
) -> None:
    """The end, with its result; whoever waits hears of it. Old outputs go."""
    sealed = ring.seal(outcome.output, kind="run-result", app=run.app_id, release=run.num)
    query = """UPDATE runs SET state = $3, exit_code = $4, reason = $5, output = $6,
        truncated = $7, started = coalesce($8, started), ended = coalesce($9, clock_timestamp()),
        epoch = $2 WHERE uuid = $1 AND state IN ('queued', 'running') AND epoch <= $2"""
    status = await conn.execute(
        query,
        run.uuid,
        epoch,
        outcome.state.value,
        outcome.exit_code,
        outcome.reason,
        sealed,
        outcome.truncated,
        outcome.started,
        outcome.ended,
    )
    _one(status)
    old = "UPDATE runs SET output = NULL WHERE app = $1 AND num <= $2 AND output IS NOT NULL"
    await conn.execute(old, run.app, run.num - OUTPUTS)
    await notify(conn, RUN_ENDS, str(run.uuid))


def _one(status: str) -> None:
    """NotFound unless the statement changed one row: the command has ended, or its app is gone."""
    if status != "UPDATE 1":
        raise NotFound


def _run(ring: Ring, row: Any) -> Run:
    plain = ring.open(row["command"], kind="run", app=row["app"], release=row["num"])
    return Run(**{**row, "command": plain.decode(), "state": RunState(row["state"])})


def _open(row: Any) -> OpenRun:
    return OpenRun(**{**row, "state": RunState(row["state"])})
