"""Reads one container's log as long as the container exists, and hands its lines on.

The container may end and start again, and the Docker Engine may go away and come back: reading
goes on at the same place. While there is no room for more lines it stops; the engine keeps them.
"""

import asyncio
import contextlib
import secrets
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from deis_node.cluster.frames import Frame, LogLine, encode
from deis_node.cluster.shipping import Shipper
from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError, NotFound
from deis_node.docker.model import LogChunk, State
from deis_node.logspout.cursors import Cursor
from deis_node.logspout.lines import Line, LineJoiner
from deis_node.logspout.position import START, Seeker, repeats, since
from deis_node.runtime import metrics
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_LINES = metrics.counter("deis_logspout_lines_total", "Log lines read from the Docker Engine.")
_GAPS = metrics.counter(
    "deis_logspout_gaps_total",
    "Places in logs at which the Docker Engine had thrown lines away before they were read.",
)

_GIVE_UP_SECONDS = 2.0
_STALE_SECONDS = 1.0
"""After a longer wait for room the engine's stream is not trusted any more."""
_TURN = 200
"""Lines after which other tasks get their turn, also when more are here already."""

_ENDED = frozenset({State.EXITED, State.DEAD, State.REMOVING})


@dataclass(frozen=True, slots=True)
class FollowedContainer:
    """A container whose log is shipped."""

    id: str
    name: str
    app: str
    process: str
    """`web.1`"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Comes back when a line has arrived."""

    follower: "Follower"
    cursor: Cursor


class Follower:
    """Follows one container; `run` ends when the container is gone."""

    def __init__(
        self,
        container: FollowedContainer,
        docker: Docker,
        shipper: Shipper[Receipt | None],
        *,
        sender: str,
        cursor: Cursor | None,
    ) -> None:
        self.container = container
        self.unacknowledged = 0
        """Lines on their way."""
        self.ended = asyncio.Event()
        """Set while everything that an ended container wrote has been read."""
        self._docker = docker
        self._shipper = shipper
        self._sender = sender
        self._epoch = cursor.epoch if cursor else secrets.token_hex(4)
        self._lines = LineJoiner(cursor.position if cursor else START)
        self._gone = False
        self._again = asyncio.Event()
        self._backoff = Backoff(0.1, 5.0)
        self._told = False
        self._latest: dict[str, LogChunk] = {}
        self._went_back_to = ""

    def start_again(self) -> None:
        """The container runs (again)."""
        self.ended.clear()
        self._again.set()

    def gone(self) -> None:
        """The container is removed, or will be: read what is left and end."""
        self._gone = True
        self._again.set()

    async def run(self) -> None:
        """Read until the container is gone."""
        while await self._guarded():
            pass
        self._end_lines()
        self.ended.set()

    async def _guarded(self) -> bool:
        try:
            return await self._round()
        except Exception as err:  # one container's log never ends for a defect
            log.error("log follower failed", container=self.container.name, exc_info=err)
            await self._backoff.wait()
            return True

    async def _round(self) -> bool:
        """Read the log to its present end, then wait for what makes it go on; False: no more."""
        self._again.clear()
        try:
            await self._read(follow=True)
            # The engine cuts a followed log short when its container ends before all was read.
            await self._read(follow=False)
            state = (await self._docker.inspect(self.container.id)).state
        except NotFound:
            return False
        except DockerError as err:
            if not self._told:
                log.warning("log not readable", container=self.container.name, error=str(err))
            self._told = True
            await self._backoff.wait()
            return True
        if state in _ENDED or state is State.CREATED:
            self._end_lines()
            if not self._again.is_set():
                self.ended.set()
        if not self._gone:
            await self._woken(None if state in _ENDED else self._backoff.next())
        self.ended.clear()
        return not self._gone

    async def _woken(self, timeout: float | None) -> None:
        """Wait until the container may have more to tell."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._again.wait()

    async def _read(self, *, follow: bool) -> None:
        """Read on behind the last entry, until the engine ends the log or tells it wrongly."""
        place = self._lines.place
        start = since(place, self._went_back_to)
        self._went_back_to = ""
        self._latest.clear()
        seeker = Seeker(place)
        timer: asyncio.TimerHandle | None = None
        chunks = self._docker.logs(self.container.id, since=start, follow=follow)
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    for entry in self._new(seeker, chunk):
                        if follow and self._told_again(entry):
                            return
                        if not await self._take(entry) and follow:
                            return
                    if seeker.held and timer is None:
                        loop = asyncio.get_running_loop()
                        timer = loop.call_later(_GIVE_UP_SECONDS, self._give_up, seeker)
        finally:
            if timer is not None:
                timer.cancel()
        if not follow:
            self._give_up(seeker)

    def _told_again(self, entry: LogChunk) -> bool:
        """Whether a followed log has to be read anew because of this entry.

        The engine tells a part of it again when it puts a file aside. An output's times also go
        back when the clock is set; then the entry is new, and will be found when read anew.
        """
        latest = self._latest.get(entry.stream)
        if latest is not None and repeats(entry, latest):
            self._went_back_to = entry.timestamp
            return True
        self._latest[entry.stream] = entry
        return False

    def _new(self, seeker: Seeker, chunk: LogChunk) -> list[LogChunk]:
        """What is known to be new with this entry."""
        if seeker.found:
            return [chunk]
        lost = seeker.lost
        entries = seeker.feed(chunk)
        if seeker.lost and not lost:
            self._renumber()
        return entries

    async def _take(self, entry: LogChunk) -> bool:
        """Send the entry's line when there is room.

        False when that took long: the engine may have put more than one file aside meanwhile,
        and a followed log then goes on with the newest.
        """
        soon = not self._shipper.full or await self._had_room_soon()
        line = self._lines.feed(entry)
        if line is not None:
            self._send(line)
            if line.seq % _TURN == 0:
                await asyncio.sleep(0)
        self._told = False
        self._backoff.reset()
        return soon

    async def _had_room_soon(self) -> bool:
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._shipper.room()
        return clock() - began < _STALE_SECONDS

    def _give_up(self, seeker: Seeker) -> None:
        """The last place does not come any more: go on with what is here."""
        if seeker.found or seeker.lost:
            return
        entries = seeker.give_up()
        if entries:
            self._renumber()
        for entry in entries:
            line = self._lines.feed(entry)
            if line is not None:
                self._send(line)

    def _renumber(self) -> None:
        """Lines may be missing here, so numbers can not tell repeated ones from now on."""
        log.warning("log lines are gone before they were read", container=self.container.name)
        _GAPS.inc()
        self._end_lines()
        self._epoch = secrets.token_hex(4)
        self._lines.restart()

    def _end_lines(self) -> None:
        for line in self._lines.end():
            self._send(line)

    def _send(self, line: Line) -> None:
        container = self.container
        stream = f"{container.id[:12]}.{self._epoch}"
        text = line.text.decode("utf-8", "replace")
        content = LogLine(container.app, container.process, line.time, text)
        message = encode(Frame(content, self._sender, stream, line.seq))
        self.unacknowledged += 1
        _LINES.inc()
        self._shipper.offer(message, Receipt(self, Cursor(self._epoch, line.resume)))
