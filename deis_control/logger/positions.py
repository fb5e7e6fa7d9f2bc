"""What the store remembers besides the lines: how far each stream came, and which apps are gone.

A sender sends again what was not acknowledged, and the stream's last number tells what of it is
here already. The memory is a file that is appended to right after the lines, so it survives a
crash of this process. It is not flushed to disk, so after a crash of the machine it may say more
than the lines do; therefore numbers from before the machine's boot are not believed, and lines
may then come twice. The oldest streams are forgotten beyond a bound, with the same effect.

Blocking; used in one thread.
"""

import os
from collections import OrderedDict
from pathlib import Path

import structlog

log = structlog.get_logger()

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FILE = ".positions"
_COMPACT_BYTES = 1 << 20

Stream = tuple[str, str]
"""Sender and stream of a frame."""


class Positions:
    """The last number of each stream and the time at which apps were deleted."""

    def __init__(self, directory: Path, *, streams: int = 16384, apps: int = 4096) -> None:
        self._path = directory / _FILE
        self._limits = streams, apps
        self._numbers: OrderedDict[Stream, int] = OrderedDict()
        self._deleted: OrderedDict[str, str] = OrderedDict()
        self._boot = _BOOT_ID.read_text(encoding="ascii").strip()
        self._load()
        self._file = -1
        self._compact()

    def advance(self, stream: Stream, seq: int) -> bool:
        """Whether the number is new for its stream; if so it is the last one from now on."""
        if seq <= self._numbers.get(stream, 0):
            return False
        self._numbers[stream] = seq
        self._numbers.move_to_end(stream)
        if len(self._numbers) > self._limits[0]:
            self._numbers.popitem(last=False)
        return True

    def gone(self, app: str, time: str) -> bool:
        """Whether a line of this time (RFC 3339, UTC) is from before the app's deletion."""
        return bool(self._deleted) and time <= self._deleted.get(app, "")

    def delete(self, app: str, time: str) -> None:
        """The app was deleted now: its older lines that still come in belong to nobody."""
        self._deleted[app] = time
        self._deleted.move_to_end(app)
        if len(self._deleted) > self._limits[1]:
            self._deleted.popitem(last=False)
        self._append(f"D {time} {app}\n")

    def save(self, streams: set[Stream]) -> None:
        """Note how far these streams have been written."""
        self._append("".join(self._entry(stream) for stream in streams if stream in self._numbers))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _entry(self, stream: Stream) -> str:
        return f"P {self._numbers[stream]} {stream[0]} {stream[1]}\n"

    def _append(self, text: str) -> None:
        """Add entries. A full disk costs at most lines that come twice after a crash."""
        try:
            os.write(self._file, text.encode())
            if os.fstat(self._file).st_size > max(_COMPACT_BYTES, 2 * self._compacted):
                self._compact()
        except OSError as err:
            log.warning("log positions are not saved", error=str(err))

    def _load(self) -> None:
        try:
            boot, *entries = self._path.read_text("utf-8", "replace").split("\n")
        except FileNotFoundError:
            return
        for entry in entries:
            match entry.split(" "):
                case ["D", time, app]:
                    self._deleted[app] = time
                case ["P", seq, sender, stream] if boot == self._boot and seq.isdecimal():
                    self.advance((sender, stream), int(seq))

    def _compact(self) -> None:
        """Write the file anew, with one entry each."""
        lines = [f"{self._boot}\n"]
        lines += [f"D {time} {app}\n" for app, time in self._deleted.items()]
        lines += [self._entry(stream) for stream in self._numbers]
        fresh = self._path.with_suffix(".new")
        fresh.write_text("".join(lines), "utf-8")
        fresh.replace(self._path)
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._compacted = os.fstat(self._file).st_size
