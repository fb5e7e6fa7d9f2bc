"""Traffic moves by acknowledgement: who still has to serve a barrier, and what drains. PURE.

Rule 4 of docs/architecture.md: a router counts from its first acknowledgement until its record
has been gone for a while; a live one that is late is named and waited for no longer.
"""

from dataclasses import dataclass

from deis_control.scheduler.timing import Timing
from deis_control.scheduler.world import Placed, World


@dataclass(frozen=True, slots=True)
class Barrier:
    """How far the routers are with one barrier."""

    revision: int
    waiting: tuple[str, ...]
    """Routers that still hold things up."""
    late: tuple[str, ...]
    """Routers that missed the deadline and are waited for no longer."""

    @property
    def settled(self) -> bool:
        """Whether the rollout may go on."""
        return not self.waiting


def barrier(world: World, revision: int, timing: Timing) -> Barrier:
    """Ask all routers that count whether they serve this revision."""
    waiting, late = [], []
    for router in world.routers:
        if router.served >= revision:
            continue
        if router.gone is not None:
            if not timing.reached(router.gone + world.limits.forget):
                waiting.append(router.name)
        elif timing.past(f"barrier {revision}", world.limits.acknowledge):
            late.append(router.name)
        else:
            waiting.append(router.name)
    return Barrier(revision, tuple(waiting), tuple(late))


def drained(world: World, placed: Placed, passed: Barrier, timing: Timing) -> bool:
    """Whether no router has a request in flight on a withdrawn copy, or the time is up.

    What a late router has in flight is unknown, so it costs the whole drain time.
    """
    drain = world.route.route.drain if world.route else world.limits.drain
    instance = world.instance_of(placed)
    live = [router for router in world.routers if router.gone is None]
    if not live:
        return True
    busy = instance is None or any(instance.address in router.draining for router in live)
    if not busy and not passed.late:
        return True
    return timing.past(f"drain {passed.revision}", drain)
