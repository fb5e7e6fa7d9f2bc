"""What commands print. Piped, it is the contract's text; on a terminal it may move."""

import itertools
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

FRAMES = ("o..", ".o.", "..o")
FRAME_TIME = 0.4
"""Seconds that a frame of the spinner stands."""

WIPE = "\b\b\b"

CLEAR = "\r\033[K"
"""Empties the line that a terminal's cursor is in."""

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
"""Styles: parameters of ANSI's SGR."""

_open_line = False
_document = False


def line(text: str = "") -> None:
    """Print a line."""
    part(text + "\n")


def part(text: str) -> None:
    """Print a part of a line, at once."""
    global _open_line
    sys.stdout.write(text)
    sys.stdout.flush()
    if text:
        _open_line = not text.endswith(("\n", CLEAR))


def error(text: str) -> None:
    """Print a line on stderr; on a terminal never behind a half line of stdout."""
    if _open_line and terminal() and sys.stderr.isatty():
        line()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def error_part(text: str) -> None:
    """Print on stderr what the error's own line goes on with."""
    sys.stderr.write(text)
    sys.stderr.flush()


def document(wanted: bool) -> None:
    """Whether stdout is for a program to read, so that notices go to stderr."""
    global _document
    _document = wanted


def notice(text: str) -> None:
    """Print a line about the call itself, not of its result."""
    if _document:
        error(text)
    else:
        line(text)


def hint(text: str) -> None:
    """What to do next: for people at a terminal only."""
    if sys.stderr.isatty():
        error(styled(text, DIM))


def json(value: object) -> None:
    """Print a JSON document (`--json`)."""
    from json import dumps

    line(dumps(value, ensure_ascii=False, indent=2))


def terminal() -> bool:
    """Whether somebody looks: stdout is a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def colours() -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return terminal() and not os.environ.get("NO_COLOR")


def styled(text: str, *styles: str) -> str:
    """Text in a style, where colours are wanted."""
    return f"\033[{';'.join(styles)}m{text}\033[0m" if colours() else text


def safe(text: object) -> str:
    """Text of others: on a terminal without what could move its cursor, line ends aside."""
    if not (terminal() or sys.stderr.isatty()):
        return str(text)
    from deis_cli.deis.tables import visible

    return "\n".join(visible(part) for part in str(text).split("\n"))


def heading(text: str) -> None:
    """The `=== …` line above a list."""
    line(styled(text, BOLD))


def listing(
    title: str, plain: Iterable[str], columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """A list under its heading: the contract's lines, or a table as wide as the terminal."""
    heading(title)
    if not terminal():
        for text in plain:
            line(text)
        return
    from deis_cli.deis import tables

    head, *body = tables.layout(columns, rows, tables.terminal_width())
    if body:
        line(styled(head, DIM))
    for text in body:
        line(text)


@contextmanager
def waiting() -> Iterator[None]:
    """A spinner while something takes its time: `...`, then moving dots (cli.md section 1)."""
    part("...")
    ended = threading.Event()
    spinner = threading.Thread(target=_spin, args=(ended,), daemon=True)
    if terminal():
        spinner.start()
    try:
        yield
    finally:
        ended.set()
        if spinner.ident is not None:
            spinner.join()
        part(WIPE + ("   " + WIPE if terminal() else ""))


def _spin(ended: threading.Event) -> None:
    for frame in itertools.cycle(FRAMES):
        if ended.wait(FRAME_TIME):
            return
        part(WIPE + frame)


def padded(pairs: Mapping[str, object], extra: int) -> list[str]:
    """`key   value` lines, sorted by key, values in one column `extra` after the longest key."""
    width = max((len(key) for key in pairs), default=0) + extra
    return [f"{key:<{width}}{pairs[key]}" for key in sorted(pairs)]
