"""Accounts: passwords and ends, everybody's list, who administers (api.md 2.4 to 2.7)."""

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import answer, empty, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Scope


@may(Who.USER, Scope.ADMIN)
async def passwd(call: Call) -> web.Response:
    """POST /v1/auth/passwd/."""
    await call.services.users.change_password(call.caller, schemas.password_change(call.data))
    return answer({"status": "password set"})


@may(Who.USER, Scope.ADMIN)
async def cancel(call: Call) -> web.Response:
    """DELETE /v1/auth/cancel/."""
    await call.services.users.cancel(call.caller, schemas.optional_username(call.data))
    return empty(204)


@may(Who.SUPERUSER, Scope.ADMIN)
async def page(call: Call) -> web.Response:
    """GET /v1/users/."""
    found = await call.services.users.page(window_of(call.request))
    return listing(call.request, found, wire.user)


@may(Who.SUPERUSER, Scope.ADMIN)
async def page_of_admins(call: Call) -> web.Response:
    """GET /v1/admin/perms/."""
    found = await call.services.users.page_of_superusers(window_of(call.request))
    return listing(call.request, found, wire.superuser)


@may(Who.SUPERUSER, Scope.ADMIN)
async def grant_admin(call: Call) -> web.Response:
    """POST /v1/admin/perms/."""
    await call.services.users.set_superuser(call.caller, schemas.username(call.data), True)
    return empty(201)


@may(Who.SUPERUSER, Scope.ADMIN)
async def revoke_admin(call: Call) -> web.Response:
    """DELETE /v1/admin/perms/<username>."""
    await call.services.users.set_superuser(call.caller, call.part("username"), False)
    return empty(204)
