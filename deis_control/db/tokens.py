"""Tokens; each lies here as its SHA-256 only."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from deis_control.db.paging import fetch_page
from deis_control.db.pool import UNHURRIED, Connection
from deis_control.db.users import COLUMNS
from deis_control.errors import Invalid, NotFound
from deis_control.model import Login, Page, Scope, Token, User, Window

_COLUMNS = """tokens.id, tokens.name, tokens.scope, tokens.app, apps.id AS app_id, tokens.created,
       tokens.last_used, tokens.expires"""
_SELECT = f"SELECT {_COLUMNS} FROM tokens LEFT JOIN apps ON apps.uuid = tokens.app "  # noqa: S608

_WHOSE = f"""
SELECT {COLUMNS}, tokens.id AS token_id, tokens.name, tokens.scope, tokens.app,
       apps.id AS app_id, tokens.created, tokens.last_used, tokens.expires,
       coalesce(tokens.expires <= now(), false) AS expired,
       coalesce(tokens.last_used < now() - interval '1 minute', true) AS stale
FROM tokens JOIN users ON users.id = tokens.user_id LEFT JOIN apps ON apps.uuid = tokens.app
WHERE tokens.digest = $1
"""  # noqa: S608 - constants

_TOUCH = f"""{UNHURRIED} UPDATE tokens SET last_used = now() FROM off
WHERE digest = $1 AND coalesce(last_used < now() - interval '1 minute', true)"""  # noqa: S608 - constants


async def holder(conn: Connection, digest: bytes) -> tuple[Login, bool, bool] | None:
    """Whose token has that digest, whether it is over, and whether its last use is to be noted."""
    row = await conn.fetchrow(_WHOSE, digest)
    if row is None:
        return None
    fields: dict[str, Any] = dict(row)
    expired, stale = fields.pop("expired"), fields.pop("stale")
    token = _token({name: fields.pop(name) for name in _FIELDS} | {"id": fields["token_id"]})
    del fields["token_id"]
    return Login(User(**fields), token), expired, stale


async def touch(conn: Connection, digest: bytes) -> None:
    """Note that a token is used, unless that was done within the last minute."""
    await conn.execute(_TOUCH, digest)


async def insert(
    conn: Connection,
    user_id: int,
    digest: bytes,
    *,
    name: str = "",
    scope: Scope = Scope.ADMIN,
    app: UUID | None = None,
    expires: datetime | None = None,
) -> Token:
    """One more token of the account; Invalid when it has one of that name."""
    try:
        made = await conn.fetchval(
            """INSERT INTO tokens (digest, user_id, name, scope, app, expires)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
            digest,
            user_id,
            name,
            scope.value,
            app,
            expires,
        )
    except asyncpg.UniqueViolationError as err:
        raise Invalid({"name": ["This field must be unique."]}) from err
    return _token(await conn.fetchrow(_SELECT + "WHERE tokens.id = $1", made))


async def page_of(conn: Connection, user_id: int, window: Window) -> Page[Token]:
    """The account's tokens, oldest first."""
    query = _SELECT + "WHERE tokens.user_id = $1"
    return await fetch_page(conn, query, "created, id", (user_id,), window, _token)


async def delete(conn: Connection, user_id: int, token: UUID) -> str:
    """End one of the account's tokens: its name; NotFound."""
    query = "DELETE FROM tokens WHERE user_id = $1 AND id = $2 RETURNING name"
    name: str | None = await conn.fetchval(query, user_id, token)
    if name is None:
        raise NotFound
    return name


async def delete_by_digest(conn: Connection, digest: bytes) -> None:
    """End one token; nothing when it is gone already."""
    await conn.execute("DELETE FROM tokens WHERE digest = $1", digest)


async def delete_expired(conn: Connection, user_id: int) -> None:
    """Forget the account's tokens that are over."""
    await conn.execute("DELETE FROM tokens WHERE user_id = $1 AND expires <= now()", user_id)


async def delete_of(conn: Connection, user_id: int) -> None:
    """End all tokens of the account, named ones too."""
    await conn.execute("DELETE FROM tokens WHERE user_id = $1", user_id)


async def delete_all(conn: Connection) -> None:
    """End everybody's tokens."""
    await conn.execute("DELETE FROM tokens")


_FIELDS = ("name", "scope", "app", "app_id", "created", "last_used", "expires")


def _token(row: Any) -> Token:
    return Token(**{**row, "scope": Scope(row["scope"])})
