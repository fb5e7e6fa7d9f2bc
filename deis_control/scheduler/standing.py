"""The copies of all apps as a rebalance looks at them. PURE."""

from collections.abc import Iterable, Mapping

from deis_control.db.desired import Demand
from deis_control.scheduler.rebalance import Standing
from deis_control.scheduler.rooms import Need
from deis_control.scheduler.world import Placed
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Move


def standing_of(
    placed: Iterable[Placed], demands: Mapping[str, Demand], moves: Mapping[CopyName, Move]
) -> list[Standing]:
    """The copies that serve; a copy on its way counts where it shall be.

    What must not move is fixed: single types, copies on their way, and all copies of an app that
    is not at rest: that runs more than one release, or is not known to the database.
    """
    serving = [item for item in placed if item.runs]
    releases: dict[str, set[int]] = {}
    for item in serving:
        releases.setdefault(item.copy.app, set()).add(item.copy.release)
    found = []
    for item in serving:
        copy, placement = item.copy, item.placement
        demand, move = demands.get(copy.app), moves.get(copy)
        resting = demand is not None and len(releases[copy.app]) == 1
        need = Need(
            memory=placement.memory or 0,
            tags=demand.tags if demand else {},
            cpu=placement.cpu or 0,
            arch=demand.arch if demand else "",
        )
        host = move.to if move is not None and move.to else item.host
        fixed = placement.single or move is not None or not resting
        found.append(Standing(copy, host, need, fixed))
    return found
