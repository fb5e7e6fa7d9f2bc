"""What the runner keeps on disk, so that it can start without etcd: one JSON file each.

Files are 0600, replaced in one step, and written only when their content changes.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from deis_node.cluster.records import Placement, Record, RecordError

log = structlog.get_logger()

_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True, slots=True)
class SavedState(Record):
    """What this host held of the store."""

    incarnation: str | None = None
    revision: int = 0
    broken: bool = False
    boot_id: str = ""
    """Of the boot in which it was written."""
    placements: Mapping[str, Placement] = field(default_factory=dict)
    """By container name."""
    envs: Mapping[str, str] = field(default_factory=dict)
    """`<app>/<release>` → the sealed config, as etcd holds it."""


class StateFile(Generic[_R]):
    """One record on disk. `put` says what shall stand there; `run` writes it."""

    def __init__(self, path: Path, kind: type[_R]) -> None:
        self._path = path
        self._kind = kind
        self._wanted = b""
        self._written = b""
        self._changed = asyncio.Event()
        self._writing = asyncio.Lock()

    async def load(self) -> tuple[_R | None, float]:
        """The record and its age in seconds; none when there is none that can be read."""
        try:
            content, age = await asyncio.to_thread(self._read)
        except FileNotFoundError:
            return None, 0.0
        try:
            record = self._kind.from_bytes(content)
        except RecordError as err:
            log.error("saved state is unreadable", path=str(self._path), error=str(err))
            return None, 0.0
        self._wanted = self._written = content
        return record, age

    def put(self, record: _R) -> None:
        """Have this record written soon."""
        self._wanted = record.to_bytes()
        self._changed.set()

    async def touch(self) -> None:
        """Say that the record still holds: its age starts anew."""
        if self._written:
            await asyncio.to_thread(os.utime, self._path)

    async def flush(self) -> None:
        """Write what is wanted and not yet written. OSError when the disk refuses."""
        async with self._writing:
            content = self._wanted
            if content != self._written:
                await asyncio.to_thread(self._write, content)
                self._written = content

    async def run(self) -> None:
        """Write whatever is put, for ever; what comes in while the disk is busy goes together."""
        while True:
            await self.flush()
            await self._changed.wait()
            self._changed.clear()

    def _read(self) -> tuple[bytes, float]:
        content = self._path.read_bytes()
        return content, time.time() - self._path.stat().st_mtime

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes files of mode 0600.
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
