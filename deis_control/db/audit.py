"""The audit trail: lines are added and read; the table refuses everything else."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
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

_THEIRS = """(actor_id = $1 OR app IN (
    SELECT uuid FROM apps WHERE owner_id = $1
    UNION SELECT app FROM app_users WHERE user_id = $1))"""


async def insert(
    conn: Connection,
    *,
    actor: str,
    actor_id: int | None,
    address: str,
    token: str,
    action: str,
    app: UUID | None,
    app_id: str | None,
    target: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
    outcome: str,
) -> None:
    """One more line; in the transaction of what it tells of."""
    await conn.execute(
        """INSERT INTO audit (actor, actor_id, address, token, action, app, app_id, target,
        before, after, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        actor,
        actor_id,
        address,
        token,
        action,
        app,
        app_id,
        target,
        None if before is None else dict(before),
        None if after is None else dict(after),
        outcome,
    )


async def page_of_all(conn: Connection, wanted: AuditFilter, window: Window) -> Page[AuditEntry]:
    """Every line that is wanted, newest first."""
    return await _page(conn, wanted, window, [], [])


async def page_of(
    conn: Connection, user_id: int, wanted: AuditFilter, window: Window
) -> Page[AuditEntry]:
    """The same of the user's own acts, and of the apps that he may use."""
    return await _page(conn, wanted, window, [_THEIRS], [user_id])


async def page_of_app(
    conn: Connection, app: UUID, wanted: AuditFilter, window: Window
) -> Page[AuditEntry]:
    """The same of one app."""
    return await _page(conn, wanted, window, ["app = $1"], [app])


async def _page(
    conn: Connection,
    wanted: AuditFilter,
    window: Window,
    conditions: list[str],
    args: list[object],
) -> Page[AuditEntry]:
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            args.append(value)
            conditions.append(condition.format(len(args)))
    query = _SELECT + (f"WHERE {' AND '.join(conditions)}" if conditions else "")
    return await fetch_page(conn, query, "id DESC", tuple(args), window, _entry)


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(**row)
