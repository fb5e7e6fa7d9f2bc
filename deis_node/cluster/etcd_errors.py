"""What can go wrong between us and etcd, and how the server's answers become our errors. PURE.

EtcdError                  a refused request that no repetition will help (a bug, a limit)
├── Unavailable            not reachable, too slow, or without a leader: look again later
├── Compacted              the revision asked for is gone: list again
├── RevisionWentBack       the store was wiped or restored: list again
├── NoSpace                the quota is used up: writes are refused, reads go on
├── AuthFailed             wrong password, or the user may not do this
└── LeaseLost              the lease is gone: take a new one
"""

from deis_node.runtime.errors import DeisError


class EtcdError(DeisError):
    """The root of etcd's errors; itself only raised for a request that etcd finds wrong."""


class Unavailable(EtcdError):
    """No answer that counts. A write may have been done or not: the caller looks again.

    `sent` is False only when the request surely never left (the connection was refused).
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class Compacted(EtcdError):
    """The wanted revision has been compacted; the oldest one left is `revision` (0: unknown)."""

    def __init__(self, message: str, revision: int = 0) -> None:
        super().__init__(message)
        self.revision = revision


class RevisionWentBack(EtcdError):
    """The store is behind what it has told us before: wiped, or restored from a backup."""


class NoSpace(EtcdError):
    """The database is full; etcd refuses writes until an operator has made room."""


class AuthFailed(EtcdError):
    """User or password is wrong, or the user lacks the permission."""


class LeaseLost(EtcdError):
    """The lease has expired or was revoked; its keys are gone."""


class TokenRejected(AuthFailed):
    """The session's token is not known (any more): log in and repeat the call."""


# The numbers of gRPC status codes.
_INVALID_ARGUMENT = 3
_NOT_FOUND = 5
_ALREADY_EXISTS = 6
_PERMISSION_DENIED = 7
_RESOURCE_EXHAUSTED = 8
_FAILED_PRECONDITION = 9
_OUT_OF_RANGE = 11
_UNIMPLEMENTED = 12
_UNAUTHENTICATED = 16

_WRONG = (_INVALID_ARGUMENT, _NOT_FOUND, _ALREADY_EXISTS, _FAILED_PRECONDITION, _UNIMPLEMENTED)

_TOKEN_TEXTS = ("invalid auth token", "user name is empty", "revision of auth store is old")
"""A token that expired or that a restarted member forgot is refused with several codes."""

_DENIED_TEXTS = ("permission denied", "authentication failed")
"""A canceled watch and a wrong password come without a code of their own."""


def translate(code: int, message: str) -> EtcdError:
    """The error for a gRPC status code and message, as the JSON gateway passes them on.

    The codes are those of etcd's rpctypes/error.go; where one code has several meanings the
    text decides.
    """
    if any(text in message for text in _TOKEN_TEXTS):
        return TokenRejected(message)
    if code == _OUT_OF_RANGE:
        kind = Compacted if "compacted" in message else RevisionWentBack
        return kind(message)
    if code == _RESOURCE_EXHAUSTED and "space exceeded" in message:
        return NoSpace(message)
    if code == _NOT_FOUND and "lease" in message:
        return LeaseLost(message)
    if code in (_PERMISSION_DENIED, _UNAUTHENTICATED) or any(t in message for t in _DENIED_TEXTS):
        return AuthFailed(message)
    if code in _WRONG or "larger than max" in message:
        return EtcdError(message)
    return Unavailable(message)
