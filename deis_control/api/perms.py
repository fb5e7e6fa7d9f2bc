"""Who beside its owner may use an app (api.md section 11)."""

from aiohttp import web

from deis_control.api import schemas
from deis_control.api.answers import answer, empty
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.APP_USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/perms/ — not in pages."""
    return answer({"users": await call.services.perms.users_of(call.app)})


@may(Who.APP_OWNER, Scope.ADMIN)
async def grant(call: Call) -> web.Response:
    """POST /v1/apps/<app>/perms/."""
    await call.services.perms.grant(call.app, call.caller, schemas.username(call.data))
    return empty(201)


@may(Who.APP_MEMBER, Scope.ADMIN)
async def revoke(call: Call) -> web.Response:
    """DELETE /v1/apps/<app>/perms/<username> — by the owner, or by the user himself."""
    await call.services.perms.revoke(call.app, call.caller, call.part("username"))
    return empty(204)
