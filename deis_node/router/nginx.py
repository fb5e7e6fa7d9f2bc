"""nginx as a process: tested, started, adopted, reloaded, and taken over from a dead master.

It is started detached, so an agent's death does not touch it, and the next agent finds it by its
pid file. When its master dies, the workers go on serving; a new master is started beside them
(both may bind, by SO_REUSEPORT), and when that one serves the old ones are asked to leave.
"""

import asyncio
import itertools
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from deis_node.router.errors import NginxError
from deis_node.router.folder import Folder
from deis_node.router.processes import Found, find_all, hold
from deis_node.router.settings import RouterSettings, listen_address
from deis_node.runtime.backoff import DeadlineExceeded, retry
from deis_node.runtime.handle import Handle

log = structlog.get_logger()

_TEST_LIMIT = 30.0
_START_LIMIT = 10.0
_LEAVE_LIMIT = 2.0
_STEP = 0.005


class Nginx:
    """The nginx of one folder."""

    def __init__(self, settings: RouterSettings, folder: Folder, died: Callable[[], None]) -> None:
        """`died` is called when the master has ended."""
        self.folder = folder
        self.master: Handle | None = None
        self._settings = settings
        self._died = died
        self._orphans: list[Handle] = []

    @property
    def orphans(self) -> bool:
        """Whether workers of a dead master still end their requests."""
        self._orphans = [orphan for orphan in self._orphans if _still_there(orphan)]
        return bool(self._orphans)

    @property
    def alive(self) -> bool:
        """Whether there is a master that has not ended."""
        return self.master is not None and self.master.alive

    async def adopt(self) -> bool:
        """Take a running master over; False when there is none."""
        self.let_go()
        self.master = await asyncio.to_thread(self._find_master)
        if self.master is not None:
            asyncio.get_running_loop().add_reader(self.master.fd, self._end)
        return self.master is not None

    async def collect_orphans(self) -> bool:
        """Find the workers that a dead master left behind; False when there is none."""
        self._orphans += await asyncio.to_thread(self._find_orphans)
        return self.orphans

    async def test(self, conf: Path) -> None:
        """Have nginx read a configuration; NginxError, with its words, when it refuses."""
        await self._run(["-t", "-q"], conf, _TEST_LIMIT)

    async def start(self) -> None:
        """Start a master with the configuration in force; NginxError when it does not come up."""
        if not self.orphans:
            for address in (*self._settings.listen, *self._settings.health_listen):
                _check_free(listen_address(address))
        await asyncio.to_thread(self.folder.drop_socket)
        await self._run([], self.folder.conf, _START_LIMIT)

        async def adopted() -> None:
            if not await self.adopt():
                raise NginxError("nginx wrote no pid file, or has ended")

        try:
            await retry(adopted, on=(NginxError,), deadline=_START_LIMIT, what="nginx' start")
        except DeadlineExceeded as err:
            raise NginxError(f"{err}: {await self._words()}") from err
        log.info("nginx started", pid=self.master.pid if self.master else 0)

    def reload(self) -> None:
        """Have the master read its configuration again."""
        self._signal(signal.SIGHUP)

    def reopen_logs(self) -> None:
        """Have nginx open its log files anew."""
        self._signal(signal.SIGUSR1)

    async def retire_orphans(self) -> None:
        """Have the workers of a dead master take nothing new; they end what they have begun."""
        for signals in (signal.SIGQUIT, signal.SIGTERM, signal.SIGKILL):
            staying = await self._staying()
            if not staying:
                return
            log.info("workers of a dead master shall leave", count=len(staying), by=signals.name)
            for orphan in staying:
                orphan.send(signals)
            await self._wait_till_leaving()

    async def stop(self, patience: float) -> None:
        """End nginx as a whole; requests in flight get so many seconds."""
        await self.adopt()
        await self.collect_orphans()
        handles = [handle for handle in (*self._orphans, self.master) if handle]
        for number, limit in ((signal.SIGQUIT, patience), (signal.SIGTERM, 2.0)):
            for handle in handles:
                handle.send(number)
            await _wait_for_end(handles, limit)
        for process in await self._processes():
            if left := hold(process.pid, self.folder.path):
                left.send(signal.SIGKILL)
                left.close()
        self.let_go()

    def let_go(self) -> None:
        """Stop watching the master; it goes on."""
        if self.master is not None:
            asyncio.get_running_loop().remove_reader(self.master.fd)
            self.master.close()
            self.master = None

    async def _staying(self) -> list[Handle]:
        if not self.orphans:
            return []
        leaving = {process.pid for process in await self._processes() if process.is_leaving}
        return [orphan for orphan in self._orphans if orphan.pid not in leaving]

    async def _wait_till_leaving(self) -> None:
        async def gone() -> bool:
            return not await self._staying()

        await _poll(gone, _LEAVE_LIMIT)

    async def _run(self, options: Sequence[str], conf: Path, limit: float) -> None:
        """Run the nginx program until it ends, which a starting one does when it serves."""
        argv = [str(self._settings.nginx), *options, "-p", "./", "-c", str(conf)]
        output = await asyncio.to_thread(self.folder.start_log.open, "wb")
        with output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    cwd=self.folder.path,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            except OSError as err:
                raise NginxError(f"{argv[0]} cannot be started: {err}") from err
        try:
            async with asyncio.timeout(limit):
                status = await process.wait()
        except TimeoutError as err:
            process.kill()
            await process.wait()
            raise NginxError(f"nginx took longer than {limit:g} s") from err
        if status:
            raise NginxError(await self._words() or f"nginx ended with status {status}")

    async def _words(self) -> str:
        return await asyncio.to_thread(self.folder.start_words)

    def _signal(self, number: signal.Signals) -> None:
        if self.master is not None:
            self.master.send(number)

    def _end(self) -> None:
        if self.master is not None:
            asyncio.get_running_loop().remove_reader(self.master.fd)
        self._died()

    def _find_master(self) -> Handle | None:
        written = self.folder.read_pid()
        # The pid file may be lost while the master is not.
        found = (process.pid for process in find_all(self.folder.path) if process.is_master)
        for pid in itertools.chain([written] if written else [], found):
            if handle := hold(pid, self.folder.path):
                return handle
        return None

    def _find_orphans(self) -> list[Handle]:
        found = list(find_all(self.folder.path))
        known = {orphan.pid for orphan in self._orphans}
        masters = {process.pid for process in found if process.is_master}
        orphans = (
            hold(process.pid, self.folder.path)
            for process in found
            if process.is_worker and process.parent not in masters and process.pid not in known
        )
        return [orphan for orphan in orphans if orphan]

    async def _processes(self) -> list[Found]:
        return await asyncio.to_thread(lambda: list(find_all(self.folder.path)))


def _still_there(orphan: Handle) -> bool:
    if orphan.alive:
        return True
    orphan.close()
    return False


async def _poll(done: Callable[[], Awaitable[bool]], limit: float) -> None:
    """Ask until it is done, for at most so many seconds."""
    clock = asyncio.get_running_loop().time
    till = clock() + limit
    while clock() < till:
        if await done():
            return
        await asyncio.sleep(_STEP)


async def _wait_for_end(handles: Sequence[Handle], limit: float) -> None:
    async def ended() -> bool:
        return not any(handle.alive for handle in handles)

    await _poll(ended, limit)


def _check_free(address: str) -> None:
    """NginxError when somebody else listens there: by SO_REUSEPORT nginx would not notice."""
    host, _, port = address.rpartition(":")
    bare = host.strip("[]").replace("*", "0.0.0.0")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((bare, int(port)))
        except OSError as err:
            raise NginxError(f"{address} cannot be listened on: {err.strerror}") from err
