"""One-off commands (api.md section 8), and what became of them."""

import json

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import answer, listing, origin_of, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may

_ASYNC = "respond-async"


@may(Who.APP_USER)
async def start(call: Call) -> web.Response:
    """POST /v1/apps/<app>/run — `[exit code, output]`, or at once the run if that is preferred."""
    run = await call.services.runs.submit(call.app, call.caller, schemas.command(call.data))
    if _prefers_async(call.request):
        location = f"{origin_of(call.request)}/v1/apps/{run.app}/runs/{run.num}/"
        headers = {"Location": location, "Preference-Applied": _ASYNC}
        return answer(wire.run(run), 202, headers)
    code, output = await call.services.runs.result(run)
    body = json.dumps([code, output.decode("utf-8", "replace")]).encode()
    return web.Response(body=body, content_type="text/plain")


@may(Who.APP_USER)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/runs/ — newest first."""
    found = await call.services.runs.page(call.app, window_of(call.request))
    return listing(call.request, found, wire.run)


@may(Who.APP_USER)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/runs/<num>/ — with its output."""
    run = await call.services.runs.one(call.app, call.part("num"))
    output = await call.services.runs.output(run)
    text = None if output is None else output.decode("utf-8", "replace")
    return answer({**wire.run(run), "output": text})


def _prefers_async(request: web.Request) -> bool:
    """Whether the client would rather not wait (RFC 7240)."""
    given = ",".join(request.headers.getall("Prefer", []))
    return _ASYNC in {part.partition(";")[0].strip().lower() for part in given.split(",")}
