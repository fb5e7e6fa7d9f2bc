"""Texts of requests → plain values: JSON, times. PURE."""

import json
from datetime import UTC, datetime

NESTING_LIMIT = 64
"""Lists and objects within each other in JSON: nothing needs more than four."""


def read_json(text: str | bytes) -> object:
    """A JSON text → value; ValueError, with the parser's words, for what is none or too deep."""
    try:
        found: object = json.loads(text, parse_constant=_no_constant)
    except RecursionError as err:
        raise ValueError("nested too deeply") from err
    level, depth = [found], 0
    while level := [item for value in level for item in _items(value)]:
        depth += 1
        if depth > NESTING_LIMIT:
            raise ValueError("nested too deeply")
    return found


def moment_of(text: str) -> datetime | None:
    """A time with its zone, as in RFC 3339; None when the text is none, or beyond the years."""
    try:
        found = datetime.fromisoformat(text)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _items(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
