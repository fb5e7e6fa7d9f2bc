"""What must hold before anything is changed: each failure is one sentence that says what to do."""

import os
import shutil
import sys
from pathlib import Path

from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.home import is_free
from deis_cli.deisctl.local.sites import MOST_HOSTS

NEEDED_SPACE = 3 * 1024**3
"""Bytes that a platform with a few images and their builds fills."""

OTHERS_MAY_ENTER = 0o001


def check_machine(home: Path, *, new: bool) -> None:
    """Root and Debian 12; for a new home also space, and that PostgreSQL's user can reach it.

    A home that is there already must come up again however full the disk has become.
    """
    if os.geteuid() != 0:
        raise LocalError("This needs root: run it again with sudo.")
    if "bookworm" not in _os_release():
        raise LocalError("This runs on Debian 12 (bookworm) only: use a machine or VM with it.")
    if not home.is_absolute():
        raise LocalError(f"--home must be an absolute path, not {home}.")
    if new:
        check_space(home)
        _check_reachable(home)


def check_space(home: Path) -> None:
    """LocalError when the file system of the home has too little room."""
    free = shutil.disk_usage(_nearest(home)).free
    if free < NEEDED_SPACE:
        raise LocalError(
            f"Only {free / 1024**3:.1f} GB are free below {_nearest(home)}, 3 GB are needed: "
            "free some space or choose another --home."
        )


def check_port(port: int, option: str) -> None:
    """LocalError when a port that the user asked for cannot be listened on."""
    if not 1 <= port <= 65535:
        raise LocalError(f"{option} must be between 1 and 65535, not {port}.")
    if not is_free(port):
        raise LocalError(f"Port {port} is taken by another program: choose one with {option} N.")


def check_hosts(hosts: int, docker_host: str) -> None:
    """LocalError for a number of hosts that cannot be made."""
    if not 1 <= hosts <= MOST_HOSTS:
        raise LocalError(f"--hosts must be between 1 and {MOST_HOSTS}, not {hosts}.")
    if hosts > 1 and docker_host:
        raise LocalError("Each of several hosts has its own Docker Engine: drop --docker-host.")


def check_swarm(hosts: int) -> None:
    """LocalError for a Docker Swarm that cannot be made."""
    if hosts == 1:
        raise LocalError("A Docker Swarm needs several hosts: add --hosts 3.")


def check_kept_port(port: int) -> None:
    """LocalError when a port that the home was made with is somebody else's now."""
    if not is_free(port):
        raise LocalError(
            f"Port {port}, which this home was made with, is taken by another program: end that "
            "one and run this again."
        )


def _check_reachable(home: Path) -> None:
    """PostgreSQL refuses to run as root, so its own user must get to its folder."""
    nearest = _nearest(home)
    for folder in (nearest, *nearest.parents):
        if not folder.stat().st_mode & OTHERS_MAY_ENTER:
            raise LocalError(
                f"{folder} may be entered by its owner only, but PostgreSQL's user must get "
                "through: choose a --home elsewhere, for example below /var/lib."
            )


def _nearest(path: Path) -> Path:
    """The path itself or its nearest parent that exists."""
    while not path.exists():
        path = path.parent
    return path


def _os_release() -> str:
    if sys.platform != "linux":
        return ""
    try:
        return Path("/etc/os-release").read_text()
    except OSError:
        return ""
