"""Where an app's copies run, why there, how they do, and what they wait for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deis_control.db import desired, releases
from deis_control.db.pool import Database
from deis_control.errors import NotFound
from deis_control.model import App
from deis_control.scheduler.reasons import Reasons
from deis_control.scheduler.world import Observed
from deis_control.services.previews import PlacementsView
from deis_control.services.reasons import Waits
from deis_node.cluster.names import RUN_TYPE, CopyName


@dataclass(frozen=True, slots=True)
class Explanation:
    """What runs of an app; the copies oldest first."""

    app: App
    release: int
    """The latest live one."""
    processes: Sequence[Observed]
    reasons: Reasons = field(default_factory=Reasons)
    missing: Sequence[CopyName] = ()
    """The wanted copies that are on no host, of those that were asked about."""


class Explain:
    """Use cases about why an app runs as it does."""

    def __init__(self, database: Database, view: PlacementsView, waits: Waits) -> None:
        self._database = database
        self._view = view
        self._waits = waits

    async def of(self, app: App, process: str | None) -> Explanation:
        """All copies but one-off runs, those of a type, or one such as `web.2`; NotFound."""
        found = [item for item in self._view.observed(app.id) if item.listed]
        async with self._database.connection() as conn:
            latest = await releases.latest(conn, app.uuid)
            wanted = await desired.of_app(conn, app.uuid)
            why = await self._waits.of_app(conn, app.id, wanted)
        chosen = _named(found, process)
        missing = sorted(copy for copy in why.missing if _is_named(copy, process))
        if process is not None and not (chosen or missing) and process not in app.structure:
            raise NotFound
        ordered = sorted(chosen, key=lambda item: (item.placed.placement.created, item.copy))
        return Explanation(app, latest.version, ordered, why, missing)


def _named(found: Sequence[Observed], process: str | None) -> list[Observed]:
    """Those of the copies that a type, or a type and a number, names; one-off runs by name only."""
    return [item for item in found if _is_named(item.copy, process)]


def _is_named(copy: CopyName, process: str | None) -> bool:
    return copy.type != RUN_TYPE if process is None else process in (copy.type, copy.process)
