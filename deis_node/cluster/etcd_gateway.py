"""The way to etcd's JSON gateway: endpoints in turn, deadlines, log-in, errors.

This and `watch.py` are the only modules that know HTTP is spoken to etcd.
"""

import asyncio
import io
import json
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog
from aiohttp.client_exceptions import ClientConnectorError

from deis_node.cluster.etcd_errors import EtcdError, TokenRejected, Unavailable, translate
from deis_node.cluster.etcd_wire import Json
from deis_node.cluster.patience import Patience

log = structlog.get_logger()

_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
"""A host that vanished is noticed after 25 s, also while we are waiting for its words."""

_CONNECT = 0.8
"""The share of a try's usual time that its connection may take."""

_LARGE = 1 << 19
"""Bytes; a longer body is written in pieces, so that it does not hold up the event loop."""


class Gateway:
    """Calls to whichever member of the cluster answers.

    One session for all; a connection for each watch, none of them limited. An endpoint that
    fails hands over to the next one, for all callers.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None,
        timeout: float,
    ) -> None:
        if not endpoints or not all(e.startswith(("http://", "https://")) for e in endpoints):
            raise ValueError("etcd needs endpoints of the form http://host:port")
        self.timeout = timeout
        self._patience = Patience(timeout, len(endpoints))
        self._endpoints = tuple(endpoint.rstrip("/") for endpoint in endpoints)
        self._current = 0
        self._credentials = {"name": username, "password": password or ""} if username else None
        self._tls = tls
        self._token: str | None = None
        self._login = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._streams: dict[aiohttp.ClientResponse, str] = {}
        """Those that are open, and their endpoints."""

    @property
    def endpoint(self) -> str:
        """The endpoint that calls go to at present."""
        return self._endpoints[self._current]

    @property
    def patience(self) -> float:
        """Seconds that one try of a call may take at present; see Patience."""
        return self._patience.seconds

    async def open(self) -> None:
        """Make the session; nothing is sent.

        A connection has a part of the usual time, so that this is what is over first: one to a
        machine without power is never made, and what was to go over it was not sent.
        """
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls or True, socket_factory=_kept_alive)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT * self.timeout),
            headers={"Content-Type": "application/json"},
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close every connection, those of watches included."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _after(self, endpoint: str) -> str:
        """The endpoint that follows on this one."""
        return self._endpoints[(self._endpoints.index(endpoint) + 1) % len(self._endpoints)]

    def failed(self, endpoint: str) -> None:
        """Turn to the next endpoint, unless somebody has turned away from this one already.

        Streams from there break off: a machine that lost its power ends no connection.
        """
        if endpoint == self.endpoint and len(self._endpoints) > 1:
            self._current = (self._current + 1) % len(self._endpoints)
            log.info("etcd endpoint changed", failed=endpoint, endpoint=self.endpoint)
            for response in [item for item, at in self._streams.items() if at == endpoint]:
                response.close()

    async def call(
        self, path: str, body: Json, *, repeatable: bool, within: float | None = None
    ) -> Json:
        """One call and its answer, within two times the patience, or two times `within` seconds.

        With `within` it is a lease's renewal, which the leader answers alone: how long that takes
        tells little of what others can expect. If it has less time than they have, it takes them
        along to the next endpoint only when that one has answered in time.

        What is `repeatable` (reads, lease renewals) is tried once more, at the next endpoint, after
        any failure to get an answer. Anything else only if the first try was surely not sent:
        a repeated write could meet its own earlier success.
        """
        first = self.endpoint
        try:
            return await self._authorised(first, path, body, within)
        except Unavailable as err:
            hasty = within is not None and within < self.patience
            if not hasty:
                self.failed(first)
            if not self._worth_repeating(err, repeatable=repeatable):
                raise
        second = self._after(first) if hasty else self.endpoint
        try:
            answer = await self._authorised(second, path, body, within)
        except Unavailable:
            if not hasty:
                self.failed(second)
            raise
        if hasty:
            self.failed(first)
        return answer

    @asynccontextmanager
    async def stream(self, path: str, body: Json) -> AsyncIterator[aiohttp.StreamReader]:
        """A streaming call: the raw body, until the context is left; then the connection goes.

        Closing the connection is what ends a watch on the server. Errors as for `call`, without
        a second try. A TokenRejected, also one that the caller finds in the body, makes the next
        call log in again.
        """
        endpoint = self.endpoint
        async with self._asking(endpoint):
            # A member that has lost its leader ends the stream instead of staying silent.
            headers = await self._headers(endpoint) | {"Grpc-Metadata-hasleader": "true"}
            response = await self._send(endpoint, path, body, headers)
        try:
            if response.status != 200:
                async with self._asking(endpoint):
                    raise _refusal(response, await response.read())
            self._streams[response] = endpoint
            yield response.content
        except TokenRejected:
            self._forget(headers)
            raise
        finally:
            self._streams.pop(response, None)
            response.close()

    def _worth_repeating(self, err: Unavailable, *, repeatable: bool) -> bool:
        if err.sent and not repeatable:
            return False
        # The only member there is: a connection it closed may be opened again at once, but a
        # refused one and a deadline that passed say the same a moment later.
        alone = len(self._endpoints) == 1
        return not alone or (err.sent and not isinstance(err.__cause__, TimeoutError))

    @asynccontextmanager
    async def _asking(
        self, endpoint: str, within: float | None = None, *, counts: bool = False
    ) -> AsyncIterator[None]:
        """Ask an endpoint something: Unavailable when its answer does not come in time.

        What `counts` needs a majority, and says how long such an answer takes.
        """
        seconds = self.patience if within is None else min(within, self.patience)
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as err:
            if counts:
                self._patience.missed(endpoint)
            raise Unavailable(f"{endpoint}: no answer within {seconds:g} s") from err
        if counts:
            self._patience.answered(clock() - began)

    async def _authorised(self, endpoint: str, path: str, body: Json, within: float | None) -> Json:
        """Call with a token, and once more with a new one when it is refused."""
        async with self._asking(endpoint, within, counts=within is None):
            headers = await self._headers(endpoint)
            try:
                return await self._post(endpoint, path, body, headers)
            except TokenRejected:
                if self._credentials is None:
                    raise
            self._forget(headers)
            return await self._post(endpoint, path, body, await self._headers(endpoint))

    def _forget(self, headers: dict[str, str]) -> None:
        """Log in before the next call, unless somebody did since these headers were made."""
        if self._token == headers.get("Authorization", ""):
            self._token = None

    async def _headers(self, endpoint: str) -> dict[str, str]:
        if self._credentials is None:
            return {}
        async with self._login:
            if self._token is None:
                self._token = await self._authenticate(endpoint)
        return {"Authorization": self._token} if self._token else {}

    async def _authenticate(self, endpoint: str) -> str:
        """A new token; empty when the store has no authentication (it was wiped, say)."""
        try:
            async with self._asking(endpoint):
                answer = await self._post(
                    endpoint, "/v3/auth/authenticate", self._credentials or {}, {}
                )
        except EtcdError as err:
            if "authentication is not enabled" in str(err):
                return ""
            raise
        return str(answer.get("token", ""))

    async def _post(self, endpoint: str, path: str, body: Json, headers: dict[str, str]) -> Json:
        response = await self._send(endpoint, path, body, headers)
        async with response:
            try:
                data = await response.read()
            except (aiohttp.ClientError, OSError) as err:
                raise Unavailable(f"{endpoint}: {_reason(err)}") from err
            if response.status != 200:
                raise _refusal(response, data)
        return _decoded(endpoint, data)

    async def _send(
        self, endpoint: str, path: str, body: Json, headers: dict[str, str]
    ) -> aiohttp.ClientResponse:
        """Send a request and wait for the status line."""
        if self._session is None:
            raise Unavailable("the etcd client is not open", sent=False)
        text = json.dumps(body, separators=(",", ":")).encode()
        data = io.BytesIO(text) if len(text) > _LARGE else text
        try:
            return await self._session.post(endpoint + path, data=data, headers=headers)
        except (ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
            raise Unavailable(f"{endpoint}: {_reason(err)}", sent=False) from err
        except (aiohttp.ClientError, OSError) as err:
            raise Unavailable(f"{endpoint}: {_reason(err)}") from err


def _kept_alive(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    for level, option, value in _KEEPALIVE:
        made.setsockopt(level, option, value)
    return made


def _decoded(endpoint: str, data: bytes) -> Json:
    try:
        answer = json.loads(data)
    except ValueError as err:
        raise Unavailable(f"{endpoint}: the answer is no JSON") from err
    if not isinstance(answer, dict):
        raise Unavailable(f"{endpoint}: the answer is no JSON object")
    error = answer.get("error")
    if isinstance(error, dict):
        raise stream_error(error)
    return answer


def stream_error(error: Json) -> EtcdError:
    """The error that a streaming answer carries."""
    return translate(int(error.get("grpc_code", 0)), str(error.get("message", "")))


def _refusal(response: aiohttp.ClientResponse, data: bytes) -> EtcdError:
    """The error of an answer whose status is not 200."""
    where = f"{response.url.origin()}"
    try:
        answer = json.loads(data)
        code, message = int(answer["code"]), str(answer["error"])
    except (ValueError, KeyError, TypeError):
        if response.status == 404:
            return EtcdError(f"{where}: no etcd of version 3.4 or newer answers there")
        return Unavailable(f"{where}: HTTP status {response.status}")
    return translate(code, f"{where}: {message}")


def _reason(err: BaseException) -> str:
    return str(err) or type(err).__name__
