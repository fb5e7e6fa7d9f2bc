"""Accounts and tokens (api.md section 2)."""

from aiohttp import web

from deis_control.api import schemas, wire
from deis_control.api.answers import answer, empty
from deis_control.api.call import Call
from deis_control.api.credentials import offers_token, token_of
from deis_control.api.permissions import Who, may
from deis_control.errors import Forbidden, Unauthorized
from deis_control.model import Scope


@may(Who.GUEST)
async def register(call: Call) -> web.Response:
    """POST /v1/auth/register/."""
    caller = call.login.user if call.login is not None else None
    offered = offers_token(call.request.headers.get("Authorization"))
    call.services.accounts.check_registration(caller, with_token=offered)
    user = await call.services.accounts.register(schemas.registration(call.data), caller)
    return answer(wire.user(user), 201)


@may(Who.VISITOR)
async def login(call: Call) -> web.Response:
    """POST /v1/auth/login/."""
    username, password = schemas.credentials(call.data)
    return answer({"token": await call.services.accounts.login(username, password)})


@may(Who.USER, Scope.READ, confined=True)
async def logout(call: Call) -> web.Response:
    """POST /v1/auth/logout/ — the token that it is asked with ends."""
    token = token_of(call.request.headers.get("Authorization"))
    if token is None:
        raise Unauthorized
    await call.services.accounts.logout(call.caller, token)
    return empty(204)


@may(Who.USER, Scope.ADMIN)
async def regenerate(call: Call) -> web.Response:
    """POST /v1/auth/tokens/ — one's own token, or as a superuser somebody's or everybody's."""
    asked = schemas.regeneration(call.data)
    if asked.others and not call.caller.is_superuser:
        raise Forbidden
    if asked.everybody:
        await call.services.accounts.regenerate_all(call.caller)
        return answer("")
    username = asked.username or call.caller.username
    return answer({"token": await call.services.accounts.regenerate(username, call.caller)})
