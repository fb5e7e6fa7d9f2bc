"""One-off commands (api.md section 8), and what became of them."""

import json

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.accepted import pending
from deis_control.api.answers import answer, listing, window_of
from deis_control.api.call import Call
from deis_control.api.gate import make_room
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.APP_USER, Scope.DEPLOY)
async def start(call: Call) -> web.Response:
    """POST /v1/apps/<app>/run — `[exit code, output]`, or at once the run if that is preferred."""
    run = await call.services.runs.submit(call.app, call.caller, schemas.command(call.data))
    if call.detached:
        return pending(call, f"/v1/apps/{run.app}/runs/{run.num}/", wire.run(run))
    make_room(call.request)
    code, output = await call.services.runs.result(run)
    body = json.dumps([code, output.decode("utf-8", "replace")]).encode()
    return web.Response(body=body, content_type="text/plain")


@may(Who.APP_USER, Scope.DEPLOY)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/runs/ — newest first."""
    found = await call.services.runs.page(call.app, window_of(call.request))
    return listing(call.request, found, wire.run)


@may(Who.APP_USER, Scope.DEPLOY)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/runs/<num>/ — with its output."""
    run = await call.services.runs.one(call.app, call.part("num"))
    output = await call.services.runs.output(run)
    text = None if output is None else output.decode("utf-8", "replace")
    return answer({**wire.run(run), "output": text})
