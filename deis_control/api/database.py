"""A database that is older than the cluster's store: for operators alone."""

from aiohttp import web

from deis_control.api import insight
from deis_control.api.answers import answer
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.SUPERUSER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/database/."""
    return answer(insight.database(await call.services.database.show()))


@may(Who.SUPERUSER, Scope.ADMIN)
async def accept(call: Call) -> web.Response:
    """POST /v1/database/accept/."""
    return answer(insight.database(await call.services.database.accept(call.caller)))
