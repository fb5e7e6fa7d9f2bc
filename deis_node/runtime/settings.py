"""Settings of a process: nested frozen dataclasses, filled from defaults < TOML < environment.

A section is a field whose type is a dataclass; in the file it is a table, in the environment a
part of the name: `router.port` of the prefix `DEIS_NODE` is `DEIS_NODE_ROUTER_PORT`. Names that
nobody knows and values of the wrong type are errors that say where they stand.
"""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from deis_node.runtime.settings_fields import Leaf, leaves, section, setting
from deis_node.runtime.settings_page import reference
from deis_node.runtime.settings_values import SettingsError, convert, parsed

_T = TypeVar("_T")
_Declared = Mapping[tuple[str, ...], Leaf]


def load(cls: type[_T], *, file: Path | None, prefix: str, environ: Mapping[str, str]) -> _T:
    """Make the settings of class `cls`; SettingsError when anything about them is wrong."""
    declared = {leaf.path: leaf for leaf in leaves(cls)}
    values: dict[tuple[str, ...], Any] = {}
    if file is not None:
        values |= _from_file(file, declared)
    values |= _from_environment(prefix, environ, declared)
    made: _T = _build(cls, (), values, prefix)
    return made


def _from_file(file: Path, declared: _Declared) -> dict[tuple[str, ...], Any]:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as err:
        raise SettingsError(f"{file}: cannot be read: {err}") from err
    except tomllib.TOMLDecodeError as err:
        raise SettingsError(f"{file}: {err}") from err
    return dict(_walk(file.name, data, (), declared))


def _walk(
    file: str,
    table: Mapping[str, Any],
    path: tuple[str, ...],
    declared: _Declared,
) -> Iterator[tuple[tuple[str, ...], Any]]:
    sections = {leaf[:depth] for leaf in declared for depth in range(1, len(leaf))}
    for key, value in table.items():
        where = (*path, key)
        name = ".".join(where)
        leaf = declared.get(where)
        if leaf is not None:
            yield where, convert(f"{file}: {name}", leaf, leaf.kind, value)
        elif where not in sections:
            known = [leaf.name for leaf in declared.values()] + [".".join(s) for s in sections]
            raise SettingsError(f"{file}: {name}: unknown setting{_meant(name, known)}")
        elif not isinstance(value, Mapping):
            raise SettingsError(f"{file}: {name}: is a section, write it as [{name}]")
        else:
            yield from _walk(file, value, where, declared)


def _from_environment(
    prefix: str, environ: Mapping[str, str], declared: _Declared
) -> dict[tuple[str, ...], Any]:
    variables = {leaf.variable(prefix): leaf for leaf in declared.values()}
    values = {}
    for name in sorted(environ):
        if not name.startswith(f"{prefix}_"):
            continue
        leaf = variables.get(name)
        if leaf is None:
            raise SettingsError(f"{name}: unknown setting{_meant(name, list(variables))}")
        values[leaf.path] = convert(name, leaf, leaf.kind, parsed(leaf.kind, environ[name]))
    return values


def _build(
    cls: Any, path: tuple[str, ...], values: Mapping[tuple[str, ...], Any], prefix: str
) -> Any:
    hints = get_type_hints(cls)
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        where = (*path, field.name)
        if dataclasses.is_dataclass(hints[field.name]):
            arguments[field.name] = _build(hints[field.name], where, values, prefix)
        elif where in values:
            arguments[field.name] = values[where]
        elif (leaf := Leaf(where, None, field, cls)).required:
            raise SettingsError(f"{leaf.name}: is required; {leaf.variable(prefix)} sets it, too")
    try:
        return cls(**arguments)
    except ValueError as err:
        raise SettingsError(f"{'.'.join(path) or cls.__name__}: {err}") from err


def _meant(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else ""


__all__ = ["SettingsError", "load", "reference", "section", "setting"]
