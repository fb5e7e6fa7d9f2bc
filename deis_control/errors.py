"""Errors of the control plane; status and wire body belong to the class (api.md section 1.6).

ControlError                 500, never raised itself
├── Invalid                  400 {"<field>": ["message", …]}
├── BadRequest               400 {"detail": …}
├── Unauthorized             401
├── Forbidden                403
├── NotFound                 404
├── MethodNotAllowed         405
├── ClientMismatch           405 {"error": …}
├── NotAcceptable            406
├── Conflict                 409
├── TooLarge                 413
├── UnsupportedMedia         415
├── TooManyLogins            429 with Retry-After
├── LogsUnavailable          500 text/plain
├── OperationFailed          503: the change was tried and undone
└── Unavailable              503 with Retry-After: something we stand on does not answer
Fenced                       another leader was elected: stop writing
SchemaError                  the database's schema is not one that this code may use
"""

from collections.abc import Mapping, Sequence

from deis_node.runtime.errors import DeisError


class ControlError(DeisError):
    """An answer other than success: `status`, `body()` and `headers` go on the wire."""

    status = 500
    default = "The server could not answer."

    def __init__(self, detail: str | None = None) -> None:
        self.detail = self.default if detail is None else detail
        super().__init__(self.detail)

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the answer beside those that every answer has."""
        return {}

    def body(self) -> Mapping[str, object]:
        """The JSON object of the answer; flat, because the client prints nothing else."""
        return {"detail": self.detail}


class Invalid(ControlError):
    """Fields of a request break their rules; `fields` maps each to its messages."""

    status = 400

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self.fields = {name: list(messages) for name, messages in fields.items()}
        super().__init__("; ".join(f"{name}: {' '.join(m)}" for name, m in self.fields.items()))

    def body(self) -> Mapping[str, object]:
        """Field → messages."""
        return self.fields


class BadRequest(ControlError):
    """The request cannot be understood or makes no sense now."""

    status = 400
    default = "Bad request."


class Unauthorized(ControlError):
    """No credentials, or ones that nobody has."""

    status = 401
    default = "Authentication credentials were not provided."

    @property
    def headers(self) -> Mapping[str, str]:
        """The scheme to come back with."""
        return {"WWW-Authenticate": "Token"}


class Forbidden(ControlError):
    """The caller is known and may not."""

    status = 403
    default = "You do not have permission to perform this action."


class NotFound(ControlError):
    """There is no such thing."""

    status = 404
    default = "Not found"


class MethodNotAllowed(ControlError):
    """The path exists, not with this method."""

    status = 405

    def __init__(self, method: str, allowed: Sequence[str] = ()) -> None:
        self.allowed = tuple(allowed)
        super().__init__(f"Method '{method}' not allowed.")


class ClientMismatch(ControlError):
    """The client declares another major version of the API."""

    status = 405

    def __init__(self, given: str, major: str) -> None:
        super().__init__(
            "Client and server versions do not match. "
            f"Client version: {given} Server version: {major}"
        )

    def body(self) -> Mapping[str, object]:
        """The original's key for this one text."""
        return {"error": self.detail}


class NotAcceptable(ControlError):
    """The client takes no JSON."""

    status = 406
    default = "Could not satisfy the request Accept header"


class Conflict(ControlError):
    """The thing is in a state that forbids the change."""

    status = 409
    default = "Conflict."


class TooLarge(ControlError):
    """The body is longer than the server reads."""

    status = 413
    default = "Request body too large."


class UnsupportedMedia(ControlError):
    """A body of a type that the API does not read."""

    status = 415

    def __init__(self, media: str) -> None:
        super().__init__(f"Unsupported media type '{media}' in request.")


class TooManyLogins(ControlError):
    """Too many failed logins of late; this one was not looked at."""

    status = 429

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        super().__init__(f"Too many failed logins; try again in {seconds} seconds.")

    @property
    def headers(self) -> Mapping[str, str]:
        """When to come back."""
        return {"Retry-After": str(self._seconds)}


class LogsUnavailable(ControlError):
    """The logger cannot be asked (api.md 9.2); its text goes out as plain text."""

    status = 500


class OperationFailed(ControlError):
    """A change was tried, did not work out and was undone; the text says why."""

    status = 503
    default = "The change failed."


class Unavailable(ControlError):
    """Something that the API stands on does not answer; trying again later may help."""

    status = 503
    default = "The service is temporarily unavailable."
    retry_after = 2
    """Seconds."""

    @property
    def headers(self) -> Mapping[str, str]:
        """When to come back."""
        return {"Retry-After": str(self.retry_after)}


class Fenced(DeisError):
    """The writer is no longer the leader: another one raised the epoch (rule 6)."""


class SchemaError(DeisError):
    """The database's schema is newer than this code, or cannot be migrated."""
