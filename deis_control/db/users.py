"""Accounts, their password hashes and tokens; a token lies here as its SHA-256 only."""

from typing import Any

import asyncpg

from deis_control.db.pool import Connection
from deis_control.errors import Invalid, NotFound
from deis_control.model import Profile, User

_COLUMNS = """users.id, users.username, users.email, users.first_name, users.last_name,
       users.is_superuser, users.is_active, users.last_login, users.date_joined,
       users.groups"""
_SELECT = f"SELECT {_COLUMNS} FROM users "  # noqa: S608 - constants


async def lock_registration(conn: Connection) -> None:
    """Let one registration at a time ask who is the first account, until the transaction ends."""
    await conn.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")


async def has_superuser(conn: Connection) -> bool:
    """Whether anybody administers the platform yet."""
    query = "SELECT EXISTS (SELECT FROM users WHERE is_superuser)"
    found: bool = await conn.fetchval(query)
    return found


async def insert(
    conn: Connection,
    *,
    username: str,
    password: str | None,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    is_superuser: bool = False,
) -> User:
    """A new account; `password` is a hash, None when the directory (LDAP) keeps it.

    Invalid when the name is taken.
    """
    try:
        await conn.execute(
            """INSERT INTO users (username, password, email, first_name, last_name, is_superuser)
            VALUES ($1, $2, $3, $4, $5, $6)""",
            username,
            password,
            email,
            first_name,
            last_name,
            is_superuser,
        )
    except asyncpg.UniqueViolationError as err:
        raise Invalid({"username": ["This field must be unique."]}) from err
    return await find(conn, username)


async def is_taken(conn: Connection, username: str) -> bool:
    """Whether there is an account of that name."""
    query = "SELECT EXISTS (SELECT FROM users WHERE username = $1)"
    found: bool = await conn.fetchval(query, username)
    return found


async def find(conn: Connection, username: str) -> User:
    """The account of that name; NotFound."""
    row = await conn.fetchrow(_SELECT + "WHERE username = $1", username)
    if row is None:
        raise NotFound
    return User(**row)


async def password_of(conn: Connection, username: str) -> tuple[User, str | None] | None:
    """The account of that name with its password's hash, if there is one.

    The hash is None when the directory (LDAP) keeps the password.
    """
    query = f"SELECT {_COLUMNS}, users.password FROM users WHERE username = $1"  # noqa: S608
    row = await conn.fetchrow(query, username)
    return None if row is None else _with_password(row)


async def alike(conn: Connection, username: str) -> list[tuple[User, str | None]]:
    """All accounts of that name, in whatever case, each as of `password_of`."""
    query = f"""SELECT {_COLUMNS}, users.password FROM users
        WHERE lower(username) = lower($1) ORDER BY id"""  # noqa: S608
    return [_with_password(row) for row in await conn.fetch(query, username)]


async def mirror(conn: Connection, user_id: int, profile: Profile) -> None:
    """Keep what the directory (LDAP) says of the account; writes when it differs."""
    await conn.execute(
        """UPDATE users SET email = $2, first_name = $3, last_name = $4, groups = $5 WHERE id = $1
        AND (email, first_name, last_name, groups) IS DISTINCT FROM ($2, $3, $4, $5)""",
        user_id,
        profile.email,
        profile.first_name,
        profile.last_name,
        list(profile.groups),
    )


async def by_token(conn: Connection, digest: bytes) -> User | None:
    """Whose token has that digest, if anybody's."""
    query = _SELECT + "JOIN tokens ON tokens.user_id = users.id WHERE tokens.digest = $1"
    row = await conn.fetchrow(query, digest)
    return None if row is None else User(**row)


async def add_token(conn: Connection, user_id: int, digest: bytes) -> None:
    """One more token of the account; the older ones stay valid."""
    await conn.execute("INSERT INTO tokens (digest, user_id) VALUES ($1, $2)", digest, user_id)


async def remove_token(conn: Connection, digest: bytes) -> None:
    """End one token; nothing when it is gone already."""
    await conn.execute("DELETE FROM tokens WHERE digest = $1", digest)


async def remove_tokens_of(conn: Connection, user_id: int) -> None:
    """End all tokens of the account."""
    await conn.execute("DELETE FROM tokens WHERE user_id = $1", user_id)


async def remove_all_tokens(conn: Connection) -> None:
    """End everybody's tokens."""
    await conn.execute("DELETE FROM tokens")


def _with_password(row: asyncpg.Record) -> tuple[User, str | None]:
    columns: dict[str, Any] = dict(row)
    return User(**{k: v for k, v in columns.items() if k != "password"}), columns["password"]
