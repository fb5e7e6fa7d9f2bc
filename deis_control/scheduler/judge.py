"""How far a copy is, and when it has failed: the words of an operation's reason. PURE."""

from enum import IntEnum

from deis_control.scheduler.timing import Timing
from deis_control.scheduler.world import Placed, World
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Instance, LastExit, Phase, Placement


class Stage(IntEnum):
    """How far a wanted copy is on its way to serving."""

    MISSING = 0
    LOST = 1
    """Its host is not there: whatever was last known of the copy, nobody is served by it."""
    PLACED = 2
    PULLING = 3
    STARTING = 4
    READY = 5
    """Healthy, but its endpoint is not published yet."""
    SERVING = 6


def stage_of(world: World, copy: CopyName) -> Stage:
    """How far the copy is, as its host reports it."""
    placed = world.of(copy)
    if placed is None:
        return Stage.MISSING
    if placed.host in world.lost:
        return Stage.LOST
    instance = world.instance_of(placed)
    if instance is None or not placed.runs:
        return Stage.PLACED
    if instance.phase is Phase.PULLING:
        return Stage.PULLING
    if not instance.ready:
        return Stage.STARTING
    if copy.routable and instance.address and not _published(world, placed):
        return Stage.READY
    return Stage.SERVING


def _published(world: World, placed: Placed) -> bool:
    """Whether the copy's endpoint is there, put by the host that runs it."""
    found = world.endpoint_of(placed.copy)
    return found is not None and found.endpoint.host == placed.host


def failure_of(world: World, copy: CopyName, timing: Timing) -> str | None:
    """Why a copy that an operation made is given up, if it is: a sentence, then its last lines.

    The first exit is enough: a copy that ends while it is deployed is not waited for.
    """
    placed = world.of(copy)
    if placed is None:
        return None
    instance = world.instance_of(placed)
    if instance is not None:
        if instance.last_exit is not None:
            return exit_text(copy.process, instance.last_exit)
        if instance.phase in (Phase.FAILED, Phase.CRASHED):
            return f"{copy.process} could not be started: {instance.error or 'no reason given'}"
    return _overdue(world, placed, instance, timing)


def _overdue(world: World, placed: Placed, instance: Instance | None, timing: Timing) -> str | None:
    """The deadline that the copy missed, in words."""
    copy, limits = placed.copy, world.limits
    allowed = limits.deploy + asked_delay(placed.placement)
    match stage_of(world, copy):
        case Stage.LOST:
            seconds, words = limits.lost, f"was lost with {placed.host} and not made again"
        case Stage.PLACED:
            seconds, words = limits.pickup, f"was not taken up by {placed.host}"
        case Stage.PULLING:
            seconds, words = limits.pull, "did not get its image"
        case Stage.STARTING if _awaits_swarm(instance):
            seconds, words = allowed, "was not started by Docker Swarm"
        case Stage.STARTING:
            seconds, words = allowed, "did not become healthy"
        case Stage.READY:
            seconds, words = limits.deploy, "was not published"
        case _:
            return None
    if not timing.past(f"{words.replace(' ', '-')} {copy.container}", seconds):
        return None
    error = f": {instance.error}" if instance is not None and instance.error else ""
    return f"{copy.process} {words} within {seconds:g} s{error}"


def _awaits_swarm(instance: Instance | None) -> bool:
    """Whether its host has everything ready, and Docker Swarm has made no container yet."""
    return instance is not None and instance.prepared is not None


def asked_delay(placement: Placement) -> float:
    """Seconds that the app itself wants to pass before the copy can be ready."""
    delay = placement.health.initial_delay if placement.health else 0
    return delay + (placement.runs_for or 0)


def exit_text(process: str, last: LastExit) -> str:
    """`web.1 exited with code 1`, and the copy's last log lines below."""
    if last.why is not None:
        return "\n".join((f"{process} {last.why}", *last.lines))
    if last.signal is not None:
        ended = f"was killed by signal {last.signal}"
    else:
        ended = f"exited with code {last.code}"
    oom = " (out of memory)" if last.oom else ""
    return "\n".join((f"{process} {ended}{oom}", *last.lines))


def progress_text(world: World, copy: CopyName) -> str:
    """Where a copy is that is not serving yet: `web.1: starting on host-1`."""
    placed = world.of(copy)
    if placed is None:
        return f"{copy.process}: not placed yet"
    if _awaits_swarm(world.instance_of(placed)) and stage_of(world, copy) is Stage.STARTING:
        return f"{copy.process}: to be started by Docker Swarm on {placed.host}"
    words = {
        Stage.LOST: "lost with",
        Stage.PLACED: "starting on",
        Stage.PULLING: "pulling its image on",
        Stage.STARTING: "starting on",
        Stage.READY: "being published on",
        Stage.SERVING: "serving on",
    }
    return f"{copy.process}: {words[stage_of(world, copy)]} {placed.host}"


def progress_of(world: World, copies: list[CopyName], most: int = 5) -> str:
    """The first few copies of a list in words, and how many more there are."""
    texts = [progress_text(world, copy) for copy in copies[:most]]
    if len(copies) > most:
        texts.append(f"and {len(copies) - most} more")
    return ", ".join(texts)
