"""Who may call a route: declared beside each handler, applied by the dispatcher alone."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from deis_control.api.call import Handler
from deis_control.api.credentials import token_of
from deis_control.api.parts import uuid_or_none
from deis_control.errors import Forbidden, Unauthorized
from deis_control.model import Login, Scope
from deis_control.rules.tokens import require
from deis_control.services.access import Seen
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
    """The "app user" rule of api.md 1.9, for the app that the path's `{app}` names, or whose
    operation its `{operation}` names."""
    APP_MEMBER = "app member"
    """The same whatever the method; the handler knows more."""
    APP_OWNER = "app owner"
    """The app's owner, and superusers."""
    BUILDER = "builder"
    """Whoever shows the builder's key (api.md section 14)."""


APP_ROLES = frozenset({Who.APP_USER, Who.APP_MEMBER, Who.APP_OWNER})
"""Permissions about one app."""

_KNOWN = frozenset({Who.USER, Who.SUPERUSER}) | APP_ROLES


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A handler with its permission."""

    handler: Handler
    who: Who
    scope: Scope
    """What the caller's token must be good for, at least."""
    confined: bool
    """Whether a token of one app may call it."""
    streams: bool = False
    """Whether it also answers with `text/event-stream`."""


def may(
    who: Who,
    scope: Scope = Scope.ADMIN,
    *,
    confined: bool | None = None,
    streams: bool = False,
) -> Callable[[Handler], Endpoint]:
    """Declare who may call the handler below, and by which tokens.

    Tokens of one app may call what is about an app, and what says so by `confined`.
    """

    def declare(handler: Handler) -> Endpoint:
        own = who in APP_ROLES if confined is None else confined
        return Endpoint(handler, who, scope, own, streams)

    return declare


async def admit(request: web.Request, who: Who, services: Services) -> Seen | None:
    """Who calls, if he may call such a route at all; Unauthorized, Forbidden."""
    if who is Who.ANYBODY:
        return None
    seen = await _identify(request, who, services)
    if who is Who.BUILDER and not _is_builder(request, services):
        raise Unauthorized if seen is None else Forbidden
    if who in _KNOWN and seen is None:
        raise Unauthorized
    if who is Who.SUPERUSER and not (seen and seen.login.user.is_superuser):
        raise Forbidden
    return seen


def check_token(endpoint: Endpoint, login: Login | None) -> None:
    """Forbidden when the caller's token is not good for the route."""
    if login is None or endpoint.who not in _KNOWN:
        return
    require(login.token, endpoint.scope)
    if login.token.app is not None and not endpoint.confined:
        raise Forbidden(f"The token is good for the app {login.token.app_id} only.")


async def _identify(request: web.Request, who: Who, services: Services) -> Seen | None:
    try:
        token = token_of(request.headers.get("Authorization"))
        if token is None:
            return None
        parts = request.match_info if who in APP_ROLES else {}
        app, operation = parts.get("app"), uuid_or_none(parts.get("operation"))
        seen = await services.access.look(token, app=app, operation=operation)
    except Unauthorized:
        if who is Who.GUEST:
            return None
        raise
    held = seen.login.token
    limited = held.scope is not Scope.ADMIN or held.app is not None
    return None if who is Who.GUEST and limited else seen


def _is_builder(request: web.Request, services: Services) -> bool:
    known = services.platform().builder_key
    given = request.headers.get("X-Deis-Builder-Auth", "")
    return bool(known) and hmac.compare_digest(
        known.encode(), given.encode("utf-8", "surrogateescape")
    )
