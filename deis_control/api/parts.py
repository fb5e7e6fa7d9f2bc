"""Fields of queries → values. PURE."""

from deis_control.errors import Invalid

_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})


def flag(name: str, text: str | None) -> bool:
    """A yes or no of a query, no when it is absent; Invalid, naming it, when it is neither."""
    given = "no" if text is None else text.lower()
    if given not in _TRUE | _FALSE:
        raise Invalid({name: ["Enter true or false."]})
    return given in _TRUE
