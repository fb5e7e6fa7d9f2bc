"""An app's log lines, as the loggers have them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deis_control.errors import LogsUnavailable
from deis_control.logger.client import EVENT_PROCESS, LogClient, LoggerAway
from deis_control.model import App
from deis_node.cluster.frames import LogLine, rfc3339, stored

DEFAULT_LINES = 1000


class Logs:
    """The use case of `deis logs`."""

    def __init__(self, client: LogClient) -> None:
        self._client = client

    async def tail(self, app: App, lines: str | None) -> bytes | None:
        """The last lines, as many as the user's text says; None when there are none.

        When a logger does not answer, one more line says whose are missing. LogsUnavailable when
        none answers.
        """
        try:
            answer = await self._client.tail(app.id, DEFAULT_LINES if lines is None else lines)
        except LoggerAway as err:
            raise LogsUnavailable(f"Error accessing logs for {app.id}") from err
        if answer.missing:
            return answer.body + _notice(app.id, answer.missing)
        return answer.body if answer.found else None


def _notice(app: str, missing: Sequence[str]) -> bytes:
    """That lines are missing, as a line of the log."""
    text = f"lines that are kept on {', '.join(missing)} are missing: no logger answers there"
    return f"{stored(LogLine(app, EVENT_PROCESS, rfc3339(datetime.now(UTC)), text))}\n".encode()
