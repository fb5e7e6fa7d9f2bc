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
    if call.detached:
        return pending(call, f"/v1/operations/{operation.id}/", wire.operation(operation))
    make_room(call.request)
    return await finish()


def pending(call: Call, path: str, found: wire.Json) -> web.Response:
    """202: what was accepted, and where it can be seen from now on."""
    location = f"{host_of(call.request)}{path}"
    return answer(found, 202, {"Location": location, "Preference-Applied": "respond-async"})
