"""Where an app's copies run, why there, and how they do."""

from aiohttp import web

from deis_control.api import insight
from deis_control.api.answers import answer
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.APP_USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/explain/[?process=web|web.2]."""
    process = call.request.query.get("process")
    return answer(insight.explanation(await call.services.explain.of(call.app, process)))
