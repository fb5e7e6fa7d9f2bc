"""Headers of every response: versions, ports, cross-origin, allowed methods (api.md 1.2, 1.4)."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from deis_control.api.answers import reason
from deis_control.api.call import SERVICES
from deis_control.services.platform import Platform

API_VERSION = "1.7"
API_MAJOR = API_VERSION.partition(".")[0]
PLATFORM_VERSION = "1.13.4"

HEALTH = "/healthz"

ALLOWED = web.RequestKey("allowed", tuple[str, ...])
"""The methods of the request's route, when it is one of the API's."""

_VERSIONS = {
    "DEIS_API_VERSION": API_VERSION,
    "X_DEIS_API_VERSION": API_VERSION,
    "DEIS_PLATFORM_VERSION": PLATFORM_VERSION,
    "X_DEIS_PLATFORM_VERSION": PLATFORM_VERSION,
    "Server": "deis-controller",
}
_EXPOSED = (
    "X_DEIS_API_VERSION, X_DEIS_PLATFORM_VERSION, X-Deis-Release, "
    "DEIS_API_VERSION, DEIS_PLATFORM_VERSION, Deis-Release"
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "content-type, accept, origin, Authorization, Host",
    "Access-Control-Max-Age": "86400",
}


def preflight() -> web.Response:
    """The answer to a browser that asks before it asks."""
    return web.Response(headers=_PREFLIGHT)


def is_preflight(request: web.Request) -> bool:
    """Whether a browser asks what it may ask."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def is_health(request: web.Request) -> bool:
    """Whether somebody asks how the process is."""
    return request.path == HEALTH


@web.middleware
async def complete(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give a response what every response has."""
    response = await handler(request)
    if not response.prepared:
        dress(request, response)
    return response


def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Give it that, the reason phrase in capitals included; before its first byte is sent."""
    response.set_status(response.status, reason(response.status))
    response.headers.update(every(request.app[SERVICES].platform()))
    if "Origin" in request.headers:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    if ALLOWED in request:
        allowed = request[ALLOWED]
        response.headers["Allow"] = ", ".join(allowed)


def every(platform: Platform) -> Mapping[str, str]:
    """The headers of each and every response."""
    return {
        **_VERSIONS,
        "Deis-Builder-Port": str(platform.builder_port),
        "Deis-Router-Port": str(platform.router_port),
    }
