"""An app's log lines, as the logger has them."""

from deis_control.errors import LogsUnavailable
from deis_control.logger.client import LogClient, LoggerAway
from deis_control.model import App

DEFAULT_LINES = 1000


class Logs:
    """The use case of `deis logs`."""

    def __init__(self, client: LogClient) -> None:
        self._client = client

    async def tail(self, app: App, lines: str | None) -> bytes | None:
        """The last lines, as many as the user's text says; None when there are none.

        LogsUnavailable when the logger does not answer.
        """
        try:
            answer = await self._client.tail(app.id, DEFAULT_LINES if lines is None else lines)
        except LoggerAway as err:
            raise LogsUnavailable(f"Error accessing logs for {app.id}") from err
        return answer.body if answer.found else None
