"""The last lines of an app, found from the end and read in pieces. Blocking.

Memory does not grow with the number of lines or the size of the files, and lines that are being
written meanwhile do no harm.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from deis_control.logger.segments import paths

_PIECE = 65536


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an open file."""

    file: BinaryIO
    start: int
    end: int


class Tail:
    """The last `lines` lines of an app across its files; a context manager that keeps them open.

    Falsy when there are none.
    """

    def __init__(self, directory: Path, app: str, lines: int, segments: int) -> None:
        self._stack = ExitStack()
        self._spans = _spans(_open(paths(directory, app, segments), self._stack), lines)

    def __bool__(self) -> bool:
        return any(span.end > span.start for span in self._spans)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    def pieces(self) -> Iterator[bytes]:
        """The lines' bytes, oldest first."""
        for span in self._spans:
            for start in range(span.start, span.end, _PIECE):
                yield os.pread(span.file.fileno(), min(_PIECE, span.end - start), start)


def _open(files: list[Path], stack: ExitStack) -> list[BinaryIO]:
    """The files that exist, newest first, none twice and none missed while they are renamed."""
    opened: list[BinaryIO] = []
    for _ in range(3):
        opened = []
        for path in files:
            try:
                opened.append(stack.enter_context(path.open("rb")))
            except FileNotFoundError:
                continue
        if _is(files[0], opened):
            break
    return opened


def _is(newest: Path, opened: list[BinaryIO]) -> bool:
    """Whether the file opened first is still the newest: if so, nothing was renamed meanwhile."""
    try:
        return bool(opened) and os.path.samestat(newest.stat(), os.fstat(opened[0].fileno()))
    except FileNotFoundError:
        return not opened


def _spans(files: list[BinaryIO], lines: int) -> list[Span]:
    spans: list[Span] = []
    for file in files:
        if lines <= 0:
            break
        start, end, found = _last_lines(file.fileno(), lines)
        spans.insert(0, Span(file, start, end))
        lines -= found
    return spans


def _last_lines(file: int, lines: int) -> tuple[int, int, int]:
    """Where the last lines start, where the last whole one ends, and how many there are."""
    position = os.fstat(file).st_size
    end = -1
    count = 0
    while position:
        start = max(0, position - _PIECE)
        piece = os.pread(file, position - start, start)
        at = len(piece)
        while (at := piece.rfind(b"\n", 0, at)) >= 0:
            if end < 0:
                end = start + at + 1
            elif (count := count + 1) == lines:
                return start + at + 1, end, count
        position = start
    return (0, end, count + 1) if end > 0 else (0, 0, 0)
