"""The door before the gate: what is too much is refused before HTTP is read.

Reading a request and giving it a handler costs a good part of what answering it costs. So a
flood could not be refused as fast as it comes by anything behind the parser. The door takes a
place within the gate for a connection's first request, and tells those that find none to come
back, by bytes made without a parser, a task or a handler. What it lets in, and all that is not
plainly one whole request, is handed to aiohttp, whose middleware (`api.gate`) is told of the
place that is held. Later requests of a kept connection are refused there, and the connection with
them, so that the next one stands at the door again.
"""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from deis_control.api.answers import reason
from deis_control.api.call import SERVICES
from deis_control.api.gate import GATE, REFUSED, Holder, Ticket
from deis_control.api.headers import HEALTH, every
from deis_control.services.platform import Platform

_METHODS = (b"GET ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"OPTIONS ")
_HEALTH = (f"GET {HEALTH} ".encode(), f"GET {HEALTH}?".encode())
_LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,9})[ \t]*(?:\r\n|$)", re.IGNORECASE)
_LONG_WAY = re.compile(rb"\r\n(?:Origin|Expect|Transfer-Encoding)[ \t]*:", re.IGNORECASE)
"""Headers by which the answer would differ, or the request's end cannot be told from its head."""

_SILENCE = 60.0
"""Seconds that a connection may stay without a word."""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no room, and this is the whole answer."""

    answer: bytes


class Keeper:
    """Who stands at the door, and says who comes in."""

    def __init__(self, app: web.Application) -> None:
        self._gate = app[GATE]
        self._platform = app[SERVICES].platform
        self.silent: set[Door] = set()
        """Those who have not said a word."""

    def judge(self, data: bytes) -> Ticket | Refused | None:
        """What becomes of a connection that begins like this: a place, none needed yet, or out.

        None is also for those that cannot be refused plainly: aiohttp reads them to their end.
        """
        if not data.startswith(_METHODS) or data.startswith(_HEALTH):
            return None
        head, ended, body = data.partition(b"\r\n\r\n")
        if not ended:
            return None
        place = self._gate.enter()
        if place is None and _is_plain(head, body):
            self._gate.shed()
            return Refused(refusal(self._platform()))
        return place


class Door(asyncio.Protocol, Holder):
    """One connection: refused when its first request comes and there is no room, else aiohttp's.

    `data` is what was read of it already, `place` what the keeper said to that.
    """

    def __init__(
        self,
        keeper: Keeper,
        handlers: Callable[[], asyncio.Protocol],
        data: bytes,
        place: Ticket | None,
    ) -> None:
        super().__init__(place)
        self._keeper = keeper
        self._handlers = handlers
        self._data = data
        self._transport: asyncio.Transport | None = None
        self._handler: asyncio.Protocol | None = None
        self._silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand on what was read already, or wait for the first word."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none of its classes
        loop = asyncio.get_running_loop()
        if self._data:
            # Not yet: the transport begins to read after this, whoever paused it meanwhile.
            loop.call_soon(self._flush)
            return
        self._keeper.silent.add(self)
        self._silence = loop.call_later(_SILENCE, self.close)

    def data_received(self, data: bytes) -> None:
        """Refuse a first request for which there is no room; else let it in."""
        self._flush()
        if self._handler is not None:
            self._handler.data_received(data)
            return
        self._heard()
        verdict = self._keeper.judge(data)
        if not isinstance(verdict, Refused):
            self.hold(verdict)
            self._let_in(data)
            return
        assert self._transport is not None
        self._transport.write(verdict.answer)
        self._transport.close()

    def eof_received(self) -> bool | None:
        """The client sends no more."""
        self._flush()
        return self._handler.eof_received() if self._handler is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the place of a request that never came to be one."""
        self._data = b""
        self._heard()
        self.release()
        if self._handler is not None:
            self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads slowly."""
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._handler is not None:
            self._handler.resume_writing()

    def close(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._transport.close()

    @property
    def begun(self) -> bool:
        """Whether the connection has its transport."""
        return self._transport is not None

    def _flush(self) -> None:
        """Hand on what was read before there was a transport."""
        data, self._data = self._data, b""
        if data:
            self._let_in(data)

    def _let_in(self, data: bytes) -> None:
        assert self._transport is not None
        self._handler = self._handlers()
        self._handler.connection_made(self._transport)
        self._handler.data_received(data)

    def _heard(self) -> None:
        self._keeper.silent.discard(self)
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None


def refusal(platform: Platform) -> bytes:
    """What the middleware answers then (`api.gate`), as it goes over the wire."""
    body = json.dumps(REFUSED.body(), separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **REFUSED.headers,
        **every(platform),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {REFUSED.status} {reason(REFUSED.status)}\r\n{lines}\r\n".encode() + body


def _is_plain(head: bytes, body: bytes) -> bool:
    """Whether that is one whole request: closing after it breaks off nothing that still comes.

    Anything else is answered behind the parser, which reads on before it closes.
    """
    if _LONG_WAY.search(head):
        return False
    length = _LENGTH.search(head)
    return len(body) == (int(length[1]) if length else 0)
