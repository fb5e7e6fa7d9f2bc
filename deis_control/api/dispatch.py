"""From a path's routes to one handler, in the contract's order of checks (api.md 1.5).

The version is checked before (middleware), validation after (handler); between them stand
authentication, the route's permission, the method, the body, the app and its permission.
"""

from collections.abc import Mapping

from aiohttp import web

from deis_control.api.answers import answer
from deis_control.api.bodies import FORM, JSON, MULTIPART, read_body
from deis_control.api.call import SERVICES, Call
from deis_control.api.events import EVENT_STREAM, accepted_kinds
from deis_control.api.gate import outside
from deis_control.api.headers import ALLOWED
from deis_control.api.origin import origin_of
from deis_control.api.permissions import APP_ROLES, Endpoint, Who, admit, check_token
from deis_control.errors import MethodNotAllowed, NotAcceptable, NotFound
from deis_control.model import App
from deis_control.rules.texts import unstorable
from deis_control.services.access import Seen
from deis_control.services.audit import ORIGIN

_ORDER = ("GET", "POST", "PUT", "PATCH", "DELETE")
_READING = ("POST", "PUT", "PATCH", "DELETE")


class Path:
    """All routes of one path."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = endpoints
        methods = [method for method in _ORDER if method in endpoints]
        head = ["HEAD"] if "GET" in endpoints else []
        self.allowed = (*methods, *head, "OPTIONS")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request for the path."""
        request[ALLOWED] = self.allowed
        services = request.app[SERVICES]
        endpoint = self._endpoint(request.method)
        who = (endpoint or next(iter(self._endpoints.values()))).who
        if who is not Who.ANYBODY:
            _negotiate(request, streams=endpoint is not None and endpoint.streams)
        seen = await admit(request, who, services)
        login = seen.login if seen is not None else None
        ORIGIN.set(origin_of(request, login, services.platform()))
        if request.method == "OPTIONS":
            return answer({**_METADATA, "actions": self._actions()})
        if endpoint is None:
            return self._refuse(request, who)
        check_token(endpoint, login)
        body = None
        if request.method in _READING:
            body = await outside(request, read_body(request))
        app = _app_of(request, endpoint, seen)
        operation = seen.operation if seen is not None else None
        return await endpoint.handler(Call(request, services, login, app, operation, body))

    def _actions(self) -> dict[str, dict[str, object]]:
        """The methods that take an object, as the original's metadata names them (api.md 1.3)."""
        return {method: {} for method in self.allowed if method in ("POST", "PUT")}

    def _endpoint(self, method: str) -> Endpoint | None:
        return self._endpoints.get("GET" if method == "HEAD" else method)

    def _refuse(self, request: web.Request, who: Who) -> web.Response:
        """405; without a body on what is not the API's (`/healthz`)."""
        if not request.path.startswith("/v1/"):
            return web.Response(status=405)
        raise MethodNotAllowed(request.method, self.allowed)


_METADATA = {
    "name": "Deis",
    "description": "The HTTP API of Deis.",
    "renders": [JSON],
    "parses": [JSON, FORM, MULTIPART],
}


def _negotiate(request: web.Request, *, streams: bool) -> None:
    """NotAcceptable when the client takes nothing that the route answers with."""
    kinds = accepted_kinds(request)
    if not kinds & {"*/*", "application/*", JSON, "", *((EVENT_STREAM,) if streams else ())}:
        raise NotAcceptable


def _app_of(request: web.Request, endpoint: Endpoint, seen: Seen | None) -> App | None:
    """The app that the path names, directly or by its operation, if the caller may use it so;
    NotFound, Forbidden.
    """
    if any(unstorable(part) for part in request.match_info.values()):
        raise NotFound
    if endpoint.who not in APP_ROLES:
        return None
    assert seen is not None, "admit lets nobody in without a token"
    deleting = endpoint.who is Who.APP_USER and request.method == "DELETE"
    return seen.admitted(owning=endpoint.who is Who.APP_OWNER or deleting)
