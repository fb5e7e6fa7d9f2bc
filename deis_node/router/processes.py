"""Which processes are our nginx: looked up in /proc, by program and working folder.

Every nginx of a router runs in the router's own folder, and no other does; so its processes are
found again by whoever comes later, whether its master lives or not, and never mistaken for those
of another platform on the same machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deis_node.runtime.handle import Handle

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


def hold(pid: int, folder: Path) -> Handle | None:
    """A hold on an nginx of the folder; None when it is none, or not any more."""
    return Handle.of(pid, lambda pid: find(pid, folder) is not None)
