"""The way to the loggers: the last lines of an app, their deletion, and the platform's events."""

import asyncio
import heapq
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter

import aiohttp
import structlog

from deis_control.logger.query import number_of
from deis_node.cluster.frames import Frame, LogLine, encode, rfc3339
from deis_node.cluster.names import is_app_id
from deis_node.cluster.shipping import Shipper
from deis_node.cluster.suspects import Suspects
from deis_node.runtime import metrics
from deis_node.runtime.errors import DeisError
from deis_node.runtime.tasks import spawn

log = structlog.get_logger()

_DROPPED = metrics.counter(
    "deis_events_dropped_total", "Lines of events that were dropped because the logger was away."
)

EVENT_PROCESS = "deis-controller"
"""The tag of events about an app (semantics.md section 9)."""

EVENT_LIMIT = 10_000
"""How many events may wait for the logger."""

GIVEN_UP = 10.0
"""Seconds of silence after which nobody waits for a logger any more to delete what it keeps."""

_STAMP = len("2026-11-23T02:16:00")
"""Of a line as it is kept, the part by which lines of several loggers are ordered."""

_Targets = Callable[[], Sequence[str]]
_Loggers = Callable[[], Mapping[str, str]]

_CONNECT = 1.0
"""Seconds that one logger of several may take to accept."""
_WORD = 3.0
"""Seconds without a byte after which it counts as silent."""


class LoggerAway(DeisError):
    """No logger can be reached, or they answer what they should not."""


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """An app's last lines."""

    found: bool
    """Whether there are any (the logger's 200; otherwise its 204 or 404)."""
    body: bytes = b""
    """The lines in UTF-8, each with a newline."""
    missing: tuple[str, ...] = ()
    """The loggers that did not answer: what they keep is not among the lines."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of the deletion of an app's log."""

    left: tuple[str, ...] = ()
    """The loggers that could not be told."""
    told: bool = False
    """Whether all others were, and those have been silent for too long to be waited for."""


class LogClient:
    """Asks the loggers over HTTP; `loggers` tells their names and where each is asked.

    Lines lie where their sender could bring them, so all loggers are asked at once. One that is
    silent is waited for a moment, and then left alone for a while; not the only one there is.
    """

    def __init__(self, loggers: _Loggers, *, timeout: float = 10.0) -> None:
        self._loggers = loggers
        self._timeout = timeout
        self._suspects = Suspects()

    async def tail(self, app: str, lines: int | str | None = None) -> LogAnswer:
        """The last lines of an app (the loggers' own number of them for 0 or None).

        `lines` may be a user's text: one that is no number gives what an app without lines does.
        LoggerAway when none answers.
        """
        no_number = isinstance(lines, str) and not (lines.isascii() and lines.isdecimal())
        if no_number or not is_app_id(app):
            return LogAnswer(found=False)
        query = "" if lines is None else f"?log_lines={lines}"
        answers, missing = await self._ask_all("GET", f"/{app}{query}", (200, 204, 404))
        bodies = [body for status, body in answers.values() if status == 200]
        body = bodies[0] if len(bodies) == 1 else latest(bodies, number_of(str(lines or "")))
        return LogAnswer(bool(bodies), body, missing)

    async def delete(self, app: str) -> tuple[str, ...]:
        """Delete an app's lines; the loggers that could not be told. LoggerAway: none could."""
        _, missing = await self._ask_all("DELETE", f"/{app}", (200,))
        return missing

    @property
    def names(self) -> tuple[str, ...]:
        """The loggers that are known."""
        return tuple(sorted(self._loggers()))

    def lost(self, loggers: Iterable[str], seconds: float) -> bool:
        """Whether each of these loggers has been silent for so long."""
        known, now = self._loggers(), _clock()
        found = (self._suspects.silent_since(known[name]) for name in loggers if name in known)
        return all(since is not None and now - since >= seconds for since in found)

    async def _ask_all(
        self, method: str, path: str, good: Sequence[int]
    ) -> tuple[dict[str, tuple[int, bytes]], tuple[str, ...]]:
        """What each logger answers, and who does not. LoggerAway when that is everybody."""
        known = dict(self._loggers())
        self._suspects.keep(known.values())
        alone = len(known) == 1
        async with asyncio.TaskGroup() as group:
            tasks = {
                name: spawn(group, f"ask {name}", self._ask(method, known[name], path, good, alone))
                for name in self._worth_asking(known)
            }
        found = {name: task.result() for name, task in tasks.items()}
        answers = {name: got for name, got in found.items() if not isinstance(got, LoggerAway)}
        if not answers:
            reasons = [str(err) for err in found.values() if isinstance(err, LoggerAway)]
            raise LoggerAway("; ".join(reasons) or "no logger is known")
        return answers, tuple(name for name in sorted(known) if name not in answers)

    def _worth_asking(self, known: Mapping[str, str]) -> list[str]:
        """Those that were not silent a moment ago; everybody when all were."""
        now = _clock()
        found = [n for n in sorted(known) if not self._suspects.left_alone(known[n], now)]
        return found or sorted(known)

    async def _ask(
        self, method: str, address: str, path: str, good: Sequence[int], alone: bool
    ) -> tuple[int, bytes] | LoggerAway:
        try:
            status, body = await self._request(method, address, path, alone=alone)
        except (aiohttp.ClientError, OSError, TimeoutError) as err:
            self._suspects.failed(address, _clock())
            return LoggerAway(f"the logger at {address} does not answer: {err}")
        self._suspects.answered(address)
        if status not in good:
            return LoggerAway(f"the logger at {address} answered {status}")
        return status, body

    async def _request(
        self, method: str, address: str, path: str, *, alone: bool
    ) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(
            total=self._timeout,
            sock_connect=None if alone else _CONNECT,
            sock_read=None if alone else _WORD,
        )
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, f"http://{address}{path}") as answer,
        ):
            return answer.status, await answer.read()


def latest(bodies: Sequence[bytes], count: int) -> bytes:
    """The last so many lines of several logs, in the order of their times. PURE.

    Each log keeps its own order: a line that is stamped earlier than the one before it counts
    as being of the same time.
    """
    merged = heapq.merge(*(_timed(body) for body in bodies), key=itemgetter(0))
    return b"".join(line for _, line in deque(merged, maxlen=count))


def _timed(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    newest = b""
    for line in body.removesuffix(b"\n").split(b"\n") if body else ():
        newest = max(newest, line[:_STAMP])
        yield newest, line + b"\n"


def _clock() -> float:
    return asyncio.get_running_loop().time()


class EventLog:
    """Writes events about apps into their logs, and ends those; `run` sends.

    `intakes` tells the `address:port` where loggers take messages over TCP, `client` asks them
    for everything else. Events are kept
    in memory until they are acknowledged; beyond the bound they are counted, and the number is
    told in the app's log.
    """

    def __init__(
        self,
        intakes: _Targets,
        *,
        client: LogClient | None = None,
        sender: str = "-",
        limit: int = EVENT_LIMIT,
        given_up: float = GIVEN_UP,
    ) -> None:
        self._client = client or LogClient(dict)
        self._sender = sender
        self._given_up = given_up
        self._stream = f"events.{secrets.token_hex(8)}"
        self._seq = 0
        self._dropped: dict[str, int] = {}
        self._shipper: Shipper[None] = Shipper(intakes, self._arrived, lines=limit)

    @property
    def pending(self) -> int:
        """How many lines are not acknowledged."""
        return self._shipper.pending

    def send(self, app: str, text: str) -> None:
        """Write an event; never waits and never fails. Several lines of text are several lines."""
        for line in text.splitlines() or [""]:
            if self._shipper.full:
                self._dropped[app] = self._dropped.get(app, 0) + 1
                _DROPPED.inc()
            else:
                self._offer(app, line)

    async def forget(self, app: str) -> Forgotten:
        """Delete an app's log, as far as loggers answer."""
        try:
            missing = await self._client.delete(app)
        except LoggerAway as err:
            log.warning("log not deleted", app=app, error=str(err))
            return Forgotten(left=self._client.names)
        return Forgotten(missing, told=not missing or self._client.lost(missing, self._given_up))

    async def run(self) -> None:
        """Send until cancelled."""
        await self._shipper.run()

    def _offer(self, app: str, text: str) -> None:
        self._seq += 1
        line = LogLine(app, EVENT_PROCESS, rfc3339(datetime.now(UTC)), text)
        self._shipper.offer(encode(Frame(line, self._sender, self._stream, self._seq)), None)

    def _arrived(self, _: None) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, {}
            for app, count in dropped.items():
                self._offer(app, f"{count} lines dropped")
