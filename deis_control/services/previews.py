"""What a change would do: decided as the leader decides it, and nothing written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deis_control.db import operations
from deis_control.db.apps import DESTROYING
from deis_control.db.pool import Connection
from deis_control.deltas import Delta, kind_of
from deis_control.errors import Conflict, OperationFailed
from deis_control.model import App, Build, Kind, User
from deis_control.rules.changes import summary_of
from deis_control.scheduler.deciding import Decided, Facts, Refused, decide, difference_of
from deis_control.scheduler.formation import Difference
from deis_control.scheduler.placing import facts_of
from deis_control.scheduler.world import Observed
from deis_node.cluster.names import RUN_TYPE
from deis_node.cluster.seal import Ring


class PlacementsView(Protocol):
    """The cluster's state, down to the placements."""

    def observed(self, app: str) -> Sequence[Observed]:
        """All placements of the app; Unavailable while the cluster's state is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would come to, if it were carried out now."""

    kind: Kind
    summary: str
    """Of the change."""
    decided: Decided
    difference: Difference
    queued_before: int
    """Unfinished operations of the app, whose outcome is not foreseen."""


class Previews:
    """Decides on changes that nobody carries out; their validation is the caller's."""

    def __init__(self, ring: Ring, view: PlacementsView) -> None:
        self._ring = ring
        self._view = view

    async def of(
        self, conn: Connection, app: App, user: User, delta: Delta, build: Build | None = None
    ) -> Preview:
        """The preview of a change that was found valid in the same snapshot of the database;
        `build` is one that has no row.

        Conflict while the app is being destroyed; OperationFailed, with the reason that the
        operation would have, when the leader would refuse it.
        """
        found = self._view.observed(app.id)
        placed = [item.placed for item in found if item.copy.type != RUN_TYPE]
        facts = await facts_of(conn, self._ring, app.uuid, delta, placed, build)
        if facts.latest.app.destroying:
            raise Conflict(DESTROYING)
        decided = _decided(delta, facts, user.username)
        return Preview(
            kind=kind_of(delta),
            summary=summary_of(delta, facts.build),
            decided=decided,
            difference=difference_of(decided, facts),
            queued_before=len(await operations.open_of(conn, app.uuid)),
        )


def _decided(delta: Delta, facts: Facts, actor: str) -> Decided:
    try:
        return decide(delta, facts, actor)
    except Refused as err:
        raise OperationFailed(str(err)) from err
