"""The answer to a change that is under way, for those who do not want to wait (RFC 7240)."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from deis_control.api import wire
from deis_control.api.answers import answer, host_of
from deis_control.api.call import Call
from deis_control.api.gate import make_room
from deis_control.model import Operation


async def outcome(
    call: Call, operation: Operation, finish: Callable[[], Awaitable[web.Response]]
) -> web.Response:
    """What `finish` answers when the operation has ended; 202 now if the caller asked for that."""
    if not call.detached:
        make_room(call.request)
        return await finish()
    headers = {
        "Location": f"{host_of(call.request)}/v1/operations/{operation.id}/",
        "Preference-Applied": "respond-async",
    }
    return answer(wire.operation(operation), 202, headers)
