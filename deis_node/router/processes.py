"""Which processes are our nginx: looked up in /proc, by program and working folder.

Every nginx of a router runs in the router's own folder, and no other does; so its processes are
found again by whoever comes later, whether its master lives or not, and never mistaken for those
of another platform on the same machine.
"""

import os
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Found:
    """A process as /proc shows it."""

    pid: int
    parent: int
    title: str

    @property
    def is_master(self) -> bool:
        """Whether it is nginx' master."""
        return self.title.startswith("nginx: master process")

    @property
    def is_worker(self) -> bool:
        """Whether it is a worker, one that leaves included."""
        return self.title.startswith("nginx: worker process")

    @property
    def is_leaving(self) -> bool:
        """Whether it takes no new connections any more."""
        return "is shutting down" in self.title


def find(pid: int, folder: Path) -> Found | None:
    """The process, if it lives and is an nginx that runs in the folder."""
    here = _PROC / str(pid)
    try:
        program = (here / "exe").readlink().name.removesuffix(" (deleted)")
        if program != "nginx" or not (here / "cwd").samefile(folder):
            return None
        title = (here / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        # The name before it may hold blanks and brackets.
        state, parent = (here / "stat").read_text().rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else Found(pid, int(parent), title.strip())


def find_all(folder: Path) -> Iterator[Found]:
    """All nginx processes that run in the folder."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (found := find(int(entry.name), folder)):
            yield found


class Handle:
    """A hold on one process that never becomes a hold on another of the same number."""

    def __init__(self, pid: int) -> None:
        """ProcessLookupError when there is none of this number."""
        self.pid = pid
        self.fd = os.pidfd_open(pid)

    @classmethod
    def of(cls, pid: int, folder: Path) -> Self | None:
        """A hold on an nginx of the folder; None when it is none, or not any more."""
        try:
            handle = cls(pid)
        except (OSError, ValueError):
            return None
        if find(pid, folder) is None:
            handle.close()
            return None
        return handle

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return not poll.poll(0)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing when the process has ended."""
        try:
            signal.pidfd_send_signal(self.fd, number)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Let go of it."""
        os.close(self.fd)
