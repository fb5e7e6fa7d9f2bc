"""Pushed refs: the lines of the pre-receive hook, and which of them may be taken. PURE.

git checks some of this itself, but only after the hook, when the release would be live already:
what git would refuse later is refused here first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deis_control.builder.commands import shown
from deis_control.builder.errors import Declined

ZERO = "0" * 40
REFS_LIMIT = 20
"""How many refs one push may move: each is a release."""
NAME_LIMIT = 200

_SHA = re.compile(r"[0-9a-f]{40}")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


@dataclass(frozen=True, slots=True)
class RefLine:
    """One ref that a client wants to move."""

    old: str
    new: str
    name: str


def parse_line(line: bytes) -> RefLine:
    """One line of the hook's standard input; Declined when it is none."""
    parts = line.decode("utf-8", "surrogateescape").split(" ", 2)
    if len(parts) != 3 or not (_SHA.fullmatch(parts[0]) and _SHA.fullmatch(parts[1])):
        raise Declined("git handed over a line that names no ref")
    return RefLine(*parts)


def is_ref_name(name: str) -> bool:
    """Whether git lets a ref have this name (git-check-ref-format(1))."""
    parts = name.split("/")
    return (
        name.isprintable()
        and len(name) <= NAME_LIMIT
        and len(parts) >= 3
        and parts[0] == "refs"
        and not _FORBIDDEN.search(name)
        and not name.endswith((".", "/"))
        and not any(part.startswith(".") or part.endswith(".lock") for part in parts)
    )


def check(lines: Sequence[RefLine], present: Mapping[str, str]) -> None:
    """Whether all of a push may be taken by a repository with these refs; Declined says why not."""
    if len(lines) > REFS_LIMIT:
        raise Declined(f"A push may move {REFS_LIMIT} refs, this one moves {len(lines)}")
    names = set(present)
    for line in lines:
        _check_one(line, present, names)
        names.add(line.name)


def _check_one(line: RefLine, present: Mapping[str, str], names: Iterable[str]) -> None:
    name = shown(line.name)
    if line.new == ZERO:
        raise Declined(f"{name} cannot be deleted: it names what the app runs")
    if not is_ref_name(line.name):
        raise Declined(f"{name} is no name that a ref may have here")
    if present.get(line.name, ZERO) != line.old:
        raise Declined(f"{name} was moved by another push meanwhile: fetch, and push again")
    if any(_nested(line.name, other) for other in names):
        raise Declined(f"{name} cannot be made: another ref's name is a part of it, or it of one")


def _nested(one: str, other: str) -> bool:
    return one.startswith(other + "/") or other.startswith(one + "/")
