"""One-off commands seen by those who ask for them: submit, wait, look back.

Only the scheduler's leader carries one on. Whoever asked may go away: the command is a row.
"""

from uuid import uuid4

import structlog

from deis_control.db import releases, runs
from deis_control.db.listen import RUN_ENDS
from deis_control.db.pool import Database
from deis_control.errors import BadRequest, NotFound, OperationFailed
from deis_control.logger.client import EventLog
from deis_control.model import Act, App, Page, Run, RunState, User, Window
from deis_control.rules.runs import NO_BUILD, run_event
from deis_control.services.audit import note
from deis_control.services.operations import Looks, Operations
from deis_node.cluster.seal import Ring

log = structlog.get_logger()

_DIGITS = 18
"""Of a number that the database can hold."""


class Runs:
    """Use cases about one-off commands."""

    def __init__(
        self, database: Database, ring: Ring, operations: Operations, events: EventLog
    ) -> None:
        self._database = database
        self._ring = ring
        self._operations = operations
        self._events = events

    async def submit(self, app: App, user: User, command: str) -> Run:
        """Accept a command for the latest live release.

        BadRequest without a build, Conflict while the app is being destroyed.
        """
        async with self._database.transaction("submit command") as conn:
            latest = await releases.latest(conn, app.uuid)
            if latest.build is None:
                raise BadRequest(NO_BUILD)
            run = await runs.insert(conn, self._ring, uuid4(), app, user.username, command)
            await note(conn, Act.RUN, user, app=app, target=f"run.{run.num}")
        self._events.send(app.id, run_event(user.username, command))
        log.info("command accepted", app=app.id, num=run.num, actor=user.username)
        return run

    async def result(self, run: Run) -> tuple[int, bytes]:
        """Exit code and output, once the command has ended; OperationFailed when it failed.

        The database may be away for a while meanwhile.
        """
        ended = await self._ended(run)
        if ended.state is RunState.FAILED or ended.exit_code is None:
            raise OperationFailed(ended.reason)
        return ended.exit_code, await self._operations.outlast(lambda: self.output(ended)) or b""

    async def page(self, app: App, window: Window) -> Page[Run]:
        """The app's commands, newest first."""
        async with self._database.connection() as conn:
            return await runs.page_of(conn, self._ring, app.uuid, window)

    async def one(self, app: App, num: str) -> Run:
        """The app's command of that number; NotFound."""
        if not (num.isascii() and num.isdecimal() and len(num) <= _DIGITS):
            raise NotFound
        async with self._database.connection() as conn:
            return await runs.of_num(conn, self._ring, app.uuid, int(num))

    async def output(self, run: Run) -> bytes | None:
        """What a command wrote; None before its end, or when it is not kept any more."""
        async with self._database.connection() as conn:
            return await runs.output_of(conn, self._ring, run)

    async def _ended(self, run: Run) -> Run:
        looks = Looks()
        async with self._database.listen(RUN_ENDS, str(run.uuid)) as hint:
            while True:
                hint.clear()
                found = await self._operations.outlast(lambda: self._look(run))
                if found.state.ended:
                    return found
                await hint.wait(looks.next())

    async def _look(self, run: Run) -> Run:
        async with self._database.connection() as conn:
            try:
                return await runs.get(conn, self._ring, run.uuid)
            except NotFound as err:
                raise OperationFailed("The app was destroyed.") from err
