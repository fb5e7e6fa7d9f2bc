"""What an operator may say about a host. PURE."""

import re
from collections.abc import Mapping

from deis_control.rules.coerce import text_form

TAG_LIMIT = 63
"""Characters of a tag's key, and of its value."""

TAG_KEY = r"[A-Za-z]+"
TAG_VALUE = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"

_BAD_KEY = "Tag keys can only contain [a-z]"
_BAD_VALUE = "Tag values can only contain letters, digits and _ . -"
_LONG = f"Tags have at most {TAG_LIMIT} characters."
_NO_MAP = "This field must be an object."
_NO_FLAG = "Enter true or false."


def tags_of(value: object, errors: list[str]) -> dict[str, str | None]:
    """Tags as posted: key → value, None to remove; what is wrong goes into `errors`."""
    if not isinstance(value, Mapping):
        errors.append(_NO_MAP)
        return {}
    found: dict[str, str | None] = {}
    for key, given in value.items():
        text = "" if given is None or isinstance(given, list | Mapping) else text_form(given)
        if not re.fullmatch(TAG_KEY, key, re.ASCII):
            errors.append(_BAD_KEY)
        elif given is not None and not re.fullmatch(TAG_VALUE, text, re.ASCII):
            errors.append(_BAD_VALUE)
        elif max(len(key), len(text)) > TAG_LIMIT:
            errors.append(_LONG)
        else:
            found[key] = None if given is None else text
    return found


def flag_of(value: object, errors: list[str]) -> bool | None:
    """A yes or no as posted, in a form as text; what is wrong goes into `errors`."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    errors.append(_NO_FLAG)
    return None
