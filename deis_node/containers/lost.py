"""Processes of a container that its Docker Engine knows nothing of.

An engine that is killed while it starts a container takes it afterwards for one that was never
started, yet its processes run. It can neither start it ("id already in use") nor stop it, removes
no more than its record, and gives its address to another container, whose requests the lost one
then answers. So they are ended before such a container is started again or removed (`end_lost`),
and those are looked for whose record is gone already (`end_unknown`).

They are found by their control group: its name has the container's id, in both versions and with
both drivers of the engine (`/docker/<id>`, `/system.slice/docker-<id>.scope`). That they are this
engine's is known by the files that it mounts into each of its containers, from a folder of its own.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from deis_node.docker.client import Docker

log = structlog.get_logger()

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_PATIENCE = 5.0
"""Seconds for killed processes to be gone; one that waits for a disk may take longer."""
_STEP = 0.01


async def end_lost(container: str) -> bool:
    """Kill whatever runs of a container that the engine says is down; whether anything did."""
    # A name or the beginning of an id might be part of somebody else's.
    if not _ID.fullmatch(container):
        return False
    return await asyncio.to_thread(_end, container)


async def end_unknown(docker: Docker) -> None:
    """Kill what runs in containers of this engine that it has no record of; Unavailable."""
    found = await asyncio.to_thread(_by_container)
    # In this order: a container has its record before it starts, and until after it has ended.
    known = {container.id for container in await docker.list({})}
    unknown = {id: pid for id, pid in found.items() if id not in known}
    if unknown:
        root = Path((await docker.info()).root)
        for container in await asyncio.to_thread(_of_engine, root, unknown):
            await end_lost(container)


def _by_container() -> dict[str, int]:
    """Id → pid of a process, of every container of this machine, whoever's it is."""
    found: dict[str, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The last one: a container may run containers.
                for container in _ID.findall((entry / "cgroup").read_text())[-1:]:
                    found[container] = int(entry.name)
    return found


def _of_engine(root: Path, pids: Mapping[str, int]) -> list[str]:
    """Those containers that an engine with this folder made; `pids` has a process of each."""
    try:
        device = root.stat().st_dev
    except OSError:
        return []
    place = f"{os.major(device)}:{os.minor(device)}", within_device(root, _mounts("self"))
    return [id for id, pid in pids.items() if is_made_from(*place, id, _mounts(str(pid)))]


def _mounts(process: str) -> str:
    try:
        return Path("/proc", process, "mountinfo").read_text()
    except OSError:
        return ""


def within_device(folder: Path, mounts: str) -> str:
    """Where a folder is in its file system, by the text of /proc/self/mountinfo. PURE."""
    best, found = -1, str(folder)
    for line in mounts.splitlines():
        _, _, _, inside, place, *_ = line.split(" ")
        if folder.is_relative_to(place) and len(place) >= best:
            best, found = len(place), str(Path(inside) / folder.relative_to(place))
    return found


def is_made_from(device: str, folder: str, container: str, mounts: str) -> bool:
    """Whether one of a process's mounts is a container's file in an engine's folder. PURE.

    `device` is `<major>:<minor>`, `folder` as `within_device` gives it, `mounts` the text of
    /proc/<pid>/mountinfo: proc_pid_mountinfo(5), whose third and fourth words are those two.
    """
    own = f"{Path(folder) / 'containers' / container}/"
    words = (line.split(" ") for line in mounts.splitlines())
    return any(each[2] == device and each[3].startswith(own) for each in words)


def _end(container: str) -> bool:
    found, deadline = False, time.monotonic() + _PATIENCE
    while pids := list(processes(container)):
        if not found:
            log.warning("the engine has lost a container that runs", id=container, pids=pids)
        found = True
        for pid in pids:  # Again each time: one may have made another meanwhile.
            _kill(pid, container)
        if time.monotonic() > deadline:
            log.error("processes of a lost container stay", id=container, pids=pids)
            break
        time.sleep(_STEP)
    return found


def processes(container: str) -> Iterator[int]:
    """The pids of all that runs in a container's control group, or in one below it."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _belongs(int(entry.name), container):
            yield int(entry.name)


def _belongs(pid: int, container: str) -> bool:
    here = Path("/proc", str(pid))
    try:
        if container not in (here / "cgroup").read_text():
            return False
        return (here / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _kill(pid: int, container: str) -> None:
    with suppress(OSError):
        process = os.pidfd_open(pid)
        try:
            # By now the number may be another process's; what the descriptor means stays.
            if _belongs(pid, container):
                signal.pidfd_send_signal(process, signal.SIGKILL)
        finally:
            os.close(process)
