"""Users' public keys (api.md section 12)."""

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import answer, empty, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/keys/ — one's own, for superusers too."""
    found = await call.services.keys.page(call.caller, window_of(call.request))
    return listing(call.request, found, wire.key)


@may(Who.USER, Scope.ADMIN)
async def add(call: Call) -> web.Response:
    """POST /v1/keys/."""
    key_id, public = schemas.key(call.data)
    return answer(wire.key(await call.services.keys.add(call.caller, key_id, public)), 201)


@may(Who.USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/keys/<id>."""
    return answer(wire.key(await call.services.keys.find(call.caller, call.part("id"))))


@may(Who.USER, Scope.ADMIN)
async def remove(call: Call) -> web.Response:
    """DELETE /v1/keys/<id>."""
    await call.services.keys.remove(call.caller, call.part("id"))
    return empty(204)
