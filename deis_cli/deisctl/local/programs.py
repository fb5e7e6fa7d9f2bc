"""Programs of the machine, run to their end from argument lists."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deis_cli.deisctl.local.errors import LocalError


def run(argv: Sequence[str], *, timeout: float = 10, stdin: str = "") -> str:
    """Run a program and give its output; LocalError with its last words when it fails."""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
    except OSError as err:
        raise LocalError(f"{argv[0]} could not be started: {err.strerror}.") from err
    except subprocess.TimeoutExpired as err:
        raise LocalError(f"`{' '.join(argv)}` was not done in {timeout:g} s.") from err
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}"
        raise LocalError(f"`{' '.join(argv)}` failed: {said}")
    return done.stdout


def output_of(argv: Sequence[str]) -> str:
    """What a program that may fail printed; empty when it failed."""
    try:
        return run(argv)
    except LocalError:
        return ""


def succeeds(argv: Sequence[str]) -> bool:
    """Whether a program that may fail ended with status 0."""
    try:
        run(argv)
    except LocalError:
        return False
    return True


def this_venv() -> Path:
    """The virtual environment that we run from, which has our commands."""
    return Path(sys.prefix)
