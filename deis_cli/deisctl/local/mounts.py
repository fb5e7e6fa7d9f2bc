"""Mounts below a folder, found and taken away."""

import re
from pathlib import Path

from deis_cli.deisctl.local.programs import succeeds


def mounts_below(folder: Path, mountinfo: str | None = None) -> list[Path]:
    """Every mount at or below a folder, the latest first (proc(5), /proc/<pid>/mountinfo)."""
    text = Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo
    places = [Path(_unescaped(line.split(" ")[4])) for line in text.splitlines()]
    return [place for place in reversed(places) if place.is_relative_to(folder)]


def unmount_below(folder: Path) -> None:
    """Unmount everything at or below a folder; what is busy goes as soon as it is not."""
    for place in mounts_below(folder):
        if not succeeds(["umount", str(place)]):
            succeeds(["umount", "--lazy", str(place)])


def _unescaped(text: str) -> str:
    """Blanks and backslashes are written as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
