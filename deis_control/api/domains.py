"""Custom domains (api.md section 10)."""

from aiohttp import web

from deis_control.api import wire
from deis_control.api.answers import listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may


@may(Who.APP_USER)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/domains/."""
    found = await call.services.domains.page(call.app, window_of(call.request))
    return listing(call.request, found, wire.domain)
