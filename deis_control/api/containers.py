"""Copies: listing, restarting, scaling (api.md section 7)."""

from collections.abc import Sequence

from aiohttp import web

from deis_control.api import wire
from deis_control.api.answers import answer, cut, empty, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.rules.scaling import requested_structure
from deis_control.services.containers import CopyState


@may(Who.APP_USER)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/containers/ — oldest first, without one-off runs."""
    return _listing(call, call.services.containers.all_of(call.app))


@may(Who.APP_USER)
async def page_of_type(call: Call) -> web.Response:
    """GET /v1/apps/<app>/containers/<type>/."""
    return _listing(call, call.services.containers.of_type(call.app, call.part("type")))


@may(Who.APP_USER)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/containers/<type>/<num>/."""
    found = call.services.containers.one(call.app, call.part("type"), call.part("num"))
    return answer(wire.container(found, call.app))


@may(Who.APP_USER)
async def restart(call: Call) -> web.Response:
    """POST /v1/apps/<app>/containers/[<type>/[<num>/]]restart/ — a bare array."""
    parts = call.request.match_info
    found = await call.services.containers.restart(
        call.app, call.caller, parts.get("type"), parts.get("num")
    )
    return answer([wire.container(copy, call.app) for copy in found])


@may(Who.APP_USER)
async def scale(call: Call) -> web.Response:
    """POST /v1/apps/<app>/scale/."""
    requested = requested_structure(call.data)
    await call.services.containers.scale(call.app, call.caller, requested)
    return empty(204)


def _listing(call: Call, found: Sequence[CopyState]) -> web.Response:
    page_ = cut(found, window_of(call.request))
    return listing(call.request, page_, lambda copy: wire.container(copy, call.app))
