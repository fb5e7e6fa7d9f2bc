"""Which copies of an app must be made again on another host, and why. PURE.

A loss needs no permission but time: none for copies that may be there twice, long enough for
single ones that their agent has ended them, and none for anybody while many hosts vanish at once.
What an operator has asked for (a drain, a move) goes on a few at a time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deis_control.scheduler.liveness import WINDOW
from deis_control.scheduler.world import Cause, Displacement, Lost, MoveSeen, Placed

PER_APP = 2
"""Planned moves of one app that may be under way at once."""

SETTLE = 0.5
"""Seconds that a loss must last: a host that was booted ends its old lease and takes a new one."""

PATIENCE = 120.0
"""Seconds after which a move whose new copy does not serve holds the others up no longer."""

AGAIN = 2.0
"""Seconds until an app asks again whether its next planned move may begin."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts, as far as moves of one app's copies depend on them."""

    now: float
    alive: frozenset[str]
    lost: Mapping[str, Lost] = field(default_factory=dict)
    """Those of the app's hosts that have no record."""
    draining: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    """Live hosts that take no new copies, or none that would have to move there."""
    held_until: float | None = None
    """Until when nothing moves, because many hosts vanished at once."""
    ttl: float = 10
    """Of the hosts' leases."""
    under_way: int = 0
    """Planned moves of the app that have begun and are not hopelessly late."""
    free: int = PER_APP
    """How many planned moves may begin, as far as all other apps are concerned."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """What is to be made again elsewhere, each by container name."""

    now: Mapping[str, Displacement] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Why a lost copy, or one that is to be moved, is not yet."""
    senseless: frozenset[str] = frozenset()
    """Wishes for moves that make no sense any more."""
    reconsider: float | None = None
    """When to ask again though nothing changes."""


def displaced(
    placed: Mapping[str, Placed], moves: Mapping[str, MoveSeen], fleet: Fleet
) -> Displaced:
    """Look at all placements of one app."""
    if not (fleet.lost or fleet.draining or moves):
        return Displaced()
    now, waiting = {}, {}
    moments: list[float] = []
    for name, item in placed.items():
        lost = fleet.lost.get(item.host)
        if lost is None:
            continue
        ready = _ready(item, lost, fleet)
        if fleet.alive and fleet.now >= ready:
            now[name] = Displacement(Cause.LOST, lost.since, None, f"{item.host} is lost")
            continue
        waiting[name] = f"{item.host} is lost, and {_why_not(item, fleet)}"
        if fleet.alive:
            moments.append(ready)
    senseless = _senseless(placed, moves, fleet)
    wished = {name: move for name, move in moves.items() if name not in senseless}
    planned, held, later = _planned(placed, wished, fleet)
    if later is not None:
        moments.append(later)
    return Displaced(now | planned, waiting | held, senseless, min(moments, default=None))


def _ready(item: Placed, lost: Lost, fleet: Fleet) -> float:
    """When a copy of a lost host may be made again.

    Its agent ends a single copy two TTLs after the last word of etcd, which the loss follows
    one TTL after that word; nobody knows how old a loss is that was not witnessed.
    """
    ready = lost.since + (SETTLE if lost.witnessed else fleet.ttl)
    if item.placement.single:
        ready = lost.surely_since + WINDOW * fleet.ttl + item.placement.grace
    return ready if fleet.held_until is None else max(ready, fleet.held_until)


def _why_not(item: Placed, fleet: Fleet) -> str:
    if not fleet.alive:
        return "no other host is alive"
    if fleet.held_until is not None:
        return "many hosts vanished at once: nothing moves until that is over"
    if item.placement.single:
        return f"{item.copy.process} must have ended there first"
    return "nobody knows yet whether it comes back at once"


def _senseless(
    placed: Mapping[str, Placed], moves: Mapping[str, MoveSeen], fleet: Fleet
) -> frozenset[str]:
    """Wishes for moves of what does not run, is single, or to where nothing may go."""

    def makes_sense(name: str, to: str | None) -> bool:
        item = placed.get(name)
        there = to is None or (to in fleet.alive and to not in fleet.closed)
        return bool(item and item.runs and not item.placement.single and item.host != to and there)

    if not fleet.alive:
        return frozenset()
    return frozenset(name for name, seen in moves.items() if not makes_sense(name, seen.move.to))


def _planned(
    placed: Mapping[str, Placed], wished: Mapping[str, MoveSeen], fleet: Fleet
) -> tuple[dict[str, Displacement], dict[str, str], float | None]:
    """What is moved because somebody wants it, why other such copies wait, and until when."""
    wanted: dict[str, Displacement] = {}
    for name, item in placed.items():
        if not item.runs or item.host in fleet.lost:
            continue
        if item.host in fleet.draining:
            text = f"{item.host} is being drained"
            wanted[name] = Displacement(Cause.DRAIN, fleet.now, None, text)
        elif name in wished:
            to = wished[name].move.to
            wanted[name] = Displacement(Cause.MOVE, fleet.now, to, "it was rebalanced")
    if not wanted:
        return {}, {}, None
    begun = {name for name in wanted if has_successor(placed[name], placed.values())}
    spare = max(0, min(PER_APP - fleet.under_way, fleet.free))
    if fleet.held_until is not None:
        spare = 0
    fresh = _in_turn(placed[name] for name in wanted if name not in begun)
    chosen = begun | set(fresh[:spare])
    later = None if len(fresh) <= spare else max(fleet.now + AGAIN, fleet.held_until or 0)
    held = {
        name: f"{found.sentence}; {_turn(fleet)}"
        for name, found in wanted.items()
        if name not in chosen
    }
    return {name: wanted[name] for name in wanted if name in chosen}, held, later


def _turn(fleet: Fleet) -> str:
    """Why a copy that somebody wants to be moved is not moved yet."""
    if fleet.held_until is not None:
        return "many hosts vanished at once: nothing moves until that is over"
    if fleet.under_way >= PER_APP:
        return f"it waits for its turn, of an app {PER_APP} copies move at once"
    return "it waits for its turn, a few copies move at once"


def has_successor(item: Placed, placed: Iterable[Placed]) -> bool:
    """Whether a copy was placed elsewhere in the place of this one, and is wanted still."""
    return any(other.runs and succeeds(other, item) for other in placed)


def succeeds(other: Placed, item: Placed) -> bool:
    """Whether the one was placed in the place of the other."""
    one, two = other.copy, item.copy
    same = (one.app, one.release, one.type, one.num) == (two.app, two.release, two.type, two.num)
    return same and other.placement.succeeds == two.generation


def _in_turn(items: Iterable[Placed]) -> list[str]:
    """Container names, types by turns: one whose copies fit nowhere does not hold the others up."""
    by_type: dict[str, list[Placed]] = {}
    for item in sorted(items, key=lambda item: item.copy):
        by_type.setdefault(item.copy.type, []).append(item)
    ranked = [(n, item.copy) for found in by_type.values() for n, item in enumerate(found)]
    return [copy.container for _, copy in sorted(ranked)]
