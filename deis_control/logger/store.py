"""The store of lines: one file per app, each line once. Blocking; used in one thread.

A full disk is a state, not an error: the lines wait, are not acknowledged, and are written when
there is room again.
"""

import errno
import os
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from deis_control.logger.counts import Counts, Outcome
from deis_control.logger.positions import Positions, Stream
from deis_control.logger.segments import Segments, paths, remove
from deis_node.cluster.frames import Frame, rfc3339, stored

log = structlog.get_logger()

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""Errors of the disk as a whole: they end some time, and the lines can wait for it."""


class Store:
    """The lines of all apps. Opening it raises OSError when the directory cannot be used."""

    def __init__(
        self,
        directory: Path,
        *,
        segment_bytes: int = 10_000_000,
        segments: int = 2,
        open_files: int = 256,
        counts: Counts | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        self.directory = directory
        self.segments = segments
        self.counts = counts or Counts()
        self._segment_bytes = segment_bytes
        self._open_files = open_files
        self._files: OrderedDict[str, Segments] = OrderedDict()
        self._positions = Positions(directory)
        self._refused: dict[str, list[Frame]] = {}
        self._touched: set[Stream] = set()
        self._unsynced_names = False

    @property
    def waiting(self) -> int:
        """How many lines wait for room on the disk."""
        return sum(len(frames) for frames in self._refused.values())

    def append(self, frames: Iterable[Frame]) -> None:
        """Write what is new of these frames; what the disk has no room for waits for `retry`."""
        for frame in frames:
            if self._accept(frame):
                self._refused.setdefault(frame.line.app, []).append(frame)
        self.retry()

    def retry(self) -> None:
        """Write the lines that wait."""
        for app, frames in list(self._refused.items()):
            if self._write(app, frames):
                del self._refused[app]
        if not self._refused and self._touched:
            self._positions.save(self._touched)
            self._touched.clear()

    def sync(self) -> None:
        """Flush everything written to disk; OSError when the disk fails."""
        for file in self._files.values():
            file.sync()
        if self._unsynced_names:
            self._sync_directory()

    def delete(self, app: str) -> None:
        """Forget an app's lines, and those written before now that may still come in."""
        self._refused.pop(app, None)
        if (file := self._files.pop(app, None)) is not None:
            file.remove()
        remove(paths(self.directory, app, self.segments))
        self._positions.delete(app, rfc3339(datetime.now(UTC)))

    def close(self) -> None:
        """Flush and close all files."""
        while self._files:
            self._files.popitem()[1].close()
        self._positions.close()

    def _accept(self, frame: Frame) -> bool:
        if frame.numbered:
            stream = frame.sender, frame.stream
            if not self._positions.advance(stream, frame.seq):
                self.counts.add(Outcome.REPEATED)
                return False
            self._touched.add(stream)
        if self._positions.gone(frame.line.app, frame.line.time):
            self.counts.add(Outcome.LATE)
            return False
        return True

    def _write(self, app: str, frames: list[Frame]) -> bool:
        """Write one app's lines; False when they have to wait."""
        text = "".join([stored(frame.line) + "\n" for frame in frames])
        try:
            if self._file(app).append(text.encode("utf-8", "replace")):
                self._unsynced_names = True
        except OSError as err:
            if err.errno in _DISK:
                return False
            self.counts.add(Outcome.LOST, len(frames))
            log.error("log lines lost", app=app, lines=len(frames), error=str(err))
            return True
        self.counts.add(Outcome.STORED, len(frames))
        return True

    def _file(self, app: str) -> Segments:
        """The app's open file; the one that was used longest ago is closed for it."""
        if (file := self._files.get(app)) is not None:
            self._files.move_to_end(app)
            return file
        if len(self._files) >= self._open_files:
            self._files.popitem(last=False)[1].close()
        file = Segments(self.directory, app, limit=self._segment_bytes, segments=self.segments)
        self._files[app] = file
        self._unsynced_names = True
        return file

    def _sync_directory(self) -> None:
        """Flush the names of new files to disk, too."""
        directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        self._unsynced_names = False
