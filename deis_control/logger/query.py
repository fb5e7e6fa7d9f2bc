"""The logger's HTTP side: an app's last lines, and their deletion (semantics.md section 19)."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from deis_control.logger.tail import Tail
from deis_node.cluster.names import is_app_id

DEFAULT_LINES = 100
"""How many lines are answered when none or 0 are asked for."""

_PATH = re.compile(r"/([-_a-z0-9]+)/?")
_QUERY = re.compile(r"(?:log_lines=([0-9]+))?")
_MOST_LINES = 10**9


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for."""

    app: str
    lines: int


def parse(path: str, query: str) -> Question | None:
    """Read the raw path and query of a request; None when they are not what is answered here."""
    where, what = _PATH.fullmatch(path), _QUERY.fullmatch(query)
    if where is None or what is None:
        return None
    return Question(where[1], number_of(what[1] or ""))


def number_of(digits: str) -> int:
    """How many lines are asked for by these digits, or by none."""
    asked = digits.lstrip("0")
    return _MOST_LINES if len(asked) > 9 else int(asked or DEFAULT_LINES)


class Queries:
    """Answers `GET /<app>?log_lines=N` with 200 or 204, `DELETE /<app>` with 200."""

    def __init__(
        self, directory: Path, segments: int, delete: Callable[[str], Awaitable[None]]
    ) -> None:
        self._directory = directory
        self._segments = segments
        self._delete = delete

    def application(self) -> web.Application:
        """The server's application."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.method not in ("GET", "DELETE"):
            return web.Response(status=400)
        path, _, query = request.raw_path.partition("?")
        question = parse(path, query)
        if question is None:
            return web.Response(status=404)
        if request.method == "DELETE":
            return await self._forget(question.app)
        return await self._tail(request, question)

    async def _forget(self, app: str) -> web.Response:
        if is_app_id(app):
            await self._delete(app)
        return web.Response()

    async def _tail(self, request: web.Request, question: Question) -> web.StreamResponse:
        if not is_app_id(question.app):
            return web.Response(status=204)
        open_tail = partial(Tail, self._directory, question.app, question.lines, self._segments)
        with await asyncio.to_thread(open_tail) as tail:
            if not tail:
                return web.Response(status=204)
            response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
            await response.prepare(request)
            pieces = tail.pieces()
            while piece := await asyncio.to_thread(next, pieces, b""):
                await response.write(piece)
            await response.write_eof()
            return response
