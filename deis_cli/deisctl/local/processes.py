"""Processes that outlive whoever started them, and are found again by their pid file.

A pid file holds the pid and the process' start time, so that a pid that was handed to a
stranger after a crash or reboot is never mistaken for ours.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deis_cli.deisctl.local.errors import LocalError


@dataclass(frozen=True, slots=True)
class Process:
    """A process of ours: its pid and when it started (clock ticks after boot)."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return _start_time(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing when it has gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self, number: signal.Signals, timeout: float) -> bool:
        """Ask it to end, then make it; whether it went by itself within `timeout` seconds."""
        self.send(number)
        if wait_until(lambda: not self.alive, timeout):
            return True
        self.send(signal.SIGKILL)
        wait_until(lambda: not self.alive, 5)
        return False


def read(pid_file: Path) -> Process | None:
    """The live process that a pid file speaks of; None when there is none."""
    try:
        pid, started = pid_file.read_text().split()
        process = Process(int(pid), int(started))
    except (OSError, ValueError):
        return None
    return process if process.alive else None


def start(
    argv: Sequence[str],
    *,
    pid_file: Path,
    log: Path,
    environ: Mapping[str, str],
    cwd: Path,
) -> tuple[Process, subprocess.Popen[bytes]]:
    """Start a process in a session of its own, its output appended to `log`.

    The `Popen` is for whoever may have to reap it; dropping it harms nothing.
    """
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                cwd=cwd,
                start_new_session=True,
                close_fds=True,
            )
        except OSError as err:
            raise LocalError(f"{argv[0]} could not be started: {err.strerror}.") from err
    process = Process(child.pid, _start_time(child.pid) or 0)
    write(pid_file, process)
    return process, child


def write(pid_file: Path, process: Process) -> None:
    """Write a pid file in one step."""
    aside = pid_file.with_suffix(".new")
    aside.write_text(f"{process.pid} {process.started}\n")
    aside.replace(pid_file)


def this_process() -> Process:
    """The process that calls."""
    return Process(os.getpid(), _start_time(os.getpid()) or 0)


def wait_until(condition: Callable[[], bool], timeout: float, pause: float = 0.02) -> bool:
    """Wait until `condition` is true; False when `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for a person who asks why."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/<pid>/stat; None when the process is gone or a zombie (proc(5))."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])
