"""Which errors a route can answer, by what the dispatcher does before its handler. PURE."""

from collections.abc import Iterator

from deis_control.api.bodies import JSON
from deis_control.api.headers import HEALTH
from deis_control.api.openapi.declaring import HTML, Answer, Described
from deis_control.api.openapi.schema import number, text
from deis_control.api.openapi.shapes import DETAIL, FIELD_ERRORS, MISMATCH
from deis_control.api.permissions import APP_ROLES, Who
from deis_control.api.routes import Route
from deis_control.model import Scope

_AGAIN = number("Seconds after which to try again.", 2)

_NAMES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    413: "TooLarge",
    415: "UnsupportedMedia",
    429: "TooManyLogins",
    503: "Unavailable",
}
STOCK = {
    "BadRequest": Answer(
        "The body or a field cannot be so.", {JSON: {"anyOf": [DETAIL, FIELD_ERRORS]}}
    ),
    "Unauthorized": Answer(
        "There is no token, or nobody has this one.",
        {JSON: DETAIL},
        optional_headers={"WWW-Authenticate": text("`Token`", "Token")},
    ),
    "Forbidden": Answer("The caller, or the token, may not do this.", {JSON: DETAIL}),
    "NotFound": Answer(
        "There is no such thing; a page when the path itself is none.",
        {JSON: DETAIL, HTML: text("A page.", "<h1>Not Found</h1>")},
    ),
    "MethodNotAllowed": Answer(
        "The path has no such method, or `DEIS-VERSION` is another one than the API's.",
        {JSON: {"anyOf": [DETAIL, MISMATCH]}},
        optional_headers={"Allow": text("The path's methods.", "GET, HEAD, OPTIONS")},
    ),
    "NotAcceptable": Answer("`Accept` names nothing that the API answers with.", {JSON: DETAIL}),
    "Conflict": Answer(
        "Not in its present state, or what it is about was removed meanwhile.", {JSON: DETAIL}
    ),
    "TooLarge": Answer("The body is too large.", {JSON: DETAIL}),
    "UnsupportedMedia": Answer("The body's type is none that the API reads.", {JSON: DETAIL}),
    "TooManyLogins": Answer(
        "Too many logins failed.", {JSON: DETAIL}, headers={"Retry-After": _AGAIN}
    ),
    "Unavailable": Answer(
        "Something that the API stands on is away; nothing was changed.",
        {JSON: DETAIL},
        optional_headers={"Retry-After": _AGAIN},
    ),
}
"""Component's name → the answer."""


def of(route: Route, entry: Described) -> dict[int, Answer | str]:
    """Status → the name of a stock answer, or an answer with the route's own words."""
    found: dict[int, Answer | str] = {status: _NAMES[status] for status in _general(route)}
    for status, why in entry.refusals.items():
        found[status] = _worded(status, why, variable="{" in route.path)
    return {status: why for status, why in found.items() if status not in entry.answers}


def _general(route: Route) -> Iterator[int]:
    """The statuses of the checks that come before the handler (api.md 1.5)."""
    who, endpoint = route.who, route.endpoint
    yield 405
    if route.path == HEALTH:
        return
    yield 503
    if who is Who.ANYBODY:
        return
    yield 406
    if who is not Who.GUEST:
        yield 401
    limited = endpoint.scope is not Scope.READ or not endpoint.confined
    if who in APP_ROLES | {Who.SUPERUSER, Who.BUILDER} or (who is Who.USER and limited):
        yield 403
    if "{" in route.path or who is Who.BUILDER:
        yield 404
    if route.method != "GET":
        yield from (400, 409, 413, 415)


def _worded(status: int, why: str, *, variable: bool) -> Answer:
    """The stock answer in the route's own words; a fixed path always is one."""
    stock = STOCK[_NAMES[status]]
    if status == 404 and not variable:
        return Answer(why, {JSON: DETAIL})
    doc = f"{stock.doc} {why}" if status in (400, 403, 404, 503) else why
    return Answer(doc, stock.content, stock.headers, stock.optional_headers)
