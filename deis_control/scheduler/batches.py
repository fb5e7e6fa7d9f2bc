"""An operation in batches: which copies come when, and how traffic moves over with them. PURE.

The new copies come batch after batch, and with each batch the share of the traffic that its
copies will have at the end. Old copies stay until the last batch serves: while the old release is
named in the route, if only with weight 0, nothing is committed, and all traffic can go back to it
(docs/decisions/0046).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest

from deis_control.scheduler.steps import PutRoute
from deis_control.scheduler.world import Target, Workers, World
from deis_node.cluster.names import CopyName, in_order
from deis_node.cluster.records import Route

_NOTHING: frozenset[CopyName] = frozenset()


@dataclass(frozen=True, slots=True)
class Batch:
    """What an app shall be when a batch is through."""

    number: int
    """From 1."""
    of: int
    target: Target
    """With the copies of this batch and those before, and the route when they serve."""
    moves: bool
    """Whether traffic moves when they serve."""

    @property
    def is_last(self) -> bool:
        """Whether the app is then as the operation wants it."""
        return self.number == self.of

    def told(self, sentence: str) -> str:
        """A sentence about the batch; which one it is goes before where there are several."""
        return sentence if self.of == 1 else f"batch {self.number} of {self.of}: {sentence}"


def batches(
    world: World, target: Target, closed: Collection[CopyName] = (), *, forward: bool
) -> list[Batch]:
    """The batches from the present one on; the last one is the whole target.

    With `forward` traffic has moved for good, and only the last one is left. `closed` are copies
    that cannot start before others have ended: they get no share of the traffic in a batch.
    """
    parts = divided(target)
    count = max(len(parts), 1)
    last = Batch(count, count, target, moves=True)
    if forward:
        return [last]
    placed = [n for n, part in enumerate(parts) if any(world.of(copy) for copy in part)]
    present = max(placed, default=0)
    return [*(_batch(world, target, parts, n, closed) for n in range(present, count - 1)), last]


def divided(target: Target) -> tuple[frozenset[CopyName], ...]:
    """The fresh copies in the order in which they come; no part is empty."""
    web = _split((copy for copy in target.fresh if copy.routable), target.batches)
    workers = _split((copy for copy in target.fresh if not copy.routable), target.batches)
    match target.workers:
        case Workers.BEFORE:
            parts = [*workers, *web]
        case Workers.AFTER:
            parts = [*web, *workers]
        case Workers.WITH:
            both = zip_longest(web, workers, fillvalue=_NOTHING)
            parts = [first | second for first, second in both]
    return tuple(part for part in parts if part)


def way_back(world: World, target: Target) -> PutRoute | None:
    """What gives all traffic back to the old release, if the operation has moved some of it."""
    route = world.route
    if route is None or not target.new_release or route.route.releases == target.route.releases:
        return None
    old = _old(route.route.releases, target)
    if not old or len(old) == len(route.route.releases):
        return None
    return PutRoute(replace(route.route, releases=dict.fromkeys(old, 1)), route.revision)


def _split(copies: Iterable[CopyName], count: int) -> list[frozenset[CopyName]]:
    """The copies in so many parts, each type divided evenly; a part may be empty."""
    types: dict[str, list[CopyName]] = {}
    for copy in in_order(copies):
        types.setdefault(copy.type, []).append(copy)
    parts: list[set[CopyName]] = [set() for _ in range(count)]
    for same in types.values():
        for index, copy in enumerate(same):
            parts[index * count // len(same)].add(copy)
    return [frozenset(part) for part in parts]


def _batch(
    world: World,
    target: Target,
    parts: tuple[frozenset[CopyName], ...],
    index: int,
    closed: Collection[CopyName],
) -> Batch:
    """One of the batches before the last."""
    there = frozenset().union(*parts[: index + 1])
    later = target.fresh - there
    route = _shared(world, target, there - frozenset(closed))
    goal = replace(target, copies=target.copies - later, fresh=there, route=route or target.route)
    return Batch(index + 1, len(parts), goal, moves=route is not None)


def _shared(world: World, target: Target, there: frozenset[CopyName]) -> Route | None:
    """The route while both releases serve; None when traffic does not move yet.

    Each new copy has the share that it will have at the end, the old release has the rest.
    Everything else stays as the old release has it.
    """
    if world.route is None or not target.new_release:
        return None
    served = {str(found.copy.release) for found in world.placed.values() if found.copy.routable}
    old = [name for name in _old(world.route.route.releases, target) if name in served]
    done = sum(copy.routable for copy in there)
    if not old or not done:
        return None
    left = sum(copy.routable for copy in target.fresh) - done
    releases = {**dict.fromkeys(old, left), **dict.fromkeys(target.route.releases, done)}
    domains, drain = target.route.domains, target.route.drain
    return replace(world.route.route, releases=releases, domains=domains, drain=drain)


def _old(releases: Mapping[str, int], target: Target) -> list[str]:
    """The releases of a route that the operation did not make."""
    return [release for release in releases if release not in target.route.releases]
