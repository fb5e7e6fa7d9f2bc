"""Merging a change into a config, and the bounds of a config. PURE."""

from collections.abc import Mapping
from typing import TypeVar

from deis_control.deltas import ConfigDelta
from deis_control.errors import Invalid
from deis_control.model import ConfigData

VALUE_LIMIT = 64 * 1024
"""Bytes of UTF-8 that one config value may have."""

CONFIG_LIMIT = 768 * 1024
"""Bytes of UTF-8 that the keys and values of one config may have together."""

SECTION_LIMIT = 64 * 1024
"""The same of its `memory`, `cpu` and `tags`, each."""

_T = TypeVar("_T")


def merge_config(base: ConfigData, delta: ConfigDelta) -> ConfigData:
    """The base with the delta's keys set, and those that are None removed.

    Invalid, naming the section, when the result is larger than a config may be.
    """
    merged = ConfigData(
        values=_merge(base.values, delta.values),
        memory=_merge(base.memory, delta.memory),
        cpu=_merge(base.cpu, delta.cpu),
        tags=_merge(base.tags, delta.tags),
    )
    check_config_size(merged)
    return merged


def check_config_size(data: ConfigData) -> None:
    """Invalid when a section of the config is more than its limit."""
    size = _size(data.values)
    if size > CONFIG_LIMIT:
        raise Invalid({"values": [f"A config may have {CONFIG_LIMIT} bytes, this has {size}"]})
    others = {"memory": data.memory, "cpu": data.cpu, "tags": data.tags}
    for name, section in others.items():
        size = _size(section)
        if size > SECTION_LIMIT:
            raise Invalid({name: [f"This may have {SECTION_LIMIT} bytes, this has {size}"]})


def _size(section: Mapping[str, object]) -> int:
    """Bytes of UTF-8 of the keys and values together."""
    return sum(len(k.encode()) + len(str(v).encode()) for k, v in section.items())


def _merge(base: Mapping[str, _T], change: Mapping[str, _T | None]) -> dict[str, _T]:
    kept = {key: value for key, value in base.items() if key not in change}
    return kept | {key: value for key, value in change.items() if value is not None}
