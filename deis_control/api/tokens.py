"""Named tokens, for scripts and CI jobs."""

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import answer, empty, listing, window_of
from deis_control.api.call import Call
from deis_control.api.parts import uuid_of
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/tokens/ — one's own."""
    found = await call.services.tokens.page(call.caller, window_of(call.request))
    current = call.credentials.token.id
    return listing(call.request, found, lambda token: wire.token(token, current))


@may(Who.USER, Scope.ADMIN)
async def create(call: Call) -> web.Response:
    """POST /v1/tokens/ — its digits are answered this once."""
    new = schemas.token(call.data)
    app = None
    if new.app is not None:
        app = await call.services.access.app(call.credentials, new.app)
    made, digits = await call.services.tokens.create(call.caller, new, app)
    return answer({**wire.token(made, call.credentials.token.id), "token": digits}, 201)


@may(Who.USER, Scope.ADMIN)
async def remove(call: Call) -> web.Response:
    """DELETE /v1/tokens/<id>/."""
    await call.services.tokens.remove(call.caller, uuid_of(call.part("uuid")))
    return empty(204)
