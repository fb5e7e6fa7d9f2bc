"""Fitting what a file or the environment says to a setting's type. PURE."""

import math
import types
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin

from deis_node.runtime.errors import DeisError
from deis_node.runtime.settings_fields import Leaf, plain_kind

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class SettingsError(DeisError):
    """A setting is unknown, missing, or has a wrong value; the sentence names its path."""


def parsed(kind: Any, text: str) -> Any:
    """The text of an environment variable as the value that TOML would have given.

    A text that does not fit stays a text, which the check that follows refuses.
    """
    plain, optional = plain_kind(kind)
    origin = get_origin(plain)
    if optional and not text:
        return None
    if origin is tuple:
        return [item.strip() for item in text.split(",") if item.strip()]
    if origin is Mapping:
        pairs = [item.partition("=") for item in text.split(",") if item.strip()]
        if all(equals for _, equals, _ in pairs):
            return {key.strip(): value.strip() for key, _, value in pairs}
    if plain is bool and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if plain in (int, float):
        try:
            return plain(text)
        except ValueError:
            return text
    return text


def convert(where: str, leaf: Leaf, kind: Any, value: Any) -> Any:
    """Fit a decoded value to the setting's type; SettingsError when it does not."""
    plain, optional = plain_kind(kind)
    if value is None and optional:
        return None
    try:
        return _fitted(plain, value)
    except ValueError as err:
        shown = "the value" if leaf.secret else repr(value)
        raise SettingsError(f"{where}: {shown} is not {_described(plain)}") from err


def _fitted(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin is tuple:
        return tuple(_fitted(get_args(kind)[0], item) for item in _checked(list, value))
    if origin is Mapping:
        items = _checked(dict, value).items()
        return types.MappingProxyType({key: _fitted(str, item) for key, item in items})
    if kind is Path:
        return Path(_checked(str, value))
    if kind is float:
        return _finite(float(_checked((int, float), value)))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(_checked(str, value))
    return _checked(kind, value)


def _checked(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"not a {kind}")
    return value


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _described(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is tuple:
        return "a list of texts"
    if origin is Mapping:
        return "a table of texts (k=v,k=v in the environment)"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "one of " + ", ".join(kind)
    words = {int: "an integer", float: "a number", bool: "true or false", Path: "a path"}
    return words.get(kind, "a text")
