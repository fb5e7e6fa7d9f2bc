"""A database that was put back to an earlier state: what that means, and an operator's word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from deis_control.db import control, desired, runs
from deis_control.db.pool import Connection, Database
from deis_control.errors import Conflict, Unavailable
from deis_control.model import Act, User
from deis_control.scheduler.acceptance import Loss, losses
from deis_control.scheduler.snapshot import AppKeys
from deis_control.services.audit import note
from deis_node.cluster.records import Intent

log = structlog.get_logger()


class IntentView(Protocol):
    """The cluster's state, as far as an older database is concerned."""

    @property
    def loaded(self) -> bool:
        """Whether it is known at all."""
        ...

    @property
    def intent(self) -> Intent:
        """The last accepted change that the store knows of."""
        ...

    def held(self) -> Mapping[str, AppKeys]:
        """What the store holds of each app; to be looked at, not kept."""
        ...


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """How database and store stand to each other."""

    behind: bool
    """Whether the store knows of a change that the database does not."""
    counted: int
    """How many changes the database has accepted."""
    stored: int
    """How many the store has heard of."""
    losses: Sequence[Loss] = ()
    """What is lost when the database is accepted as it is; none while it is not behind."""


class DatabaseStates:
    """Use cases about a database that is older than the store."""

    def __init__(self, database: Database, view: IntentView) -> None:
        self._database = database
        self._view = view

    async def show(self) -> DatabaseState:
        """How they stand now. Unavailable while the cluster's state is not known."""
        seen = self._seen()
        async with self._database.connection() as conn:
            return await self._state(conn, seen)

    async def accept(self, caller: User) -> DatabaseState:
        """Go on from this database: what it does not want is removed from now on.

        As it stood before. Conflict when it is not behind; Unavailable.
        """
        seen = self._seen()
        async with self._database.transaction("accept database") as conn:
            state = await self._state(conn, seen)
            if not state.behind:
                raise Conflict("The database knows every change that the store knows of.")
            before = {"database": state.counted, "store": state.stored}
            after = {loss.app: _told(loss) for loss in state.losses}
            await note(conn, Act.DATABASE_ACCEPT, caller, before=before, after=after)
            await control.accept_intent(conn, seen.seq, seen.mark)
        log.warning("database accepted", actor=caller.username, **before)
        return state

    def _seen(self) -> Intent:
        if not self._view.loaded:
            raise Unavailable("The state of the cluster is not known yet.")
        return self._view.intent

    async def _state(self, conn: Connection, seen: Intent) -> DatabaseState:
        counted = await control.counted(conn, seen.seq, seen.mark)
        if counted.knows:
            return DatabaseState(False, counted.seq, seen.seq)
        wanted = await desired.of_all(conn)
        commands = {str(run.uuid) for run in await runs.all_open(conn)}
        found = losses(self._view.held(), wanted, commands)
        return DatabaseState(True, counted.seq, seen.seq, found)


def _told(loss: Loss) -> object:
    """A loss, for the audit trail."""
    if loss.removed:
        return "removed"
    back = f"v{loss.release} serves again" if loss.goes_back else ""
    stops = f"{', '.join(copy.container for copy in loss.stops)} stop" if loss.stops else ""
    return "; ".join(filter(None, (back, stops)))
