"""A copy's state in the API's words (semantics.md section 8). PURE."""

from deis_control.scheduler.world import Placed
from deis_node.cluster.records import Instance, Phase

_STATES = {
    Phase.PULLING: "created",
    Phase.STARTING: "created",
    Phase.RUNNING: "up",
    Phase.BACKOFF: "down",
    Phase.CRASHED: "crashed",
    Phase.FAILED: "crashed",
    Phase.ENDED: "down",
    Phase.STOPPING: "down",
    Phase.STOPPED: "destroyed",
}


def state_of(placed: Placed, instance: Instance | None, *, alive: bool) -> str:
    """The state of a copy; `unknown` while its host is not alive."""
    if not alive:
        return "unknown"
    if instance is None:
        return "created" if placed.runs else "destroyed"
    return _STATES[instance.phase]
