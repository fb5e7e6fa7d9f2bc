"""What commands print. Piped, it is the contract's text; on a terminal it may move."""

import itertools
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

FRAMES = ("o..", ".o.", "..o")
FRAME_TIME = 0.4
"""Seconds that a frame of the spinner stands."""

WIPE = "\b\b\b"


def line(text: str = "") -> None:
    """Print a line."""
    part(text + "\n")


def part(text: str) -> None:
    """Print a part of a line, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def error(text: str) -> None:
    """Print a line on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def waiting() -> Iterator[None]:
    """A spinner while something takes its time: `...`, then moving dots (cli.md section 1)."""
    part("...")
    ended = threading.Event()
    spinner = threading.Thread(target=_spin, args=(ended,), daemon=True)
    if sys.stdout.isatty():
        spinner.start()
    try:
        yield
    finally:
        ended.set()
        if spinner.ident is not None:
            spinner.join()
        part(WIPE)


def _spin(ended: threading.Event) -> None:
    for frame in itertools.cycle(FRAMES):
        if ended.wait(FRAME_TIME):
            return
        part(WIPE + frame)


def padded(pairs: Mapping[str, object], extra: int) -> list[str]:
    """`key   value` lines, sorted by key, values in one column `extra` after the longest key."""
    width = max((len(key) for key in pairs), default=0) + extra
    return [f"{key:<{width}}{pairs[key]}" for key in sorted(pairs)]
