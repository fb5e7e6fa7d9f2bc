"""Builds (api.md section 5)."""

from aiohttp import web

from deis_control.api import insight, schemas, wire
from deis_control.api.accepted import outcome
from deis_control.api.answers import answer, listing, window_of
from deis_control.api.call import Call
from deis_control.api.gate import make_room
from deis_control.api.parts import uuid_of
from deis_control.api.permissions import Who, may
from deis_control.model import Operation, Scope


@may(Who.APP_USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/builds/ — newest first."""
    found = await call.services.builds.page(call.app, window_of(call.request))
    return listing(call.request, found, wire.build)


@may(Who.APP_USER, Scope.DEPLOY)
async def create(call: Call) -> web.StreamResponse:
    """POST /v1/apps/<app>/builds/ — pulls the image and releases it."""
    new = schemas.build(call.data)
    make_room(call.request)  # an image may take minutes to arrive
    if call.dry_run:
        foreseen = await call.services.builds.preview(call.app, call.caller, new)
        return answer(insight.preview(foreseen))
    operation = await call.services.builds.create(call.app, call.caller, new)
    return await outcome(call, operation, lambda: _deployed(call, operation))


async def _deployed(call: Call, operation: Operation) -> web.Response:
    made = await call.services.builds.deployed(operation)
    return answer(wire.build(made.build), 201, wire.release_headers(made.release))


@may(Who.APP_USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/builds/<uuid>/."""
    found = await call.services.builds.find(call.app, uuid_of(call.part("uuid")))
    return answer(wire.build(found))
