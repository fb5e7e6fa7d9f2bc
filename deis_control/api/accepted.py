"""The answer to a change that is under way, for those who do not want to wait (RFC 7240)."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from deis_control.api import wire
from deis_control.api.answers import answer, host_of
from deis_control.api.call import Call
from deis_control.api.gate import make_room
from deis_control.model import Operation
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_GONE = 2.0
"""Seconds between two looks whether the client is still there."""


async def outcome(
    call: Call, operation: Operation, finish: Callable[[], Awaitable[web.Response]]
) -> web.Response:
    """What `finish` answers when the operation has ended; 202 now if the caller asked for that."""
    if call.detached:
        return pending(call, f"/v1/operations/{operation.id}/", wire.operation(operation))
    make_room(call.request)
    return await unless_gone(call.request, finish())


async def unless_gone(request: web.Request, waiting: Awaitable[web.Response]) -> web.Response:
    """What is waited for, as long as somebody is there to hear it; what was asked for goes on."""
    async with Tasks() as tasks:
        try:
            async with asyncio.timeout(None) as limit:
                tasks.start("client", _watch(request, limit))
                return await waiting
        except TimeoutError as err:
            if not limit.expired():
                raise
            raise ConnectionError("the client went away") from err


async def _watch(request: web.Request, limit: asyncio.Timeout) -> None:
    """Let the limit pass when the client is gone."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(_GONE)
    log.info("nobody waits any more", path=request.path)
    limit.reschedule(asyncio.get_running_loop().time())


def pending(call: Call, path: str, found: wire.Json) -> web.Response:
    """202: what was accepted, and where it can be seen from now on."""
    location = f"{host_of(call.request)}{path}"
    return answer(found, 202, {"Location": location, "Preference-Applied": "respond-async"})
