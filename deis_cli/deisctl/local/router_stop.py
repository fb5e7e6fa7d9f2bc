"""A home's nginx, which outlives the agent that started it: found by its folder, and ended."""

import contextlib
import os
import signal
from pathlib import Path

from deis_cli.deisctl.local.processes import wait_until

QUIT_TIMEOUT = 5.0
"""Seconds in which requests in flight may end."""


def stop_router(state_dir: Path) -> None:
    """End every nginx that works in the folder of this agent's state: gracefully, then at once."""
    folder = router_folder(state_dir)
    for number, timeout in ((signal.SIGQUIT, QUIT_TIMEOUT), (signal.SIGKILL, QUIT_TIMEOUT)):
        for pid in find(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_until(lambda: not find(folder), timeout):
            return


def router_folder(state_dir: Path) -> Path:
    """Where nginx works, below the agent's state."""
    return state_dir / "router" / "nginx"


def find(folder: Path) -> list[int]:
    """Pids of the nginx processes whose working directory is the folder."""
    pids = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            works_there = (entry / "cwd").readlink() == folder
            program = (entry / "exe").readlink().name
        except OSError:
            continue
        if works_there and program.startswith("nginx"):
            pids.append(int(entry.name))
    return pids


def master(folder: Path) -> int | None:
    """The pid of nginx' master, as it wrote it itself; None when that one is gone."""
    try:
        pid = int((folder / "nginx.pid").read_text())
    except (OSError, ValueError):
        return None
    return pid if pid in find(folder) else None
