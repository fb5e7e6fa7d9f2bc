"""The audit trail: lines are added and read; the table refuses everything else."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from deis_control.db.paging import fetch_page
from deis_control.db.pool import UNHURRIED, Connection
from deis_control.model import AuditEntry, AuditFilter, Page, Window

_SELECT = """
SELECT id, at, actor, address, token, action, app_id AS app, target, before, after, outcome
FROM audit
"""
_CONDITIONS = {
    "app": "app_id = ${}",
    "actor": "actor = ${}",
    "action": "action = ${}",
    "outcome": "outcome = ${}",
    "since": "at >= ${}",
    "until": "at < ${}",
}

_THEIRS = (
    "SELECT id FROM audit WHERE actor_id = $1",
    "SELECT id FROM audit WHERE app IN (SELECT uuid FROM apps WHERE owner_id = $1)",
    "SELECT id FROM audit WHERE app IN (SELECT app FROM app_users WHERE user_id = $1)",
)
"""The lines that a user may see, by each reason for it."""

_OF_APP = """app = $1 AND EXISTS (SELECT FROM users WHERE id = $2 AND (is_superuser
OR EXISTS (SELECT FROM apps WHERE uuid = $1 AND owner_id = $2)
OR EXISTS (SELECT FROM app_users WHERE app = $1 AND user_id = $2)))"""


@dataclass(frozen=True, slots=True)
class Line:
    """What a line tells; see `AuditEntry`."""

    actor: str
    action: str
    actor_id: int | None = None
    address: str = ""
    token: str = ""
    app: UUID | None = None
    app_id: str | None = None
    target: str = ""
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    outcome: str = "ok"


_COLUMNS = tuple(field.name for field in fields(Line))
_PLACES = ", ".join(f"${number + 1}" for number in range(len(_COLUMNS)))
_INSERT = f"INSERT INTO audit ({', '.join(_COLUMNS)}) "


async def insert(conn: Connection, line: Line) -> None:
    """One more line; in the transaction of what it tells of."""
    await conn.execute(f"{_INSERT} VALUES ({_PLACES})", *_values(line))


async def insert_without_waiting(conn: Connection, line: Line) -> None:
    """The same in a transaction of its own, of which a crash of PostgreSQL may lose half a second.

    For what changes nothing and is asked often.
    """
    places = "$1::text, $2::text, $3::bigint, $4::text, $5::text, $6::uuid, $7::text, $8::text, "
    rest = "$9::jsonb, $10::jsonb, $11::text"
    query = f"{UNHURRIED}{_INSERT} SELECT {places}{rest} FROM off"  # noqa: S608 - constants
    await conn.execute(query, *_values(line))


def _values(line: Line) -> list[object]:
    found = [getattr(line, name) for name in _COLUMNS]
    return [dict(value) if isinstance(value, Mapping) else value for value in found]


COUNTED = 10_000
"""Lines that a list is counted up to, and can be paged through: the trail grows for ever. Whoever
looks further back says `until`."""


async def page_of_all(conn: Connection, wanted: AuditFilter, window: Window) -> Page[AuditEntry]:
    """Every line that is wanted, newest first."""
    conditions, args = _conditions(wanted, [])
    return await _page(conn, conditions, args, window)


async def page_of(
    conn: Connection, user_id: int, wanted: AuditFilter, window: Window
) -> Page[AuditEntry]:
    """The same of the user's own acts, and of the apps that he may use."""
    conditions, args = _conditions(wanted, [user_id])
    newest = f"ORDER BY id DESC LIMIT {COUNTED}"
    branches = (f"({' AND '.join((each, *conditions))} {newest})" for each in _THEIRS)
    return await _page(conn, [f"id IN ({' UNION '.join(branches)})"], args, window)


async def page_of_app(
    conn: Connection, app: UUID, user_id: int, wanted: AuditFilter, window: Window
) -> Page[AuditEntry]:
    """The same of one app, for as long as the user may use it."""
    conditions, args = _conditions(wanted, [app, user_id])
    return await _page(conn, [_OF_APP, *conditions], args, window)


def _conditions(wanted: AuditFilter, args: list[object]) -> tuple[list[str], list[object]]:
    """What the filter asks for, and the arguments with those before."""
    conditions = []
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            args.append(value)
            conditions.append(condition.format(len(args)))
    return conditions, args


async def _page(
    conn: Connection, conditions: list[str], args: list[object], window: Window
) -> Page[AuditEntry]:
    query = _SELECT + (f"WHERE {' AND '.join(conditions)}" if conditions else "")
    counting = f"SELECT count(*) FROM ({query} LIMIT {COUNTED}) AS listed"  # noqa: S608 - constants
    return await fetch_page(conn, query, "id DESC", tuple(args), window, _entry, counting=counting)


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(**row)
