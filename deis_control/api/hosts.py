"""Hosts of the cluster: for operators alone."""

from aiohttp import web

from deis_control.api import insight, schemas
from deis_control.api.answers import answer, cut, empty, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.SUPERUSER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/hosts/ — by name."""
    found = cut(call.services.hosts.all(), window_of(call.request))
    return listing(call.request, found, insight.host)


@may(Who.SUPERUSER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/hosts/<host>/."""
    return answer(insight.host(call.services.hosts.find(call.part("host"))))


@may(Who.SUPERUSER, Scope.READ)
async def copies(call: Call) -> web.Response:
    """GET /v1/hosts/<host>/copies/ — by name, with what they wait for."""
    host = call.services.hosts.find(call.part("host")).name
    found = cut(await call.services.waits.on_host(host), window_of(call.request))
    return listing(call.request, found, insight.waiting)


@may(Who.SUPERUSER, Scope.ADMIN)
async def change(call: Call) -> web.Response:
    """PATCH /v1/hosts/<host>/."""
    wanted = schemas.host_change(call.data)
    changed = await call.services.hosts.change(call.caller, call.part("host"), wanted)
    return answer(insight.host(changed))


@may(Who.SUPERUSER, Scope.ADMIN)
async def forget(call: Call) -> web.Response:
    """DELETE /v1/hosts/<host>/."""
    await call.services.hosts.forget(call.caller, call.part("host"))
    return empty(204)


@may(Who.SUPERUSER, Scope.ADMIN)
async def rebalance(call: Call) -> web.Response:
    """POST /v1/hosts/rebalance/[?dry_run=true]."""
    found = await call.services.hosts.rebalance(call.caller, dry_run=call.dry_run)
    return answer(insight.rebalance(found, dry_run=call.dry_run))
