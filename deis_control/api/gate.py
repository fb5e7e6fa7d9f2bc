"""The gate before the handlers: so many requests are worked on at once, the rest is shed.

A request beyond that is told at once to come back (503, `Retry-After`), before anything is spent
on it. So under any load those that are let in are answered as fast as always, and the process
stays able to say that it is healthy. Whoever waits for an operation to end, or watches one, has
left the gate: he costs next to nothing and may wait for long.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from deis_control.api.answers import answer
from deis_control.api.headers import is_health
from deis_control.errors import Unavailable
from deis_node.runtime import metrics

log = structlog.get_logger()

_T = TypeVar("_T")

_SHED = metrics.counter(
    "deis_api_shed_total", "Requests that were refused because too many were worked on."
)
_QUIET = 10.0
"""Seconds between two lines of log about it."""


class Overloaded(Unavailable):
    """Too many requests are worked on."""

    default = "The controller is busy."
    retry_after = 1


class Gate:
    """Counts the requests that are worked on."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._within = 0
        self._shed = 0
        self._told = -_QUIET

    def enter(self) -> "Ticket | None":
        """A way in, to be left by `Ticket.leave`; None while too many are within."""
        return Ticket(self) if self.takes_one() else None

    def takes_one(self) -> bool:
        """Whether one more is within from now on."""
        if self._within >= self._at_once:
            return False
        self._within += 1
        return True

    def left(self) -> None:
        """One request is worked on no more."""
        self._within -= 1

    def shed(self) -> None:
        """Count a request that was refused, and tell of it now and then."""
        _SHED.inc()
        self._shed += 1
        now = asyncio.get_running_loop().time()
        if now - self._told >= _QUIET:
            log.warning("requests are shed", count=self._shed)
            self._told, self._shed = now, 0


class Ticket:
    """One request's place within the gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._within = True

    def leave(self) -> None:
        """Make room: the request only waits from now on, or is over."""
        if self._within:
            self._within = False
            self._gate.left()

    def back(self) -> None:
        """Come in again; Overloaded while too many are within."""
        if self._within:
            return
        if not self._gate.takes_one():
            self._gate.shed()
            raise Overloaded
        self._within = True


TICKET = web.RequestKey("ticket", Ticket)


def make_room(request: web.Request) -> None:
    """The request waits from now on, for minutes maybe, and works on nothing."""
    if TICKET in request:
        request[TICKET].leave()


async def outside(request: web.Request, waiting: Awaitable[_T]) -> _T:
    """What comes of waiting for the client, who may be slow, without a place within meanwhile."""
    if TICKET not in request:
        return await waiting
    request[TICKET].leave()
    found = await waiting
    request[TICKET].back()
    return found


class Holder:
    """A connection, as the gate knows it: it may hold the place of a request that has arrived."""

    def __init__(self, place: Ticket | None = None) -> None:
        self._held = place

    def hold(self, place: Ticket | None) -> None:
        """Keep this place for a request that has arrived and is not yet handled."""
        self._held = place

    def take(self) -> Ticket | None:
        """The place for the request that is handled from now on, if one was reserved."""
        held, self._held = self._held, None
        return held

    def release(self) -> None:
        """The request never came to be handled."""
        if self._held is not None:
            self._held.leave()
            self._held = None


REFUSED = Overloaded()
"""What everybody is told for whom there is no room."""

GATE = web.AppKey("gate", Gate)


@web.middleware
async def shed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware: at most so many requests within; health is always answered.

    Most of what is too much never gets here (`api.door`).
    """
    holder = holder_of(request)
    if is_health(request):
        holder.release()
        return await handler(request)
    gate = request.app[GATE]
    ticket = holder.take() or gate.enter()
    try:
        if ticket is None:
            gate.shed()
            return _refuse()
        request[TICKET] = ticket
        return await handler(request)
    finally:
        if ticket is not None:
            ticket.leave()


def holder_of(request: web.BaseRequest) -> Holder:
    """The request's connection; one that holds nothing when it is gone already."""
    protocol = request.transport.get_protocol() if request.transport is not None else None
    return protocol if isinstance(protocol, Holder) else Holder()


def _refuse() -> web.Response:
    """Told to come back, and let go: the next request is refused before it is read."""
    response = answer(REFUSED.body(), REFUSED.status, REFUSED.headers)
    response.force_close()
    return response
