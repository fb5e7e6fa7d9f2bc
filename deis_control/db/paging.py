"""One page of any listing query."""

from collections.abc import Callable
from typing import Any, TypeVar

from deis_control.db.pool import Connection
from deis_control.errors import NotFound
from deis_control.model import Page, Window

_T = TypeVar("_T")


async def fetch_page(
    conn: Connection,
    query: str,
    order: str,
    args: tuple[object, ...],
    window: Window,
    convert: Callable[[Any], _T],
    *,
    counting: str | None = None,
) -> Page[_T]:
    """A page of the query's rows; NotFound when the list has no such page (api.md 1.7).

    `counting` is a cheaper query with the same arguments for how many rows there are.
    """
    if counting is None:
        counting = f"SELECT count(*) FROM ({query}) AS listed"  # noqa: S608 - constants
    count: int = await conn.fetchval(counting, *args)
    pages = max(1, -(-count // window.size))
    number = pages if window.number is None else window.number
    if not 1 <= number <= pages:
        raise NotFound
    places = f"LIMIT ${len(args) + 1} OFFSET ${len(args) + 2}"
    listing = f"{query} ORDER BY {order} {places}"
    rows = await conn.fetch(listing, *args, min(window.size, count), (number - 1) * window.size)
    return Page([convert(row) for row in rows], count, number, pages)
