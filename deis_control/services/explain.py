"""Where an app's copies run, why there, and how they do."""

from collections.abc import Sequence
from dataclasses import dataclass

from deis_control.db import releases
from deis_control.db.pool import Database
from deis_control.errors import NotFound
from deis_control.model import App
from deis_control.scheduler.world import Observed
from deis_control.services.previews import PlacementsView
from deis_node.cluster.names import RUN_TYPE


@dataclass(frozen=True, slots=True)
class Explanation:
    """What runs of an app; the copies oldest first."""

    app: App
    release: int
    """The latest live one."""
    processes: Sequence[Observed]


class Explain:
    """Use cases about why an app runs as it does."""

    def __init__(self, database: Database, view: PlacementsView) -> None:
        self._database = database
        self._view = view

    async def of(self, app: App, process: str | None) -> Explanation:
        """All copies but one-off runs, those of a type, or one such as `web.2`; NotFound."""
        async with self._database.connection() as conn:
            latest = await releases.latest(conn, app.uuid)
        found = [item for item in self._view.observed(app.id) if item.listed]
        chosen = _named(found, process)
        if process is not None and not chosen and process not in app.structure:
            raise NotFound
        ordered = sorted(chosen, key=lambda item: (item.placed.placement.created, item.copy))
        return Explanation(app, latest.version, ordered)


def _named(found: Sequence[Observed], process: str | None) -> list[Observed]:
    """Those of the copies that a type, or a type and a number, names; one-off runs by name only."""
    if process is None:
        return [item for item in found if item.copy.type != RUN_TYPE]
    return [item for item in found if process in (item.copy.type, item.copy.process)]
