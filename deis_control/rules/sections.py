"""The four sections of a posted config, checked and coerced as in api.md section 4. PURE."""

import re
from collections.abc import Callable, Mapping

from deis_control.deltas import ConfigDelta
from deis_control.errors import Invalid
from deis_control.rules import parsing, texts
from deis_control.rules.coerce import text_form, whole_number
from deis_control.rules.configs import VALUE_LIMIT
from deis_control.rules.formation import memory_bytes
from deis_node.cluster.names import is_process_type

CPU_LIMIT = 1024
MEMORY_LIMIT = 1 << 50
"""Bytes; more is a mistake, and beyond what engines can count."""

_VALUE_KEY = re.compile(r"[a-z_]+[a-z0-9_]*", re.IGNORECASE | re.ASCII)
_TYPE_START = re.compile(r"[a-z]")
_MEMORY = re.compile(r"[0-9]{1,18}(MB|KB|GB|[BKMG])", re.IGNORECASE | re.ASCII)
_TAG_KEY = re.compile(r"[A-Za-z]+")
_TAG_VALUE = re.compile(r"\w+", re.ASCII)

_BAD_KEY = "Config keys must start with a letter or underscore and only contain [A-z0-9_]"
_BAD_TYPE = "Process types can only contain [a-z]"
_BAD_MEMORY = "Limit format: <number><unit>, where unit = B, K, M or G"
_BAD_CPU = "CPU shares must be an integer"
_BAD_CPU_RANGE = f"CPU shares must be between 0 and {CPU_LIMIT}"
_BAD_TAG_KEY = "Tag keys can only contain [a-z]"
_BAD_TAG = "Invalid tag value"


class _Refused(ValueError):
    """One entry of a section breaks its rule; the text is the message."""


def config_delta(data: Mapping[str, object]) -> ConfigDelta:
    """A posted config → the change; Invalid names the section and says why."""
    errors: dict[str, list[str]] = {}

    def read(name: str, entry: Callable[[str, object], object]) -> dict[str, object]:
        try:
            return {key: entry(key, value) for key, value in _section(data, name).items()}
        except _Refused as err:
            errors[name] = [str(err)]
            return {}

    plain = {
        "values": read("values", _value),
        "memory": read("memory", _memory),
        "cpu": read("cpu", _cpu),
        "tags": read("tags", _tag),
    }
    if errors:
        raise Invalid(errors)
    return ConfigDelta.from_plain(plain)


def _section(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A section as an object; it may be left out, or be the JSON text of one."""
    found = data.get(name, {})
    if found is None:
        raise _Refused(texts.NULL)
    if isinstance(found, str):
        found = _decoded(found)
    if not isinstance(found, Mapping):
        raise _Refused("This field must be an object.")
    return found


def _decoded(text: str) -> object:
    try:
        return parsing.read_json(text)
    except ValueError as err:
        raise _Refused("This field must be an object.") from err


def _value(key: str, value: object) -> str | None:
    if not _VALUE_KEY.fullmatch(key):
        raise _Refused(_BAD_KEY)
    if value is None:
        return None
    text = text_form(value)
    reason = texts.unstorable(text)
    if reason is not None:
        raise _Refused(f"{key}: {reason}")
    size = texts.byte_length(text)
    if size > VALUE_LIMIT:
        raise _Refused(f"{key}: may have {VALUE_LIMIT} bytes, this has {size}")
    return text


def _memory(key: str, value: object) -> str | None:
    if value is None:
        return None
    _check_type(key)
    text = text_form(value)
    if not _MEMORY.fullmatch(text) or memory_bytes(text) > MEMORY_LIMIT:
        raise _Refused(_BAD_MEMORY)
    return text


def _cpu(key: str, value: object) -> int | None:
    if value is None:
        return None
    _check_type(key)
    try:
        shares = whole_number(value)
    except ValueError as err:
        raise _Refused(_BAD_CPU) from err
    if shares < 0:
        raise _Refused(_BAD_CPU)
    if shares > CPU_LIMIT:
        raise _Refused(_BAD_CPU_RANGE)
    return shares


def _tag(key: str, value: object) -> str | None:
    if value is None:
        return None
    if not _TAG_KEY.fullmatch(key):
        raise _Refused(_BAD_TAG_KEY)
    text = text_form(value)
    if not _TAG_VALUE.fullmatch(text):
        raise _Refused(_BAD_TAG)
    return text


def _check_type(key: str) -> None:
    if not _TYPE_START.match(key) or not is_process_type(key):
        raise _Refused(_BAD_TYPE)
