"""Variable parts of paths and fields of queries → values. PURE."""

from datetime import datetime
from uuid import UUID

from deis_control.errors import Invalid, NotFound
from deis_control.rules.parsing import moment_of
from deis_control.rules.texts import unstorable

_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})


def uuid_of(text: str) -> UUID:
    """A uuid as in a path; NotFound when it is none, as nothing has that name."""
    try:
        return UUID(text)
    except ValueError as err:
        raise NotFound from err


def uuid_or_none(text: str | None) -> UUID | None:
    """A uuid as in a path; None when it is none."""
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


def flag(name: str, text: str | None) -> bool:
    """A yes or no of a query, no when it is absent; Invalid, naming it, when it is neither."""
    given = "no" if text is None else text.lower()
    if given not in _TRUE | _FALSE:
        raise Invalid({name: ["Enter true or false."]})
    return given in _TRUE


def moment(name: str, text: str | None) -> datetime | None:
    """A time of a query, with its zone (RFC 3339); Invalid, naming it, when it is none."""
    if text is None:
        return None
    found = moment_of(text)
    if found is None:
        raise Invalid({name: ["Enter a time such as 2030-01-31T12:00:00Z."]})
    return found


def plain(name: str, text: str | None, limit: int = 255) -> str | None:
    """A text of a query; Invalid, naming it, when it is too long or nobody could keep it."""
    if text is None:
        return None
    if len(text) > limit:
        raise Invalid({name: [f"Ensure this field has no more than {limit} characters."]})
    reason = unstorable(text)
    if reason is not None:
        raise Invalid({name: [f"This field {reason}."]})
    return text
