"""The resident supervisor: starts the components, watches them, starts again what ended.

All of them outlive it: each runs in a session of its own and is adopted again by its pid file.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import structlog

from deis_cli.deisctl.local import processes
from deis_cli.deisctl.local.components import (
    Component,
    base_environment,
    own_environment,
    pid_file,
)
from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.home import Home
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

PID_NAME = "supervisor"
LOG_LIMIT = 50 * 1024**2
"""Bytes of a component's log; one predecessor is kept."""

LOG_LOOK = 60.0

OFF_LOOK = 0.2
"""Seconds between two looks whether a host that has no power got it back."""

STEADY = 10.0
"""Seconds that a component must run before its back-off starts afresh."""


class Supervisor:
    """Keeps every component of one home running until it is told to end."""

    def __init__(self, home: Home, components: Sequence[Component]) -> None:
        self._home = home
        self._components = components
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set; the components are left running."""
        lock = lock_home(self._home, PID_NAME)
        if lock is None:
            raise LocalError(f"Another supervisor already runs for {self._home.root}.")
        with lock:
            processes.write(pid_file(self._home, PID_NAME), processes.this_process())
            async with asyncio.TaskGroup() as group:
                watchers = [
                    group.create_task(self._keep(component), name=f"keep {component.name}")
                    for component in self._components
                ]
                watchers.append(group.create_task(self._trim_logs(), name="trim logs"))
                await stop.wait()
                for watcher in watchers:
                    watcher.cancel()

    async def _trim_logs(self) -> None:
        """Bound each log: what has grown too long becomes its own predecessor."""
        while True:
            for component in self._components:
                await asyncio.to_thread(trim, self._home.log_of(component.name))
            await asyncio.sleep(LOG_LOOK)

    async def _keep(self, component: Component) -> None:
        """Start a component, wait for its end, start it again; adopt one that runs."""
        backoff = Backoff(initial=0.05, maximum=5.0)
        while True:
            if not component.wanted():
                backoff.reset()
                await asyncio.sleep(OFF_LOOK)
                continue
            began = time.monotonic()
            process = processes.read(pid_file(self._home, component.name))
            if process is None:
                process = await asyncio.to_thread(self._start, component)
            if process is not None:
                await _ended(process.pid)
                self._reap(component.name)
                log.warning("component ended", component=component.name, pid=process.pid)
            if time.monotonic() - began > STEADY:
                backoff.reset()
            await backoff.wait()

    def _start(self, component: Component) -> processes.Process | None:
        try:
            with component.starting():
                if not component.wanted():
                    return None
                component.prepare()
                process, child = processes.start(
                    component.argv,
                    pid_file=pid_file(self._home, component.name),
                    log=self._home.log_of(component.name),
                    environ={
                        **base_environment(),
                        **component.environ,
                        **own_environment(self._home, component.name),
                    },
                    cwd=self._home.root,
                )
        except Exception as err:  # noqa: BLE001 - one component's trouble must not end the others
            log.error("component not started", component=component.name, reason=str(err))
            return None
        self._children[component.name] = child
        log.info("component started", component=component.name, pid=process.pid)
        return process

    def _reap(self, name: str) -> None:
        child = self._children.pop(name, None)
        if child is not None:
            child.poll()


async def _ended(pid: int) -> None:
    """Wait until a process has ended, whoever its parent is (pidfd_open(2))."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(handle, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def trim(log: Path) -> None:
    """Copy a log that is too long aside and empty it; its writer appends, so it goes on."""
    try:
        if log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
    except OSError:
        return


def lock_home(home: Home, name: str) -> IO[str] | None:
    """Take one of the home's locks; None when another process holds it."""
    handle = (home.run / f"{name}.lock").open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


def start_resident(home: Home, program: Path) -> processes.Process:
    """Start the supervisor as a process of its own, unless one runs already."""
    running = processes.read(pid_file(home, PID_NAME))
    if running is not None:
        return running
    process, _ = processes.start(
        [str(program), "local", "supervise", "--home", str(home.root)],
        pid_file=pid_file(home, PID_NAME),
        log=home.log_of(PID_NAME),
        environ=base_environment(),
        cwd=home.root,
    )
    return process


def stop_resident(home: Home) -> None:
    """End the supervisor; what it started goes on."""
    running = processes.read(pid_file(home, PID_NAME))
    if running is not None:
        running.stop(signal.SIGTERM, 10)
    pid_file(home, PID_NAME).unlink(missing_ok=True)
