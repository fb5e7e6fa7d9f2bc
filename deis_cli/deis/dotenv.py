"""Files of `KEY=value` lines, that hold any value and give it back exactly.

A value that a plain line could not hold (newlines, quotes, leading or trailing blanks, a `#`)
is written in double quotes with JSON's escapes; everything else stands as it is.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from deis_cli.deis import output

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
PLAIN = re.compile(r"[^\s\"'#\\](?:[^\n\r\"\\]*[^\s\"\\])?|")


def parse(text: str) -> dict[str, str]:
    """The pairs of a file; blank lines and comments are passed over, other lines are named."""
    values: dict[str, str] = {}
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            output.line(f"'{line}' does not match the pattern 'key=var', ex: MODE=test")
            continue
        values[match[1]] = unquoted(match[2])
    return values


def render(values: Mapping[str, object]) -> str:
    """The file's text, sorted by key."""
    return "".join(f"{key}={quoted(str(values[key]))}\n" for key in sorted(values))


def write(path: Path, values: Mapping[str, object]) -> None:
    """Write the file; it may hold secrets, so it is its owner's alone."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(render(values).encode())


def quoted(value: str) -> str:
    """One value as it stands after the `=`."""
    if PLAIN.fullmatch(value) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False)


def unquoted(text: str) -> str:
    """The value that stands after a `=`."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text, strict=False))
        except ValueError:
            return text[1:-1]
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    return text
