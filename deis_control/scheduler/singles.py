"""Copies of which there must never be two: who must have ended before one may start. PURE.

It is by process type and number, over generations and releases: `DEIS_SINGLE=worker` with two
workers means that there is never a second `worker.1` and never a second `worker.2`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deis_control.scheduler.world import Cause, Placed, Target, World
from deis_node.cluster.names import RUN_TYPE, CopyName, is_process_type
from deis_node.cluster.records import Phase, PlacementState

SINGLE = "DEIS_SINGLE"
"""The config value that names single process types, separated by commas."""


def single_types(values: Mapping[str, str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The process types that an app's config names as single, and the entries that are none."""
    entries = [part.strip() for part in values.get(SINGLE, "").split(",")]
    named = [entry for entry in entries if entry]
    good = [entry for entry in named if is_process_type(entry) and entry != RUN_TYPE]
    return frozenset(good), tuple(entry for entry in named if entry not in good)


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands before the start of a single copy."""

    closed: tuple[Placed, ...] = ()
    """Copies that may still run, or whose host has not confirmed their end."""
    dead: tuple[Placed, ...] = ()
    """Copies on hosts that are lost for so long that their agents have ended them."""


def gates(world: World, target: Target, copies: Iterable[CopyName]) -> Mapping[CopyName, Gate]:
    """The gates of those of the copies that are single and have any rival."""
    single = [copy for copy in copies if copy.type in target.single]
    if not single:
        return {}
    rivals: dict[tuple[str, int], list[Placed]] = {}
    for item in world.placed.values():
        if not _ended(world, item):
            rivals.setdefault((item.copy.type, item.copy.num), []).append(item)
    found = {}
    for copy in single:
        others = [item for item in rivals.get((copy.type, copy.num), ()) if item.copy != copy]
        if others:
            dead = tuple(item for item in others if _dead(world, item))
            found[copy] = Gate(tuple(item for item in others if item not in dead), dead)
    return found


def _ended(world: World, item: Placed) -> bool:
    """Whether its host has confirmed that nothing is left of the copy."""
    instance = world.instance_of(item)
    stopped = instance is not None and instance.phase is Phase.STOPPED
    return item.placement.state is PlacementState.STOP and stopped


def _dead(world: World, item: Placed) -> bool:
    """Whether nothing of the copy runs although its host is silent: agents end what is single.

    A copy from before its type was single, or that another engine runs, may run there for ever.
    """
    if not item.placement.single:
        return False
    found = world.displaced.get(item.copy.container)
    return found is not None and found.cause is Cause.LOST
