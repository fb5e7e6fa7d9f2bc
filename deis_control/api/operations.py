"""Operations: users' changes and their rollouts, seen from outside."""

from aiohttp import web

from deis_control.api import wire
from deis_control.api.answers import answer, listing, window_of
from deis_control.api.call import Call
from deis_control.api.events import EVENT_STREAM, accepted_kinds, stream
from deis_control.api.parts import flag
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.APP_USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/operations/ — newest first."""
    only_open = flag("open", call.request.query.get("open"))
    window = window_of(call.request)
    found = await call.services.operations.page(call.app, window, only_open=only_open)
    return listing(call.request, found, wire.operation)


@may(Who.APP_USER, Scope.READ, streams=True)
async def show(call: Call) -> web.StreamResponse:
    """GET /v1/operations/<id>/ — with its phases, or as a stream of them."""
    operation = call.change
    if EVENT_STREAM in accepted_kinds(call.request) and call.request.method == "GET":
        return await stream(call.request, call.services.operations, operation)
    phases = await call.services.operations.phases(operation.id)
    return answer(wire.operation_with_phases(operation, phases))


@may(Who.APP_USER, Scope.DEPLOY)
async def cancel(call: Call) -> web.Response:
    """POST /v1/operations/<id>/cancel/."""
    found = await call.services.operations.cancel(call.app, call.change.id, call.caller)
    return answer(wire.operation(found), 202)
