"""How copies leave: withdrawn, then drained, then stopped, then forgotten. PURE.

The order holds whatever the copies leave for (a new release, a scale, a failed rollout, the
app's end), and each decision finds from the store alone where they are on their way.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from deis_control.scheduler.routers import Barrier, barrier, drained
from deis_control.scheduler.steps import DropRoute, Forget, PutRoute, Raise, Step, Stop, Withdraw
from deis_control.scheduler.timing import Timing
from deis_control.scheduler.world import Placed, World
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Phase, PlacementState


@dataclass(frozen=True, slots=True)
class Retirement:
    """What is to be done about copies that leave, and what is left of them."""

    steps: tuple[Step, ...] = ()
    serving: tuple[Placed, ...] = ()
    """Copies that traffic may still reach."""
    barrier: Barrier | None = None
    """The barrier that withdrawn copies wait for."""


def retire(
    world: World,
    leaving: list[Placed],
    timing: Timing,
    *,
    settled: bool,
    awaited: Collection[CopyName] = (),
) -> Retirement:
    """The next steps for copies that are not wanted.

    `settled` says that whoever takes over from them serves. Before that only those may go that
    no router sends a request to: their release is not in the route, and all routers know. And
    those that are `awaited`: single ones, whose successors cannot start before they have ended.
    """
    steps: list[Step] = list(_forgotten(world, leaving))
    running = [placed for placed in leaving if placed.runs]
    going = running if settled else _unrouted(world, running, timing)
    going = [*going, *(item for item in running if item.copy in awaited and item not in going)]
    steps += [Stop(placed) for placed in going if _idle(world, placed)]
    withdraw = [placed for placed in going if not _idle(world, placed)]
    withdrawn = _in_state(leaving, PlacementState.WITHDRAW)
    passed = None
    if withdraw:
        over = serving_endpoints(world) if settled else ()
        steps += [*_withdrawn(withdraw, over), _raise(world)]
    elif withdrawn:
        steps_on, passed = _stopped(world, withdrawn, timing)
        steps += steps_on
    stopped = {step.placed.copy for step in steps if isinstance(step, Stop)}
    serving = [*running, *withdrawn]
    return Retirement(
        tuple(steps),
        tuple(placed for placed in serving if placed.copy not in stopped),
        passed,
    )


def _forgotten(world: World, leaving: list[Placed]) -> list[Forget]:
    """What the hosts have stopped."""
    steps = []
    for placed in _in_state(leaving, PlacementState.STOP):
        seen = world.seen_of(placed)
        if seen is not None and seen.instance.phase is Phase.STOPPED:
            steps.append(Forget(placed, seen.revision))
    return steps


def _unrouted(world: World, running: list[Placed], timing: Timing) -> list[Placed]:
    """Those of the copies that no router sends a request to, as all routers have confirmed."""
    if world.route is None:
        return running
    named = world.route.route.releases
    outside = [placed for placed in running if str(placed.copy.release) not in named]
    if all(_idle(world, placed) for placed in outside):
        return outside
    known = world.awaited >= world.route.revision
    if known and barrier(world, world.route.revision, timing).settled:
        return outside
    return [placed for placed in outside if _idle(world, placed)]


def _idle(world: World, placed: Placed) -> bool:
    """Whether no request can ever have reached the copy.

    What is not known about a copy that could serve (its host is silent, the store was lost)
    counts against it: then it is withdrawn and drained like one that serves.
    """
    if not placed.copy.routable:
        return True
    instance = world.instance_of(placed)
    if world.endpoint_of(placed.copy) is not None or instance is None:
        return False
    return instance.address is None


def _stopped(
    world: World, withdrawn: list[Placed], timing: Timing
) -> tuple[list[Step], Barrier | None]:
    """Stop those that have drained behind the barrier; raise it first if nobody did."""
    newest = max(placed.revision for placed in withdrawn)
    revision = newest if world.route is None else world.route.revision
    if revision < newest or world.awaited < revision:
        return [_raise(world)], None
    passed = barrier(world, revision, timing)
    if not passed.settled:
        return [], passed
    return [Stop(p) for p in withdrawn if drained(world, p, passed, timing)], passed


def _withdrawn(going: list[Placed], serving: tuple[tuple[str, int], ...]) -> Iterator[Withdraw]:
    """Withdraw copies, each while its share of those that take over still serves.

    Many copies need several transactions; so each of these sees for itself who takes over.
    """
    for number, placed in enumerate(going):
        share = serving[number :: len(going)]
        if serving and not share:
            share = (serving[number % len(serving)],)
        yield Withdraw(placed, share)


def _raise(world: World) -> Step:
    """The barrier for what was just withdrawn: the route is written once more, so that every
    router reads the app's endpoints anew before it acknowledges.
    """
    if world.route is None:
        return Raise()
    if world.target is None:
        return DropRoute(world.route.revision)
    return PutRoute(world.route.route, world.route.revision)


def serving_endpoints(world: World, most: int = 80) -> tuple[tuple[str, int], ...]:
    """Endpoints of wanted copies, that must still be there when traffic moves to them."""
    wanted = world.target.copies if world.target else frozenset()
    found = ((world.placed.get(name), name, seen) for name, seen in world.endpoints.items())
    theirs = ((name, seen.revision) for item, name, seen in found if item and item.copy in wanted)
    return tuple(islice(theirs, most))


def _in_state(leaving: list[Placed], state: PlacementState) -> list[Placed]:
    return [placed for placed in leaving if placed.placement.state is state]
