"""The end of a home's Docker Engine: every process, mount, socket, group, and its network."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

from deis_cli.deisctl.local.cgroups import cgroup_pids, cgroup_remove
from deis_cli.deisctl.local.engine_layout import EngineLayout
from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.mounts import unmount_below
from deis_cli.deisctl.local.processes import wait_until

SHARED = ("/run/containerd/s", "/run/containerd", "/run/docker/plugins", "/run/docker")
"""Folders that both programs make whatever their settings; removed when nobody has files there."""

KILL_TIMEOUT = 10.0
"""Seconds until a killed process must be gone."""


def teardown(where: EngineLayout, *, grace: float = 10) -> None:
    """Leave nothing of the engine but its images, stopped containers and settings.

    Containers that still run get SIGTERM and `grace` seconds. Nothing need be running; what is
    gone already is left alone. LocalError names what could not be ended.
    """
    _stop_containers(where.containers_cgroup, grace)
    _end(where.engine_cgroup, signal.SIGTERM, grace)
    if not _end(where.cgroup, signal.SIGKILL, KILL_TIMEOUT):
        left = ", ".join(map(str, sorted(cgroup_pids(where.cgroup))))
        raise LocalError(f"These processes of the Docker Engine cannot be ended: {left}.")
    _remove_shim_sockets(where)
    for folder in (where.exec_root, where.data_root, where.containerd_root):
        unmount_below(folder)
    shutil.rmtree(where.exec_root, ignore_errors=True)
    for file in (where.socket, where.pid_file, where.run / "docker.boot"):
        file.unlink(missing_ok=True)
    if not where.run.is_relative_to(where.home):
        shutil.rmtree(where.run, ignore_errors=True)
    for shared in SHARED:
        with contextlib.suppress(OSError):
            Path(shared).rmdir()
    cgroup_remove(where.cgroup)
    where.network.remove()


def _stop_containers(group: str, grace: float) -> None:
    """Ask the first process of each container to end; what comes after may be killed."""
    for pid in cgroup_pids(group):
        if _is_first(pid):
            _send(pid, signal.SIGTERM)
    wait_until(lambda: not cgroup_pids(group), grace)


def _end(group: str, number: signal.Signals, timeout: float) -> bool:
    """Signal all processes of a group until none is left; whether none is."""

    def empty() -> bool:
        pids = cgroup_pids(group)
        if number == signal.SIGKILL:
            for pid in pids:  # Again each time: one may have made another meanwhile.
                _send(pid, number)
        return not pids

    for pid in cgroup_pids(group):
        _send(pid, number)
    return wait_until(empty, timeout)


def _is_first(pid: int) -> bool:
    """Whether a process is number 1 in a pid namespace of its own (proc(5), NSpid)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    numbers = next((line for line in status.splitlines() if line.startswith("NSpid:")), "").split()
    return len(numbers) > 2 and numbers[-1] == "1"


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _remove_shim_sockets(where: EngineLayout) -> None:
    """A killed shim leaves its socket outside the home; its bundle says where."""
    for note in where.containerd_state.glob("io.containerd.runtime.v2.task/*/*/address"):
        socket = Path(note.read_text().removeprefix("unix://"))
        if socket.is_absolute():
            socket.unlink(missing_ok=True)
