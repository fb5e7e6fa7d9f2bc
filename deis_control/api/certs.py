"""TLS certificates of custom domains (api.md section 13)."""

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import answer, empty, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/certs/ — one's own, for superusers too."""
    found = await call.services.certs.page(call.caller, window_of(call.request))
    return listing(call.request, found, wire.certificate)


@may(Who.USER, Scope.ADMIN)
async def add(call: Call) -> web.Response:
    """POST /v1/certs/."""
    made = await call.services.certs.add(call.caller, schemas.certificate(call.data))
    return answer(wire.certificate(made), 201)


@may(Who.USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/certs/<common name>."""
    found = await call.services.certs.find(call.caller, call.part("common_name"))
    return answer(wire.certificate(found))


@may(Who.USER, Scope.ADMIN)
async def remove(call: Call) -> web.Response:
    """DELETE /v1/certs/<common name>."""
    await call.services.certs.remove(call.caller, call.part("common_name"))
    return empty(204)
