"""The reference page of a process' settings, made from their declarations. PURE."""

import dataclasses
import inspect
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, get_origin

from deis_node.runtime.settings_fields import Leaf, leaves, plain_kind


def reference(cls: type, title: str, prefix: str) -> str:
    """The reference page of the settings as markdown: a table for each section."""
    groups: dict[tuple[str, ...], list[Leaf]] = {}
    for leaf in leaves(cls):
        groups.setdefault(leaf.path[:-1], []).append(leaf)
    lines = [f"# {title}", "", *_paragraph(cls)]
    for path, group in groups.items():
        if path:
            lines += [f"## `{'.'.join(path)}`", "", *_paragraph(group[0].owner)]
        lines += ["| setting | environment | type | default | meaning |", "|---|---|---|---|---|"]
        lines += [_row(leaf, prefix) for leaf in group]
        lines.append("")
    return "\n".join(lines)


def _row(leaf: Leaf, prefix: str) -> str:
    doc = leaf.field.metadata.get("doc", "")
    cells = [
        f"`{leaf.name}`",
        f"`{leaf.variable(prefix)}`",
        _kind_name(leaf.kind),
        _default_text(leaf),
        doc,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind_name(kind: Any) -> str:
    plain, optional = plain_kind(kind)
    origin = get_origin(plain)
    if origin is tuple:
        name = "list"
    elif origin is Mapping:
        name = "table"
    elif isinstance(plain, type) and issubclass(plain, StrEnum):
        name = ", ".join(plain)
    else:
        name = {str: "text", int: "integer", float: "number", bool: "boolean", Path: "path"}[plain]
    return f"{name}, optional" if optional else name


def _default_text(leaf: Leaf) -> str:
    if leaf.secret:
        return "secret"
    if leaf.required:
        return "required"
    factory = leaf.field.default_factory
    value = leaf.field.default if factory is dataclasses.MISSING else factory()
    return _value_text(value)


def _value_text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Mapping):
        return ", ".join(f"`{key}={item}`" for key, item in sorted(value.items())) or "empty"
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value) or "empty"
    return f"`{value}`" if str(value) else "empty"


def _paragraph(cls: type) -> list[str]:
    """The first paragraph of a class' docstring; dataclasses without one have a signature."""
    text = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
    return [text, ""] if text and not text.startswith(f"{cls.__name__}(") else []
