"""Builds (api.md section 5)."""

from uuid import UUID

from aiohttp import web

from deis_control.api import insight, schemas, wire
from deis_control.api.answers import answer, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.errors import NotFound


@may(Who.APP_USER)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/builds/ — newest first."""
    found = await call.services.builds.page(call.app, window_of(call.request))
    return listing(call.request, found, wire.build)


@may(Who.APP_USER)
async def create(call: Call) -> web.Response:
    """POST /v1/apps/<app>/builds/ — pulls the image and releases it."""
    new = schemas.build(call.data)
    if call.dry_run:
        return answer(
            insight.preview(await call.services.builds.preview(call.app, call.caller, new))
        )
    made = await call.services.builds.create(call.app, call.caller, new)
    return answer(wire.build(made.build), 201, wire.release_headers(made.release))


@may(Who.APP_USER)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/builds/<uuid>/."""
    found = await call.services.builds.find(call.app, _uuid(call.part("uuid")))
    return answer(wire.build(found))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as err:
        raise NotFound from err
