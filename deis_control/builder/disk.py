"""A bare repository's files: refs read without a process, objects kept, leftovers removed.

Blocking; called in a thread. git owns the format (gitrepository-layout(5)): files are read, linked
and removed here, refs are only ever written by git itself.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path
from uuid import UUID

_SHA = 40
_STALE = 1.0
"""Seconds after which a lock file that nobody of ours holds is a dead process's: git holds one
for milliseconds."""


def repositories(root: Path) -> Set[UUID]:
    """The apps whose repositories lie in the folder."""
    found = set()
    for path in root.glob("*.git"):
        with suppress(ValueError):
            found.add(UUID(path.stem))
    return found


def read_refs(path: Path) -> Mapping[str, str]:
    """Name → object of every ref: the packed ones, then the loose ones that replace them."""
    found = dict(_packed(path / "packed-refs"))
    for file in _files(path / "refs"):
        sha = _line(file)
        if len(sha) == _SHA:
            found[file.relative_to(path).as_posix()] = sha
    return found


def tidy(path: Path) -> Mapping[str, str]:
    """Remove what processes that were killed left behind, and read the refs."""
    clear_leftovers(path)
    return read_refs(path)


def aim_head(path: Path, names: Sequence[str]) -> None:
    """Let HEAD name a branch that is there, so that a clone has something to check out."""
    head = _line(path / "HEAD").removeprefix("ref: ")
    branches = [name for name in names if name.startswith("refs/heads/")]
    if not branches or head in branches:
        return
    usual = [name for name in ("refs/heads/master", "refs/heads/main") if name in branches]
    aside = path / "HEAD.new"
    aside.write_text(f"ref: {(usual or branches)[0]}\n", encoding="utf-8")
    aside.replace(path / "HEAD")


def keep_objects(quarantine: Path, objects: Path) -> None:
    """Give the objects of a push in quarantine a second name in the repository's own store.

    An index comes after its pack, so that a reader never meets one alone; `.keep` files are git's
    own mark of the push that is under way.
    """
    files = sorted(_files(quarantine), key=lambda file: (file.suffix == ".idx", file.name))
    for file in files:
        if file.suffix == ".keep":
            continue
        target = objects / file.relative_to(quarantine)
        target.parent.mkdir(exist_ok=True)
        with suppress(FileExistsError):
            os.link(file, target)


def clear_leftovers(path: Path) -> None:
    """Remove what processes that were killed left behind: locks, and pushes in quarantine."""
    now = time.time()
    for file in (*_files(path / "refs"), *path.glob("*.lock")):
        if file.suffix == ".lock" and _age(file, now) > _STALE:
            file.unlink(missing_ok=True)
    for folder in (path / "objects").glob("*incoming-*"):
        if _age(folder, now) > _STALE:
            shutil.rmtree(folder, ignore_errors=True)


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return 0


def _packed(file: Path) -> Iterator[tuple[str, str]]:
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        sha, _, name = line.partition(" ")
        if len(sha) == _SHA and name:
            yield name, sha


def _files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            yield Path(root, name)


def _line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except FileNotFoundError:
        return ""
