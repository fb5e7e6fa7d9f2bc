"""The `Authorization` header of Deis v1 (api.md 1.3 and 1.6). PURE."""

from deis_control.errors import Unauthorized


def offers_token(header: str | None) -> bool:
    """Whether a header is of the scheme `token`, whatever follows."""
    scheme, *_ = (header or "").split() or [""]
    return scheme.lower() == "token"


def token_of(header: str | None) -> str | None:
    """The token of a header `token <40 hex>`; None without header or with another scheme.

    Unauthorized, with the original's texts, when the header is malformed.
    """
    if not offers_token(header):
        return None
    parts = (header or "").split()
    if len(parts) == 1:
        raise Unauthorized("Invalid token header. No credentials provided.")
    if len(parts) > 2:
        raise Unauthorized("Invalid token header. Token string should not contain spaces.")
    return parts[1]
