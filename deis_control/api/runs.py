"""One-off commands (api.md section 8), and what became of them."""

import json

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.accepted import pending, unless_gone
from deis_control.api.answers import answer, listing, window_of
from deis_control.api.call import Call
from deis_control.api.gate import make_room
from deis_control.api.permissions import Who, may
from deis_control.model import Run, Scope

MOST = 100
"""Commands on one page: each is opened, and may have 64 KiB."""


@may(Who.APP_USER, Scope.DEPLOY)
async def start(call: Call) -> web.Response:
    """POST /v1/apps/<app>/run — `[exit code, output]`, or at once the run if that is preferred."""
    run = await call.services.runs.submit(call.app, call.caller, schemas.command(call.data))
    if call.detached:
        return pending(call, f"/v1/apps/{run.app}/runs/{run.num}/", wire.run(run))
    make_room(call.request)
    return await unless_gone(call.request, _result(call, run))


async def _result(call: Call, run: Run) -> web.Response:
    code, output = await call.services.runs.result(run)
    body = json.dumps([code, output.decode("utf-8", "replace")]).encode()
    return web.Response(body=body, content_type="text/plain")


@may(Who.APP_USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/runs/ — newest first."""
    found = await call.services.runs.page(call.app, window_of(call.request, most=MOST))
    return listing(call.request, found, wire.run)


@may(Who.APP_USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/runs/<num>/ — with its output."""
    run = await call.services.runs.one(call.app, call.part("num"))
    output = await call.services.runs.output(run)
    text = None if output is None else output.decode("utf-8", "replace")
    return answer({**wire.run(run), "output": text})
