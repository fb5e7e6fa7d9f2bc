"""A Procfile: process type → command, as YAML says it. PURE.

Values are taken as they are written (builder.md section 7: other scalars count as text), and
their quotes are kept, which v1's builder dropped. The file is read as a stream of YAML events:
nothing recurses, so no depth of nesting hurts, and a type that is there twice is seen.
"""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    StreamStartEvent,
)

from deis_control.builder.errors import BuilderError
from deis_node.cluster.names import RUN_TYPE, is_process_type

SIZE_LIMIT = 768 * 1024
"""Bytes of the whole file."""
TYPES_LIMIT = 100
COMMAND_LIMIT = 64 * 1024
"""Bytes of one command in UTF-8."""


class ProcfileError(BuilderError):
    """The Procfile cannot be used; the text is a sentence for its author."""


def parse(data: bytes) -> Mapping[str, str]:
    """Read a Procfile; ProcfileError says what is wrong with it, and where."""
    if len(data) > SIZE_LIMIT:
        raise ProcfileError(f"Procfile: larger than {SIZE_LIMIT} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise ProcfileError(f"Procfile: not UTF-8 at byte {err.start}") from err
    try:
        return _types(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise ProcfileError(f"Procfile: {where}{err.problem}") from err
    except yaml.YAMLError as err:
        raise ProcfileError(f"Procfile: {_first_line(err)}") from err


def _types(events: Iterator[Event]) -> Mapping[str, str]:
    """Process types of the one map that the file must hold."""
    _expect_map(events)
    anchors: dict[str, str] = {}
    types: dict[str, str] = {}
    while not isinstance(key := next(events), MappingEndEvent):
        name = _text(key, anchors, "a process type")
        command = _text(next(events), anchors, f"the command of {name!a}")
        _check(name, command, types)
        types[name] = command
    if not isinstance(next(events), DocumentEndEvent) or isinstance(
        next(events), DocumentStartEvent
    ):
        raise ProcfileError("Procfile: more than one YAML document")
    if not types:
        raise ProcfileError("Procfile: it names no process type")
    return types


def _expect_map(events: Iterator[Event]) -> None:
    """Go to the first entry of the map; ProcfileError when there is none."""
    assert isinstance(next(events), StreamStartEvent)
    if not isinstance(next(events), DocumentStartEvent):
        raise ProcfileError("Procfile: it is empty; name a process type or remove the file")
    start = next(events)
    if _is_nothing(start):
        raise ProcfileError("Procfile: it is empty; name a process type or remove the file")
    if not isinstance(start, MappingStartEvent):
        raise ProcfileError(
            f"Procfile: line {_line(start)}: expected `<process type>: <command>` on each line"
        )


def _text(event: Event, anchors: dict[str, str], what: str) -> str:
    """The text of a scalar or of an alias of one."""
    if isinstance(event, AliasEvent) and event.anchor in anchors:
        return anchors[event.anchor]
    if not isinstance(event, ScalarEvent):
        raise ProcfileError(f"Procfile: line {_line(event)}: {what} must be text")
    if event.anchor is not None:
        anchors[event.anchor] = event.value
    return str(event.value)


def _check(name: str, command: str, types: Mapping[str, str]) -> None:
    """Hold one entry against the rules of types and commands."""
    if not is_process_type(name):
        raise ProcfileError(
            f"Procfile: {name[:80]!a} is no name of a process type:"
            " letters, digits, `-` and `_` make one"
        )
    if name == RUN_TYPE:
        raise ProcfileError("Procfile: `run` is kept for one-off commands; choose another name")
    if name in types:
        raise ProcfileError(f"Procfile: {name} is there twice")
    if len(types) == TYPES_LIMIT:
        raise ProcfileError(f"Procfile: more than {TYPES_LIMIT} process types")
    _check_command(name, command)


def _check_command(name: str, command: str) -> None:
    if not command.strip():
        raise ProcfileError(f"Procfile: {name} has no command")
    try:
        size = len(command.encode())
    except UnicodeEncodeError as err:
        raise ProcfileError(f"Procfile: the command of {name} holds a lone surrogate") from err
    if size > COMMAND_LIMIT:
        raise ProcfileError(f"Procfile: the command of {name} is over {COMMAND_LIMIT} bytes")
    if "\0" in command:
        raise ProcfileError(f"Procfile: the command of {name} holds a NUL character")


def _is_nothing(event: Event) -> TypeGuard[ScalarEvent]:
    """Whether the document is YAML's null, as of a file with comments only."""
    return isinstance(event, ScalarEvent) and event.value == "" and event.style is None


def _line(event: Event) -> int:
    return 0 if event.start_mark is None else int(event.start_mark.line) + 1


def _first_line(err: Exception) -> str:
    return next(iter(str(err).splitlines()), "not YAML")
