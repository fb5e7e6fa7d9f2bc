"""What a handler gets: the request, taken apart and let in."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from deis_control.api.parts import flag
from deis_control.errors import BadRequest, Invalid, Unauthorized
from deis_control.model import App, Login, Operation, User
from deis_control.services.bundle import Services

SERVICES = web.AppKey("services", Services)


@dataclass(frozen=True, slots=True)
class Call:
    """One request after authentication, permission, parsing and the look-up of its app."""

    request: web.Request
    services: Services
    login: Login | None = None
    found: App | None = None
    operation: Operation | None = None
    """The operation that the path names, if it does."""
    body: object = None
    """Decoded JSON or form; None when there was no body at all."""

    @property
    def caller(self) -> User:
        """Who calls; there always is somebody where the permission asks for it."""
        return self.credentials.user

    @property
    def credentials(self) -> Login:
        """Who calls, and by which token."""
        if self.login is None:
            raise Unauthorized
        return self.login

    @property
    def detached(self) -> bool:
        """Whether the caller wants an operation's id now instead of its end (RFC 7240)."""
        asked = ",".join(self.request.headers.getall("Prefer", ()))
        return "respond-async" in {
            part.partition(";")[0].strip().lower() for part in asked.split(",")
        }

    @property
    def app(self) -> App:
        """The app that the path names; only where the permission is about an app."""
        assert self.found is not None, "the route's permission looks up no app"
        return self.found

    @property
    def change(self) -> Operation:
        """The operation that the path names; only where it names one."""
        assert self.operation is not None, "the route's path names no operation"
        return self.operation

    @property
    def data(self) -> Mapping[str, object]:
        """The body as an object; none at all is an empty one. Invalid when it is not one."""
        if self.body is None:
            return {}
        if not isinstance(self.body, Mapping):
            kind = type(self.body).__name__
            text = f"Invalid data. Expected a dictionary, but got {kind}."
            raise Invalid({"non_field_errors": [text]})
        return self.body

    def required(self) -> Mapping[str, object]:
        """The body as an object, where leaving it out is a mistake."""
        if self.body is None:
            raise BadRequest("The request has no body.")
        return self.data

    @property
    def dry_run(self) -> bool:
        """Whether the caller only wants to know what the change would do; Invalid."""
        return self.flag("dry_run")

    def flag(self, name: str) -> bool:
        """A yes or no of the query, no when it is absent; Invalid when it is neither."""
        return flag(name, self.request.query.get(name))

    def part(self, name: str) -> str:
        """A variable part of the path."""
        return self.request.match_info[name]


Handler = Callable[[Call], Awaitable[web.StreamResponse]]
