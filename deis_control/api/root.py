"""The connection check of clients, and the health page."""

from aiohttp import web

from deis_control.api.answers import answer
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.USER, Scope.READ, confined=True)
async def check(call: Call) -> web.Response:
    """GET /v1/ — clients insist on 401 without a token."""
    return answer({})


@may(Who.ANYBODY)
async def health(call: Call) -> web.Response:
    """GET /healthz."""
    return web.Response(text="OK", content_type="text/html", charset="utf-8")
