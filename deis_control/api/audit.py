"""The audit trail."""

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.USER, Scope.READ, confined=True)
async def page(call: Call) -> web.Response:
    """GET /v1/audit/ — newest first."""
    wanted = schemas.audit_filter(call.request.query)
    found = await call.services.audit.page(call.credentials, wanted, window_of(call.request))
    return listing(call.request, found, wire.audit_entry)
