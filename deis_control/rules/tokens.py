"""Tokens: their digest, their scopes, how long they live. PURE."""

import hashlib
import re
from datetime import datetime, timedelta

from deis_control.errors import Forbidden
from deis_control.model import Scope, Token
from deis_control.rules.parsing import moment_of

NAME_LIMIT = 64

_SPAN = re.compile(r"([0-9]{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=3660)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+ -]*")
_BAD_EXPIRES = "Enter a span such as 90d, 12h or 30m, or a time such as 2030-01-31T12:00:00Z."


def digest(token: str) -> bytes:
    """SHA-256 of a token's digits: all that is kept of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def check_name(text: str) -> list[str]:
    """Messages about a token's name."""
    if _NAME.fullmatch(text):
        return []
    return ["Enter a name of letters, digits, spaces and . _ @ + - that begins with none of these."]


def check_expires(text: str) -> list[str]:
    """Messages about how long a token shall live, as far as no clock is needed."""
    return [] if _SPAN.fullmatch(text) or moment_of(text) else [_BAD_EXPIRES]


def expiry(text: str, now: datetime) -> datetime | None:
    """When a token ends that shall live so long; None when that is past or too far away."""
    match = _SPAN.fullmatch(text)
    if match:
        span = min(timedelta(**{_UNITS[match[2]]: int(match[1])}), 2 * _LONGEST)
        when: datetime | None = now + span
    else:
        when = moment_of(text)
    return when if when and now < when <= now + _LONGEST else None


def require(token: Token, needed: Scope) -> None:
    """Forbidden unless the token's scope covers what is needed."""
    if not token.scope.covers(needed):
        raise Forbidden(f"The token's scope is {token.scope}; this needs {needed}.")
