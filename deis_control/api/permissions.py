"""Who may call a route: declared beside each handler, applied by the dispatcher alone."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from deis_control.api.call import Handler
from deis_control.api.credentials import token_of
from deis_control.errors import Forbidden, Unauthorized
from deis_control.model import User
from deis_control.services.bundle import Services


class Who(StrEnum):
    """Who may call a handler."""

    ANYBODY = "anybody"
    """Tokens are not even looked at."""
    GUEST = "guest"
    """Anybody; a token that nobody has counts as none (register)."""
    VISITOR = "visitor"
    """Anybody, but not with a wrong token (login)."""
    USER = "user"
    """Whoever has a token."""
    SUPERUSER = "superuser"
    APP_USER = "app user"
    """The "app user" rule of api.md 1.9, for the app that the path's `{app}` names."""
    BUILDER = "builder"
    """Whoever shows the builder's key (api.md section 14)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A handler with its permission."""

    handler: Handler
    who: Who


def may(who: Who) -> Callable[[Handler], Endpoint]:
    """Declare who may call the handler below."""

    def declare(handler: Handler) -> Endpoint:
        return Endpoint(handler, who)

    return declare


async def admit(request: web.Request, who: Who, services: Services) -> User | None:
    """Who calls, if he may call such a route at all; Unauthorized, Forbidden."""
    if who is Who.ANYBODY:
        return None
    user = await _identify(request, who, services)
    if who is Who.BUILDER and not _is_builder(request, services):
        raise Unauthorized if user is None else Forbidden
    if who in (Who.USER, Who.SUPERUSER, Who.APP_USER) and user is None:
        raise Unauthorized
    if who is Who.SUPERUSER and not (user and user.is_superuser):
        raise Forbidden
    return user


async def _identify(request: web.Request, who: Who, services: Services) -> User | None:
    try:
        token = token_of(request.headers.get("Authorization"))
        return None if token is None else await services.accounts.authenticate(token)
    except Unauthorized:
        if who is Who.GUEST:
            return None
        raise


def _is_builder(request: web.Request, services: Services) -> bool:
    known = services.platform().builder_key
    given = request.headers.get("X-Deis-Builder-Auth", "")
    return bool(known) and hmac.compare_digest(
        known.encode(), given.encode("utf-8", "surrogateescape")
    )
