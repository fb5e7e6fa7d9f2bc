"""Apps and their logs (api.md sections 3 and 9)."""

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.accepted import outcome
from deis_control.api.answers import answer, empty, host_of, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.errors import Invalid
from deis_control.model import App, Operation, Scope


@may(Who.USER, Scope.READ, confined=True)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/."""
    found = await call.services.apps.page(call.credentials, window_of(call.request))
    return listing(call.request, found, lambda app: _plain(call, app))


@may(Who.USER, Scope.ADMIN)
async def create(call: Call) -> web.Response:
    """POST /v1/apps/."""
    app = await call.services.apps.create(call.caller, schemas.app_id(call.data))
    location = f"{host_of(call.request)}/v1/apps/{app.id}/"
    return answer(_plain(call, app), 201, {"Location": location})


@may(Who.APP_USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/."""
    return answer(_plain(call, call.app))


@may(Who.APP_USER, Scope.ADMIN)
async def update(call: Call) -> web.Response:
    """POST /v1/apps/<app>/ — with an `owner` a transfer, by the owner or a superuser."""
    username = schemas.new_owner(call.data)
    if username is not None:
        await call.services.apps.transfer(call.app, call.caller, username)
    return empty(200)


@may(Who.APP_USER, Scope.ADMIN)
async def destroy(call: Call) -> web.StreamResponse:
    """DELETE /v1/apps/<app>/ — for good, so that a wish to try it only must not do it."""
    if call.dry_run:
        raise Invalid({"dry_run": ["An app's end cannot be tried."]})
    operation = await call.services.apps.accept_destroy(call.app, call.caller)
    return await outcome(call, operation, lambda: _destroyed(call, operation))


async def _destroyed(call: Call, operation: Operation) -> web.Response:
    await call.services.operations.wait(operation)
    return empty(204)


@may(Who.APP_USER, Scope.READ)
async def logs(call: Call) -> web.Response:
    """GET /v1/apps/<app>/logs?log_lines=N."""
    lines = await call.services.logs.tail(call.app, call.request.query.get("log_lines"))
    if lines is None:
        return empty(204)
    return web.Response(body=lines, content_type="text/plain", charset="utf-8")


def _plain(call: Call, app: App) -> wire.Json:
    return wire.app(app, call.services.platform().domain)
