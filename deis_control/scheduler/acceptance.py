"""What an older database does to the apps once an operator accepts it. PURE.

The same question that each look at an app answers, asked of all apps beforehand: what runs now
and is not wanted by the database. What would be made besides is no loss, and not told.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from deis_control.db.desired import Desired
from deis_control.scheduler.formation import settled_copies
from deis_control.scheduler.snapshot import AppKeys
from deis_control.scheduler.world import Placed
from deis_node.cluster.names import CopyName


@dataclass(frozen=True, slots=True)
class Loss:
    """What becomes of one app."""

    app: str
    removed: bool
    """Whether the database does not know it: then nothing of it stays."""
    serves: tuple[int, ...]
    """The releases that get requests now."""
    release: int | None
    """The one that will; None for an app that is removed."""
    stops: tuple[CopyName, ...] = ()

    @property
    def goes_back(self) -> bool:
        """Whether another release will serve than does now."""
        return not self.removed and self.serves not in ((), (self.release,))


def losses(
    held: Mapping[str, AppKeys], wanted: Mapping[str, Desired], commands: Collection[str]
) -> list[Loss]:
    """What each app loses, by id; apps that lose nothing are left out.

    `commands` are the uuids of the one-off commands that the database knows as under way.
    """
    found = (_loss(app, held[app], wanted.get(app), commands) for app in sorted(held))
    return [loss for loss in found if loss.removed or loss.stops or loss.goes_back]


def _loss(app: str, keys: AppKeys, wanted: Desired | None, commands: Collection[str]) -> Loss:
    named = keys.route.route.releases if keys.route is not None else {}
    serves = tuple(sorted(int(release) for release, weight in named.items() if weight))
    ended = {item.copy for item in keys.runs.values() if item.placement.uuid not in commands}
    stops = tuple(sorted({*_unwanted(keys.placed.values(), wanted), *ended}))
    release = wanted.release if wanted is not None else None
    return Loss(app, wanted is None, serves, release, stops)


def _unwanted(placed: Collection[Placed], wanted: Desired | None) -> set[CopyName]:
    """The running copies of which the database wants none of the same release, type and number."""
    running = {item.copy for item in placed if item.runs}
    if wanted is None:
        return running
    structure = wanted.structure if wanted.built else {}
    settled = settled_copies(wanted.id, wanted.release, structure, placed)
    places = {(copy.release, copy.type, copy.num) for copy in settled}
    return {copy for copy in running if (copy.release, copy.type, copy.num) not in places}
