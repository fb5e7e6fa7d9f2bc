"""What the hosts are as nodes of a Docker Swarm, by their names. PURE."""

from collections.abc import Collection, Mapping

from deis_node.cluster.records import READY_NODE
from deis_node.docker.services import Node

READY = READY_NODE
DOWN = "down"
"""The managers have not heard of it, or not yet."""
CLOSED = "closed"
"""Somebody has set its availability to something else than `active`."""
TWICE = "twice"
"""Several nodes that are there bear the name: a service that is bound to it may run on either."""
ABSENT = "absent"
"""No node bears the name."""
UNKNOWN = "unknown"
"""No manager has been asked yet."""


def states(nodes: Collection[Node]) -> dict[str, str]:
    """Host name → what its node is; a name that nobody bears is missing.

    A node that left and joined again is another one of the same name; the old one is down, and
    counts only while there is no other.
    """
    found: dict[str, str] = {}
    for node in sorted(nodes, key=lambda item: item.ready):
        if node.ready and found.get(node.hostname, DOWN) != DOWN:
            found[node.hostname] = TWICE
        else:
            found[node.hostname] = _state(node)
    return found


def state_of(known: Mapping[str, str] | None, host: str) -> str:
    """What a host is, by what the leader has noted; None: nothing yet."""
    return UNKNOWN if known is None else known.get(host, ABSENT)


def _state(node: Node) -> str:
    if not node.ready:
        return DOWN
    return READY if node.availability == "active" else CLOSED
