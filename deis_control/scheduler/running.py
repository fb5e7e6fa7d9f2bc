"""The copies of all apps as a rebalance looks at them. PURE."""

from collections.abc import Iterable, Mapping

from deis_control.db.desired import Desired
from deis_control.scheduler.rebalance import Running
from deis_control.scheduler.rooms import Need
from deis_control.scheduler.world import Placed
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Move


def running_copies(
    placed: Iterable[Placed], wanted: Mapping[str, Desired], moves: Mapping[CopyName, Move]
) -> list[Running]:
    """The copies that serve; one that is on its way to another host counts there.

    What must not move is fixed: single types, copies on their way, and all copies of an app that
    is not at rest: that runs more than one release, or is not known to the database.
    """
    serving = [item for item in placed if item.runs]
    releases: dict[str, set[int]] = {}
    newest: dict[tuple[str, int, str, int], Placed] = {}
    several: set[tuple[str, int, str, int]] = set()
    for item in serving:
        releases.setdefault(item.copy.app, set()).add(item.copy.release)
        name = _name(item.copy)
        if name in newest:
            several.add(name)
        if name not in newest or newest[name].copy.generation < item.copy.generation:
            newest[name] = item
    found = []
    for name, item in newest.items():
        app, move = wanted.get(item.copy.app), moves.get(item.copy)
        resting = app is not None and app.built and len(releases[item.copy.app]) == 1
        still = item.placement.single or move is not None or name in several or not resting
        host = move.to if move is not None and move.to else item.host
        found.append(Running(item.copy, host, _need(item, app), fixed=still))
    return found


def _need(item: Placed, app: Desired | None) -> Need:
    return Need(
        memory=item.placement.memory or 0,
        tags=app.tags if app else {},
        cpu=item.placement.cpu or 0,
        arch=app.arch if app else "",
        engine=item.placement.engine,
    )


def _name(copy: CopyName) -> tuple[str, int, str, int]:
    """The copy's name whatever its generation: successors share it."""
    return copy.app, copy.release, copy.type, copy.num
