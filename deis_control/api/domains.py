"""Custom domains (api.md section 10)."""

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import answer, empty, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.APP_USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/domains/."""
    found = await call.services.domains.page(call.app, window_of(call.request))
    return listing(call.request, found, wire.domain)


@may(Who.APP_USER, Scope.DEPLOY)
async def add(call: Call) -> web.Response:
    """POST /v1/apps/<app>/domains/."""
    name = schemas.domain(call.data)
    return answer(wire.domain(await call.services.domains.add(call.app, call.caller, name)), 201)


@may(Who.APP_USER, Scope.DEPLOY)
async def remove(call: Call) -> web.Response:
    """DELETE /v1/apps/<app>/domains/<domain>."""
    await call.services.domains.remove(call.app, call.caller, call.part("domain"))
    return empty(204)
