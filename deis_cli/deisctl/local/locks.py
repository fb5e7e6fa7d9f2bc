"""Locks between processes of this machine, held by a folder that is there anyway."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from deis_cli.deisctl.local.errors import LocalError


@contextlib.contextmanager
def locked(folder: Path, timeout: float = 30) -> Iterator[None]:
    """Be the only one that holds this folder's lock; LocalError after `timeout` seconds."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    deadline = time.monotonic() + timeout
    try:
        while not _lock(handle):
            if time.monotonic() > deadline:
                raise LocalError(f"Another command has held the lock of {folder} for too long.")
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
