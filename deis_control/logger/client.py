"""The way to the logger: the last lines of an app, their deletion, and the platform's events."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import structlog

from deis_node.cluster.frames import Frame, LogLine, encode, rfc3339
from deis_node.cluster.names import is_app_id
from deis_node.cluster.shipping import Shipper
from deis_node.runtime import metrics
from deis_node.runtime.errors import DeisError

log = structlog.get_logger()

_DROPPED = metrics.counter(
    "deis_events_dropped_total", "Lines of events that were dropped because the logger was away."
)

EVENT_PROCESS = "deis-controller"
"""The tag of events about an app (semantics.md section 9)."""

EVENT_LIMIT = 10_000
"""How many events may wait for the logger."""

_Target = Callable[[], str | None]


class LoggerAway(DeisError):
    """The logger cannot be reached, or answers what it should not."""


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """An app's last lines."""

    found: bool
    """Whether there are any (the logger's 200; otherwise its 204 or 404)."""
    body: bytes = b""
    """The lines in UTF-8, each with a newline."""


class LogClient:
    """Asks the logger over HTTP; `address` tells its `address:port`, or None while it has none."""

    def __init__(self, address: _Target, *, timeout: float = 10.0) -> None:
        self._address = address
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def tail(self, app: str, lines: int | str | None = None) -> LogAnswer:
        """The last lines of an app (the logger's own number of them for 0 or None). LoggerAway.

        `lines` may be a user's text: one that is no number gives what an app without lines does.
        """
        query = "" if lines is None else f"?log_lines={lines}"
        no_number = isinstance(lines, str) and not (lines.isascii() and lines.isdecimal())
        if no_number or not is_app_id(app):
            return LogAnswer(found=False)
        status, body = await self._ask("GET", f"/{app}{query}")
        if status not in (200, 204, 404):
            raise LoggerAway(f"the logger answered {status}")
        return LogAnswer(found=status == 200, body=body if status == 200 else b"")

    async def delete(self, app: str) -> None:
        """Delete an app's lines. LoggerAway."""
        status, _ = await self._ask("DELETE", f"/{app}")
        if status != 200:
            raise LoggerAway(f"the logger answered {status}")

    async def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        address = self._address()
        if address is None:
            raise LoggerAway("no logger is known")
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.request(method, f"http://{address}{path}") as answer,
            ):
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as err:
            raise LoggerAway(f"the logger at {address} does not answer: {err}") from err


class EventLog:
    """Writes events about apps into their logs, and ends those; `run` sends.

    `address` tells the `address:port` where the logger takes messages over TCP, `client` asks it
    for everything else. Events are kept
    in memory until they are acknowledged; beyond the bound they are counted, and the number is
    told in the app's log.
    """

    def __init__(
        self,
        address: _Target,
        *,
        client: LogClient | None = None,
        sender: str = "-",
        limit: int = EVENT_LIMIT,
    ) -> None:
        self._client = client or LogClient(lambda: None)
        self._sender = sender
        self._stream = f"events.{secrets.token_hex(8)}"
        self._seq = 0
        self._dropped: dict[str, int] = {}
        self._shipper: Shipper[None] = Shipper(address, self._arrived, lines=limit)

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

    async def forget(self, app: str) -> bool:
        """Delete an app's log; False while the logger is away."""
        try:
            await self._client.delete(app)
        except LoggerAway as err:
            log.warning("log not deleted", app=app, error=str(err))
            return False
        return True

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
