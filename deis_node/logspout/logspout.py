"""The agent's log shipping: a follower for each container, one connection to the logger, cursors.

The cursor file is written at most once per interval and at the end, with what has arrived.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from deis_node.cluster.frames import Frame, LogLine, encode, rfc3339
from deis_node.cluster.shipping import Shipper
from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError
from deis_node.logspout.cursors import Cursor, load, save
from deis_node.logspout.follower import FollowedContainer, Follower, Receipt
from deis_node.logspout.settings import LogspoutSettings
from deis_node.runtime.tasks import Tasks, forever

log = structlog.get_logger()

NODE_PROCESS = "deis-node"
"""The tag of what the agent itself says about an app."""

_FILE = "log-cursors.json"
_HEARSAY_SECONDS = 0.05
"""A container that ends at once may be removed before we have been told to follow it."""


class Logspout:
    """Ships the logs of the containers it is told to follow, while `run` runs.

    `targets` tells the loggers' `address:port`, none while there is none; `host` is this host's
    name, which a logger needs to know whose lines it has.
    """

    def __init__(
        self,
        docker: Docker,
        state_dir: Path,
        targets: Callable[[], Sequence[str]],
        host: str,
        settings: LogspoutSettings | None = None,
    ) -> None:
        settings = settings or LogspoutSettings()
        self._docker = docker
        self._file = state_dir / _FILE
        self._host = host
        self._interval = settings.save_interval
        self._shipper: Shipper[Receipt | None] = Shipper(
            targets,
            self._arrived,
            lines=settings.buffer_lines,
            size=settings.buffer_bytes,
            coalesce=settings.coalesce,
            patience=settings.patience,
        )
        self._said = 0
        self._stream = f"{NODE_PROCESS}.{secrets.token_hex(8)}"
        self._followers: dict[str, Follower] = {}
        self._waiting: dict[str, FollowedContainer] = {}
        self._cursors: dict[str, Cursor] = {}
        self._changed = asyncio.Event()
        self._tasks: Tasks | None = None

    @property
    def pending(self) -> int:
        """How many lines have been read and not been acknowledged."""
        return self._shipper.pending

    def follow(self, container: FollowedContainer) -> None:
        """Ship this container's log. To be called at each start of it; more often does no harm."""
        if self._tasks is None:
            self._waiting[container.id] = container
        elif (follower := self._followers.get(container.id)) is not None:
            follower.start_again()
        else:
            self._start(self._tasks, container)

    def gone(self, container_id: str) -> None:
        """The container is removed: what is left is shipped, then its cursor is forgotten."""
        self._waiting.pop(container_id, None)
        if (follower := self._followers.get(container_id)) is not None:
            follower.gone()

    def say(self, app: str, text: str) -> None:
        """Write a line of the agent's own into an app's log; never waits.

        It is dropped while there is no room for more lines.
        """
        if self._shipper.full:
            return
        self._said += 1
        line = LogLine(app, NODE_PROCESS, rfc3339(datetime.now(UTC)), text)
        self._shipper.offer(encode(Frame(line, self._host, self._stream, self._said)), None)

    async def drained(self, container_id: str, timeout: float) -> bool:
        """Wait until an ended container's log has been read to its end, before it is removed.

        False when that takes longer than `timeout` seconds; the rest would be lost with it.
        """
        if container_id not in self._followers:
            await asyncio.sleep(_HEARSAY_SECONDS)
        follower = self._followers.get(container_id)
        if follower is None:
            return True
        try:
            async with asyncio.timeout(timeout):
                await follower.ended.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Follow and ship until cancelled."""
        self._cursors = await asyncio.to_thread(load, self._file)
        await self._forget_absent()
        try:
            async with Tasks() as tasks:
                self._tasks = tasks
                waiting, self._waiting = self._waiting, {}
                for container in waiting.values():
                    self._start(tasks, container)
                tasks.start("log shipper", forever("log shipper", self._shipper.run))
                await forever("log cursors", self._keep_cursors)
        finally:
            self._tasks = None
            await self._save()

    def _start(self, tasks: Tasks, container: FollowedContainer) -> None:
        follower = Follower(
            container,
            self._docker,
            self._shipper,
            sender=self._host,
            cursor=self._cursors.get(container.id),
        )
        self._followers[container.id] = follower
        tasks.start(f"log of {container.id}", self._followed(follower))

    async def _followed(self, follower: Follower) -> None:
        await follower.run()
        self._followers.pop(follower.container.id, None)
        self._forget(follower)

    def _arrived(self, receipt: Receipt | None) -> None:
        if receipt is None:
            return
        follower = receipt.follower
        follower.unacknowledged -= 1
        if receipt.cursor.position.time:
            self._cursors[follower.container.id] = receipt.cursor
            self._changed.set()
        self._forget(follower)

    def _forget(self, follower: Follower) -> None:
        """Drop the cursor of a container that is gone, once all its lines have arrived."""
        key = follower.container.id
        if not follower.unacknowledged and key not in self._followers:
            self._cursors.pop(key, None)
            self._changed.set()

    async def _forget_absent(self) -> None:
        """Drop the cursors of containers that were removed while this agent was not here."""
        if not self._cursors:
            return
        try:
            present = {container.id for container in await self._docker.list({})}
        except DockerError as err:
            log.warning("log cursors are kept unchecked", error=str(err))
            return
        self._cursors = {key: cursor for key, cursor in self._cursors.items() if key in present}

    async def _keep_cursors(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._save()
            await asyncio.sleep(self._interval)

    async def _save(self) -> None:
        try:
            await asyncio.to_thread(save, self._file, dict(self._cursors))
        except OSError as err:
            log.error("log cursors are not saved", file=str(self._file), error=str(err))
