"""One app's log on disk: an append-only file, put aside by size. Blocking; used in one thread.

`hello.log` is written to; `hello.log.1` is the one before it, and so on.
"""

import contextlib
import os
from pathlib import Path

_MODE = 0o640


def paths(directory: Path, app: str, segments: int) -> list[Path]:
    """The files of an app that may exist, newest first. The app's id was checked before."""
    newest = directory / f"{app}.log"
    return [newest, *(directory / f"{app}.log.{number}" for number in range(1, segments))]


class Segments:
    """The files of one app, open for appending. Raises OSError as the system does."""

    def __init__(self, directory: Path, app: str, *, limit: int, segments: int) -> None:
        self._paths = paths(directory, app, segments)
        self._limit = limit
        self._file = -1
        self.dirty = False
        """Whether something was written that has not been flushed to disk."""
        self._open()

    def append(self, data: bytes) -> bool:
        """Write whole lines; after an error the file is as it was before.

        True when a new file was begun, whose name is not on disk yet.
        """
        fresh = bool(self._size) and self._size + len(data) > self._limit
        if fresh:
            self._put_aside()
        if self._file < 0:
            self._open()
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)
        self.dirty = True
        return fresh

    def sync(self) -> None:
        """Flush to disk what was written."""
        if self.dirty:
            os.fdatasync(self._file)
            self.dirty = False

    def close(self) -> None:
        """Flush and close."""
        try:
            self.sync()
        finally:
            self._close()

    def remove(self) -> None:
        """Close and delete all files of the app."""
        self._close()
        remove(self._paths)

    def _close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.open(self._paths[0], flags, _MODE)
        size = os.fstat(self._file).st_size
        self._size = _whole(self._file, size)
        if self._size < size:
            os.ftruncate(self._file, self._size)

    def _put_aside(self) -> None:
        """Rename the files by one; the next write begins a new one."""
        self.close()
        self._size = 0
        for older, newer in zip(self._paths[:0:-1], self._paths[-2::-1], strict=True):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
        if len(self._paths) == 1:
            self._paths[0].unlink(missing_ok=True)


def remove(files: list[Path]) -> None:
    """Delete the files that exist."""
    for path in files:
        path.unlink(missing_ok=True)


def _whole(file: int, size: int) -> int:
    """The size up to the last line end: a line torn by a crash was never acknowledged."""
    end = size
    while end:
        start = max(0, end - 65536)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
