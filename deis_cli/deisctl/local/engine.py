"""The Docker Engine of a local platform: its folders, its command lines, its beginning and end.

It runs in the home's network namespace (`network.py`) and control group (`cgroups.py`) and has
containerd as a process beside it: an engine that is given no containerd takes the machine's own
when there is one, and then its containers would live in somebody else's control group.
The machine's /etc/docker/daemon.json is not read. Containers outlive both processes, unless the
engine is a node of a Docker Swarm.
"""

import http.client
import json
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from deis_cli.deisctl.local.engine_layout import (
    SWARM,
    EngineLayout,
    docker_url,
    layout,
)
from deis_cli.deisctl.local.engine_teardown import teardown
from deis_cli.deisctl.local.locks import locked

__all__ = [
    "EngineLayout",
    "answers",
    "argv",
    "connected",
    "containerd_answers",
    "containerd_argv",
    "docker_url",
    "dockerd",
    "in_group",
    "layout",
    "prepare",
    "teardown",
]


def containerd_argv(where: EngineLayout) -> list[str]:
    """The command line that becomes containerd, in the home's control group."""
    program = where.network.enter(["containerd", "--config", str(where.containerd_config)])
    return in_group(where.engine_cgroup, program)


def argv(where: EngineLayout) -> list[str]:
    """The command line that becomes dockerd; containerd must be started as well, in any order."""
    kind = [SWARM] if where.swarm else []
    return _module("engine_start", str(where.home), *where.network.words, *kind)


def dockerd(where: EngineLayout) -> list[str]:
    """The command line of dockerd itself, in the home's network namespace."""
    own = where.network
    return own.enter(
        [
            *("dockerd", "--config-file", str(where.config_file)),
            *("--data-root", str(where.data_root), "--exec-root", str(where.exec_root)),
            *("--host", docker_url(where), "--group", "root", "--pidfile", str(where.pid_file)),
            *("--containerd", str(where.containerd_socket)),
            *("--bip", str(own.bridge_address), "--ip", str(own.host_address.ip)),
            # A node of a Swarm cannot have it: its containers end with the engine.
            *([] if where.swarm else ["--live-restore"]),
            "--userland-proxy=false",
            *("--exec-opt", "native.cgroupdriver=cgroupfs"),
            *("--cgroup-parent", f"/{where.containers_cgroup}"),
            *("--log-driver", "json-file"),
            *("--log-opt", "max-size=10m", "--log-opt", "max-file=2"),
            *("--log-level", "warn", "--raw-logs"),
        ]
    )


def prepare(where: EngineLayout) -> None:
    """Make what both processes need: network, folders, settings; again and again if you like.

    What an earlier boot left in the run folder is removed. LocalError.
    """
    with locked(where.home):
        where.network.ensure()
        _forget_other_boot(where)
        for folder in (where.data_root, where.containerd_root, where.containerd_state):
            folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        _write(where.config_file, "{}\n")
        _write(where.containerd_config, containerd_settings(where))
        if not _is_engine(where):
            where.pid_file.unlink(missing_ok=True)


def containerd_settings(where: EngineLayout) -> str:
    """The configuration file of containerd: its folders, its socket, and no Kubernetes."""
    # A JSON string is a TOML string.
    return (
        "version = 2\n"
        f"root = {json.dumps(str(where.containerd_root))}\n"
        f"state = {json.dumps(str(where.containerd_state))}\n"
        'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
        "[grpc]\n"
        f"address = {json.dumps(str(where.containerd_socket))}\n"
        "[debug]\n"
        'level = "warn"\n'
    )


def answers(where: EngineLayout) -> bool:
    """Whether the engine answers; quick, and never raises."""
    connection = http.client.HTTPConnection("docker", timeout=2)
    connection.sock = connected(where.socket)
    if connection.sock is None:
        return False
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def containerd_answers(where: EngineLayout) -> bool:
    """Whether containerd takes connections."""
    found = connected(where.containerd_socket)
    if found is None:
        return False
    found.close()
    return True


def in_group(group: str, program: Sequence[str]) -> list[str]:
    """The command line that becomes a program inside a control group."""
    return _module("enter", group, *program)


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"deis_cli.deisctl.local.{name}", *arguments]


def _forget_other_boot(where: EngineLayout) -> None:
    """Remove the state of running containers when the machine has booted since."""
    this_boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    marker = where.run / "docker.boot"
    if not marker.exists() or marker.read_text() != this_boot:
        shutil.rmtree(where.exec_root, ignore_errors=True)
        for stale in (where.pid_file, where.socket):
            stale.unlink(missing_ok=True)
        where.run.mkdir(parents=True, exist_ok=True)
        marker.write_text(this_boot)


def _write(file: Path, text: str) -> None:
    """Write a file unless it says so already; who reads it sees the old text or the new."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text() != text:
        aside = file.with_suffix(".new")
        aside.write_text(text)
        aside.replace(file)


def _is_engine(where: EngineLayout) -> bool:
    """Whether the pid file names an engine of this home; it refuses to start if any lives."""
    try:
        pid = int(where.pid_file.read_text())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    return str(where.data_root).encode() in arguments


def connected(path: Path, timeout: float = 2) -> socket.socket | None:
    """A connection to a unix socket; None when nobody listens. `timeout` is for each answer."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(timeout)
    try:
        stream.connect(str(path))
    except OSError:
        stream.close()
        return None
    return stream
