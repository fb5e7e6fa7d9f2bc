"""Accounts and their password hashes."""

from typing import Any

import asyncpg

from deis_control.db.paging import fetch_page
from deis_control.db.pool import Connection
from deis_control.errors import Invalid, NotFound
from deis_control.model import Page, Profile, User, Window

COLUMNS = """users.id, users.username, users.email, users.first_name, users.last_name,
       users.is_superuser, users.is_active, users.last_login, users.date_joined,
       users.groups"""
"""What a `User` is made of."""

_SELECT = f"SELECT {COLUMNS} FROM users "  # noqa: S608 - constants


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
    query = f"SELECT {COLUMNS}, users.password FROM users WHERE username = $1"  # noqa: S608
    row = await conn.fetchrow(query, username)
    return None if row is None else _with_password(row)


async def alike(conn: Connection, username: str) -> list[tuple[User, str | None]]:
    """All accounts of that name, in whatever case, each as of `password_of`."""
    query = f"""SELECT {COLUMNS}, users.password FROM users
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


async def page_of_all(conn: Connection, window: Window) -> Page[User]:
    """Everybody, in the order of registration."""
    return await fetch_page(conn, _SELECT, "id", (), window, _user)


async def page_of_superusers(conn: Connection, window: Window) -> Page[User]:
    """Whoever administers the platform and may log in."""
    query = _SELECT + "WHERE is_superuser AND is_active"
    return await fetch_page(conn, query, "id", (), window, _user)


async def set_superuser(conn: Connection, user_id: int, superuser: bool) -> None:
    """Whether the account administers the platform."""
    await conn.execute("UPDATE users SET is_superuser = $2 WHERE id = $1", user_id, superuser)


async def set_password(conn: Connection, user_id: int, password: str) -> None:
    """Another password; `password` is a hash."""
    await conn.execute("UPDATE users SET password = $2 WHERE id = $1", user_id, password)


async def owns_apps(conn: Connection, user_id: int) -> bool:
    """Whether any app is the account's."""
    query = "SELECT EXISTS (SELECT FROM apps WHERE owner_id = $1)"
    found: bool = await conn.fetchval(query, user_id)
    return found


async def lock(conn: Connection, username: str) -> User:
    """The account of that name, its row locked until the transaction ends; NotFound."""
    row = await conn.fetchrow(_SELECT + "WHERE username = $1 FOR UPDATE", username)
    if row is None:
        raise NotFound
    return _user(row)


_MADE = (
    ("operations", "actor_id"),  # before releases, as whoever ends an operation locks them
    ("domains", "owner_id"),
    ("configs", "owner_id"),
    ("builds", "owner_id"),
    ("releases", "owner_id"),
    ("pushes", "owner_id"),
)


async def hand_over(conn: Connection, user_id: int) -> None:
    """What the account made in others' apps is their owners' from now on (api.md 2.5)."""
    for table, column in _MADE:
        await conn.execute(
            f"UPDATE {table} SET {column} = apps.owner_id FROM apps"  # noqa: S608 - constants
            f" WHERE apps.uuid = {table}.app AND {table}.{column} = $1",
            user_id,
        )


async def delete(conn: Connection, user_id: int) -> None:
    """Remove the account with its keys, tokens, certificates and grants."""
    await conn.execute("DELETE FROM users WHERE id = $1", user_id)


def _user(row: Any) -> User:
    return User(**row)


def _with_password(row: asyncpg.Record) -> tuple[User, str | None]:
    columns: dict[str, Any] = dict(row)
    return User(**{k: v for k, v in columns.items() if k != "password"}), columns["password"]
