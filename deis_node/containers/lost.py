"""Processes of a container that its Docker Engine knows nothing of.

An engine that is killed while it starts a container takes it afterwards for one that was never
started, yet its processes run. It can neither start it ("id already in use") nor stop it, removes
no more than its record, and gives its address to another container, whose requests the lost one
may then answer. So they are ended before such a container is started again or removed (`end_lost`),
and those are looked for whose record is gone already (`end_unknown`). Not before every removal:
each look reads every process of the machine, a few hundredths of a millisecond each.

They are found by their control group: its name has the container's id, in both versions and with
both drivers of the engine (`/docker/<id>`, `/system.slice/docker-<id>.scope`). That they are this
engine's is known by the files that it mounts into each of its containers, from a folder of its own.
"""

import asyncio
import re
import signal
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError
from deis_node.runtime.handle import Handle

log = structlog.get_logger()

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_PATIENCE = 5.0
"""Seconds for killed processes to be gone; one that waits for a disk may take longer."""
_STEP = 0.05
_PROC = Path("/proc")


class LostContainers:
    """Ends what an engine has no record of: when it is back, and every so many seconds."""

    def __init__(self, docker: Docker, every: float) -> None:
        self._docker = docker
        self._every = every
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """The engine is back: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self._wake.clear()
            try:
                await end_unknown(self._docker)
            except DockerError as err:
                log.info("lost containers cannot be looked for", error=err.text)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._wake.wait()


async def end_lost(container: str) -> bool:
    """Kill whatever runs of a container that the engine says is down; whether anything did."""
    # A name or the beginning of an id might be part of somebody else's.
    if not _ID.fullmatch(container):
        return False
    return await asyncio.to_thread(_end, container)


async def end_unknown(docker: Docker) -> None:
    """Kill what runs in containers of this engine that it has no record of; DockerError."""
    found = await asyncio.to_thread(_by_container)
    # In this order: a container has its record before it starts, and until after it has ended.
    known = {container.id for container in await docker.list({})}
    unknown = {container: pids for container, pids in found.items() if container not in known}
    if unknown:
        root = Path((await docker.info()).root)
        for container in await asyncio.to_thread(without_record, root, unknown):
            await end_lost(container)


def without_record(root: Path, found: Mapping[str, Collection[int]]) -> list[str]:
    """Those of the containers that an engine with this folder made, and has no folder of any more.

    `found` has the pids of each. That the folder is gone is asked besides the engine's word: one
    that answers from elsewhere may name a folder that is another engine's here.
    """
    device, inside = within_device(root, _read("self", "mountinfo"))
    return [
        container
        for container, pids in found.items()
        if not (root / "containers" / container).exists()
        and any(is_made_from(device, inside, container, _read(pid, "mountinfo")) for pid in pids)
    ]


def within_device(folder: Path, mounts: str) -> tuple[str, str]:
    """The `<major>:<minor>` of a folder's file system, and where the folder is in it. PURE.

    `mounts` is the text of /proc/self/mountinfo: proc_pid_mountinfo(5).
    """
    best, found = -1, ("", str(folder))
    for line in mounts.splitlines():
        _, _, device, inside, place, *_ = line.split(" ")
        if folder.is_relative_to(place) and len(place) >= best:
            best, found = len(place), (device, str(Path(inside) / folder.relative_to(place)))
    return found


def is_made_from(device: str, folder: str, container: str, mounts: str) -> bool:
    """Whether one of a process's mounts is a container's file in an engine's folder. PURE.

    `device` and `folder` as `within_device` gives them, `mounts` the process's own.
    """
    own = f"{Path(folder) / 'containers' / container}/"
    words = (line.split(" ") for line in mounts.splitlines())
    return any(each[2] == device and each[3].startswith(own) for each in words)


def processes(container: str) -> Iterator[int]:
    """The pids of all that runs in a container's control group, or in one below it."""
    return (pid for pid in _pids() if _belongs(pid, container))


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _by_container() -> dict[str, list[int]]:
    """Id → pids, of every container of this machine, whoever's it is."""
    found: dict[str, list[int]] = {}
    for pid in _pids():
        # The last one: a container may run containers.
        for container in _ID.findall(_read(pid, "cgroup"))[-1:]:
            found.setdefault(container, []).append(pid)
    return found


def _read(process: int | str, name: str) -> str:
    """A file of a process; empty when it has gone. What an app put there need not be text."""
    try:
        return (_PROC / str(process) / name).read_text(errors="replace")
    except OSError:
        return ""


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


def _belongs(pid: int, container: str) -> bool:
    """Whether a process is a container's, and has not ended."""
    if container not in _read(pid, "cgroup"):
        return False
    return _read(pid, "stat").rpartition(")")[2].split()[:1] not in ([], ["Z"], ["X"])


def _kill(pid: int, container: str) -> None:
    if process := Handle.of(pid, lambda pid: _belongs(pid, container)):
        with suppress(PermissionError):
            process.send(signal.SIGKILL)
        process.close()
