"""The text forms that Deis v1 gave to JSON values (api.md section 4). PURE.

The original was Python 2, and its clients have seen `True`, `1.5` and `[u'x']`.
"""

from collections.abc import Mapping


def text_form(value: object) -> str:
    """What a JSON value becomes where the API keeps text."""
    return value if isinstance(value, str) else _repr(value)


def whole_number(value: object) -> int:
    """What a JSON value becomes where the API keeps integers: floats are cut, text is read.

    ValueError for anything else; its text is the one that the original showed.
    """
    if isinstance(value, str) and "_" in value:
        raise ValueError(f"invalid literal for int() with base 10: {value!r}")
    if isinstance(value, str | int):
        return int(value)
    if isinstance(value, float):
        return _cut(value)
    kind = "NoneType" if value is None else type(value).__name__
    raise ValueError(f"int() argument must be a string or a number, not '{kind}'")


def _cut(value: float) -> int:
    try:
        return int(value)
    except OverflowError as err:
        raise ValueError(str(err)) from err


def _repr(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        text = f"{value:.12g}"
        return text if not text.lstrip("-").isdigit() else f"{text}.0"
    if isinstance(value, list):
        return f"[{', '.join(_repr(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_repr(k)}: {_repr(v)}" for k, v in value.items()) + "}"
    return str(value)


def _quoted(text: str) -> str:
    r"""`u'x'`: Python 2 wrote what is not ASCII as `\xe9`, `\u20ac`, `\U0001f600`."""
    return f"u{text!a}"
