"""Control groups by their file system, as version 1, version 2, or both mounted side by side.

A home's Docker Engine and all it starts live in one group, so that `down` finds every process:
a container's shim leaves its parent, its session and its process group, but never its group.
A name is a path below the root of each hierarchy, such as `deis-1a2b3c/engine`.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = "/sys/fs/cgroup"
_INHERITED = ("cpuset.cpus", "cpuset.mems")
"""Files that version 1 leaves empty in a new group, which then takes no process."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted tree of control groups."""

    path: Path
    version: int

    def group(self, name: str) -> Path:
        """The folder of a group in this tree."""
        return self.path / name


def hierarchies(mounts: str | None = None) -> tuple[Hierarchy, ...]:
    """The trees of this machine, read from the text of /proc/self/mounts."""
    text = Path("/proc/self/mounts").read_text() if mounts is None else mounts
    found = []
    for line in text.splitlines():
        _, place, kind, *_ = line.split(" ")
        inside = place == _ROOT or place.startswith(_ROOT + "/")
        if inside and kind in ("cgroup", "cgroup2"):
            found.append(Hierarchy(Path(place), 2 if kind == "cgroup2" else 1))
    return tuple(found)


def cgroup_enter(name: str) -> None:
    """Put the calling process into a group of every hierarchy; groups are made as needed."""
    for hierarchy in hierarchies():
        group = hierarchy.group(name)
        _make(hierarchy, group)
        (group / "cgroup.procs").write_text("0")


def cgroup_pids(name: str) -> frozenset[int]:
    """Every process in a group or below it, in any hierarchy."""
    return frozenset(pid for hierarchy in hierarchies() for pid in _pids(hierarchy.group(name)))


def cgroup_remove(name: str, *, timeout: float = 5) -> bool:
    """Remove a group and those below it everywhere; False when one is still in use.

    The kernel needs a moment after the last process has gone, hence the seconds.
    """
    deadline = time.monotonic() + timeout
    while left := [group for group in _groups(name) if not _removed(group)]:
        if time.monotonic() > deadline or cgroup_pids(name):
            return not left
        time.sleep(0.02)
    return True


def cgroup_freeze(name: str, *, frozen: bool, timeout: float = 5) -> bool:
    """Stop every process of a group and below it, or let them go on; whether that was done.

    Frozen processes keep their connections and their memory, and do not even die of a signal
    (version 1) until they go on.
    """
    switch = _freezer(name)
    if switch is None:
        return False
    file, words = switch
    deadline = time.monotonic() + timeout
    file.write_text(words[frozen])
    while cgroup_frozen(name) is not frozen:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def cgroup_frozen(name: str) -> bool:
    """Whether a group's processes are all stopped."""
    switch = _freezer(name)
    if switch is None:
        return False
    file, words = switch
    if file.name == "freezer.state":
        return file.read_text().strip() == words[True]
    return "frozen 1" in (file.parent / "cgroup.events").read_text()


def _freezer(name: str) -> tuple[Path, tuple[str, str]] | None:
    """The file that freezes a group, and its words for going on and for frozen."""
    files = (
        ("freezer.state", ("THAWED", "FROZEN")),
        ("cgroup.freeze", ("0", "1")),
    )
    for file, words in files:
        for hierarchy in hierarchies():
            if (hierarchy.group(name) / file).exists():
                return hierarchy.group(name) / file, words
    return None


def _make(hierarchy: Hierarchy, group: Path) -> None:
    """Make a group and those above it; version 1 wants the parent's processors and memory."""
    if group == hierarchy.path:
        return
    _make(hierarchy, group.parent)
    group.mkdir(exist_ok=True)
    for name in _INHERITED:
        own = group / name
        if hierarchy.version == 1 and own.exists() and not own.read_text().strip():
            own.write_text((group.parent / name).read_text())


def _groups(name: str) -> list[Path]:
    """The group's folder in every hierarchy where it exists, the innermost first."""
    return [
        Path(folder)
        for hierarchy in hierarchies()
        for folder, _, _ in os.walk(hierarchy.group(name), topdown=False)
    ]


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _pids(group: Path) -> Iterator[int]:
    for folder, _, _ in os.walk(group):
        try:
            text = (Path(folder) / "cgroup.procs").read_text()
        except OSError:
            continue  # The group went away meanwhile, or takes threads only.
        yield from map(int, text.split())
