"""An operation's progress as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import structlog
from aiohttp import web

from deis_control.api import wire
from deis_control.api.gate import make_room
from deis_control.api.headers import dress
from deis_control.errors import ControlError, Invalid
from deis_control.model import Operation
from deis_control.services.operations import Operations

log = structlog.get_logger()

EVENT_STREAM = "text/event-stream"

_STUCK = 30.0
"""Seconds that a watcher may take to read what was sent."""

_ALIVE = 15.0
"""Seconds between two signs of life: proxies cut connections that are silent for a minute."""


def accepted_kinds(request: web.Request) -> frozenset[str]:
    """The media types that the client takes."""
    accepted = request.headers.get("Accept", "*/*")
    return frozenset(part.partition(";")[0].strip().lower() for part in accepted.split(","))


def resumes_after(request: web.Request) -> int:
    """The sequence number that the client has seen last, by header or query; Invalid."""
    given = request.headers.get("Last-Event-ID") or request.query.get("after") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) <= 18):
        raise Invalid({"after": ["Enter a sequence number."]})
    return int(given)


async def stream(
    request: web.Request, operations: Operations, operation: Operation
) -> web.StreamResponse:
    """Send the lines of progress as they come, and at last the operation."""
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = EVENT_STREAM
    dress(request, response)
    after = resumes_after(request)
    make_room(request)
    await response.prepare(request)
    try:
        async for chunk in _chunks(operations, operation, after):
            async with asyncio.timeout(_STUCK):
                await response.write(chunk)
        await response.write_eof()
    except (ConnectionError, TimeoutError, ControlError) as err:
        # The watcher went away or is stuck, or the database is: the answer has begun, so that it
        # can only break off. The operation goes on, and can be watched again.
        log.info("event stream broken off", reason=str(err))
        if request.transport is not None:
            request.transport.abort()
    return response


async def _chunks(operations: Operations, operation: Operation, after: int) -> AsyncIterator[bytes]:
    """The stream's parts; a comment when nothing happened for a while."""
    async with aclosing(operations.watch_alive(operation, after, alive=_ALIVE)) as lines:
        async for line in lines:
            if line is None:
                yield b": alive\n\n"
            else:
                yield event("phase", wire.phase_line(line), line.seq)
    yield event("end", wire.operation(await operations.at_end(operation)))


def event(name: str, data: object, seq: int | None = None) -> bytes:
    """One event as it goes over the wire."""
    number = f"id: {seq}\n" if seq is not None else ""
    return f"event: {name}\n{number}data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
