"""Answers: JSON, pages, nothing; and the window of a list that was asked for."""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from deis_control.api import wire
from deis_control.errors import NotFound
from deis_control.model import Page, Window

_T = TypeVar("_T")

PAGE_SIZE = 100


def answer(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer."""
    return web.json_response(value, status=status, headers=headers, dumps=_dumps)


def empty(status: int) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status)


def reason(status: int) -> str:
    """The reason phrase in capitals, which clients print and tests look for (api.md 1.2)."""
    try:
        return HTTPStatus(status).phrase.upper()
    except ValueError:
        return "UNKNOWN"


def window_of(request: web.Request, *, most: int | None = None) -> Window:
    """The part of a list that the query names; NotFound for a page that is no number.

    A page has at most `most` entries where that is given: v1's lists know no bound.
    """
    page = request.query.get("page", "1")
    size = _number(request.query.get("page_size", "")) or PAGE_SIZE
    size = size if most is None else min(size, most)
    if page == "last":
        return Window(None, size)
    number = _number(page)
    if number is None:
        raise NotFound
    return Window(number, size)


def listing(
    request: web.Request, found: Page[_T], convert: Callable[[_T], dict[str, Any]]
) -> web.Response:
    """A page of a list."""
    return answer(wire.page(found, convert, lambda number: _page_url(request, number)))


def cut(items: Sequence[_T], window: Window) -> Page[_T]:
    """A page of a list that is in memory; NotFound when the list has no such page."""
    pages = max(1, -(-len(items) // window.size))
    number = pages if window.number is None else window.number
    if not 1 <= number <= pages:
        raise NotFound
    start = (number - 1) * window.size
    return Page(items[start : start + window.size], len(items), number, pages)


def host_of(request: web.Request) -> str:
    """Scheme and host that the client used."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").strip().lower()
    return f"{'https' if forwarded == 'https' else request.scheme}://{request.host}"


def _page_url(request: web.Request, number: int) -> str:
    others = [(name, value) for name, value in request.query.items() if name != "page"]
    query = urlencode([("page", str(number)), *others])
    return f"{host_of(request)}{request.rel_url.raw_path}?{query}"


def _number(text: str) -> int | None:
    """A positive number of at most 18 digits."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        return None
    return int(text) or None


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
