"""Stock validation texts of Deis v1 (api.md 1.6) and what text may be stored. PURE."""

import re

REQUIRED = "This field is required."
BLANK = "This field may not be blank."
NULL = "This field may not be null."
UNIQUE = "This field must be unique."
NOT_TEXT = "Not a valid string."

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def too_long(limit: int) -> str:
    """The text for a field of more than `limit` characters."""
    return f"Ensure this field has no more than {limit} characters."


def unstorable(text: str) -> str | None:
    """Why no component could keep this text, or None: NUL, or half of a surrogate pair."""
    match = _UNSTORABLE.search(text)
    if match is None:
        return None
    return "may not contain NUL" if match[0] == "\x00" else "may not contain lone surrogates"


def byte_length(text: str) -> int:
    """The length in UTF-8; lone surrogates count three."""
    return len(text.encode("utf-8", "surrogatepass"))
