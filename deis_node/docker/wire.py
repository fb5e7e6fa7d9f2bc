"""The road to a Docker Engine: aiodocker opened and closed, deadlines, errors translated.

aiodocker's own calls drop what the platform needs (digests and ids in the `aux` entries of a
stream, time stamps of log lines) and end silently when an answer breaks off, so the calls of this
room stand on its queries. Connections are not limited in number: each followed log holds one.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiodocker
import aiohttp

from deis_node.docker.errors import Conflict, DockerError, NotFound, Unavailable
from deis_node.docker.streams import LineSplitter

Params = Mapping[str, str]
_OTHER_VERSION = "supported API version is"
"""What an engine says that took the place of the one whose version was learnt first; aiodocker asks
for it once, and each engine takes a range of them.
"""
_NO_ENGINE = 900
"""What aiodocker calls a connection that cannot be made."""


class Body:
    """The body of one answer, read piece by piece."""

    def __init__(self, response: aiohttp.ClientResponse, *, until: float, idle: float | None):
        self._content = response.content
        self._until = until
        self._idle = idle

    async def read(self) -> bytes:
        """The next piece, empty at the end; Unavailable when it breaks off or takes too long."""
        now = asyncio.get_running_loop().time()
        end = self._until if self._idle is None else min(self._until, now + self._idle)
        try:
            async with asyncio.timeout_at(None if end == float("inf") else end):
                return await self._content.readany()
        except TimeoutError as err:
            raise Unavailable("the Docker Engine stopped in the middle of an answer") from err
        except (aiohttp.ClientError, OSError) as err:
            raise Unavailable(f"the Docker Engine broke off its answer: {err}") from err

    async def entries(self) -> AsyncGenerator[dict[str, Any], None]:
        """The body as JSON objects, one a line."""
        splitter = LineSplitter()
        while piece := await self.read():
            for line in splitter.feed(piece):
                if line.strip():
                    yield _object(line)
        if splitter.rest.strip():
            yield _object(splitter.rest)


class Wire:
    """One engine's address and connections; the base of `client.Docker`."""

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        self.url = url
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._docker: aiodocker.Docker | None = None

    async def __aenter__(self) -> Self:
        connector = _connector(self.url)
        self._session = aiohttp.ClientSession(connector=connector)
        self._docker = aiodocker.Docker(self.url, session=self._session)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._docker is not None:
            await self._docker.close()
        if self._session is not None:
            await self._session.close()
        self._docker = self._session = None

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
        deadline: float | None = None,
    ) -> Any:
        """Ask once and read the whole answer; decoded JSON, or None for an empty one."""
        data = None if body is None else json.dumps(body)
        seconds = self._timeout if deadline is None else deadline
        async with self._open(method, path, params=params, data=data, deadline=seconds) as answer:
            pieces = []
            while piece := await answer.read():
                pieces.append(piece)
        text = b"".join(pieces)
        return _json(text) if text.strip() else None

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        data: str | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        idle: float | None = None,
    ) -> AsyncIterator[Body]:
        """Ask and hand out the answer's body.

        `deadline` is in seconds for the whole exchange; without one only the first byte of the
        answer is bounded. `idle` bounds the seconds between two pieces.
        """
        loop = asyncio.get_running_loop()
        until = float("inf") if deadline is None else loop.time() + deadline
        response = await self._send(
            method, path, params, data, headers, deadline=deadline or self._timeout
        )
        try:
            yield Body(response, until=until, idle=idle)
        finally:
            # Gives the connection back when the body was read to its end, ends it otherwise.
            response.close()

    async def _send(
        self,
        method: str,
        path: str,
        params: Params | None,
        data: str | AsyncIterator[bytes] | None,
        headers: Mapping[str, str] | None,
        *,
        deadline: float,
    ) -> aiohttp.ClientResponse:
        if self._docker is None:
            raise Unavailable("the client of the Docker Engine is not open")
        query = self._docker._query(path, method, params=params, data=data, headers=headers)
        try:
            async with asyncio.timeout(deadline), query as response:
                return response
        except aiodocker.DockerError as err:
            if err.status == HTTPStatus.BAD_REQUEST and _OTHER_VERSION in err.message:
                self._docker.api_version = "auto"
                raise Unavailable(f"the Docker Engine is another one now: {err.message}") from err
            raise _translated(err.status, err.message) from err
        except TimeoutError as err:
            raise Unavailable(f"no answer from the Docker Engine in {deadline:g} s") from err
        except (aiohttp.ClientError, OSError) as err:
            raise Unavailable(f"no answer from the Docker Engine: {err}") from err


def _connector(url: str) -> aiohttp.BaseConnector:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return aiohttp.UnixConnector(parts.path, limit=0)
    return aiohttp.TCPConnector(limit=0)


def _translated(status: int, text: str) -> DockerError:
    kinds = {404: NotFound, 409: Conflict, _NO_ENGINE: Unavailable, 503: Unavailable}
    return kinds.get(status, DockerError)(text)


def _object(line: bytes) -> dict[str, Any]:
    value = _json(line)
    return value if isinstance(value, dict) else {}


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as err:
        raise Unavailable(f"the Docker Engine answered no JSON: {err}") from err
