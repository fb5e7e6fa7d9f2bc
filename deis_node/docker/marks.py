"""What a copy's container carries, whichever scheduling engine makes it: labels, environment. PURE.

Agents find their copies by it, so the leader that has Docker Swarm make a container and the agent
that makes one itself must write the same.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from deis_node.cluster.names import RUN_TYPE, CopyName, parse_container
from deis_node.cluster.records import NATIVE, Placement
from deis_node.docker import labels


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the container and the host port that it is published on."""

    inside: int
    host: int


def environment(placement: Placement, env: Mapping[str, str], host: str) -> list[str]:
    """What the container finds in its environment: the user's values, then ours over them."""
    ours = {
        "DEIS_APP": placement.app,
        "DEIS_RELEASE": f"v{placement.release}",
        "DEIS_CONTAINER": placement.copy.job,
        "DEIS_HOST": host,
    }
    users = {key: value for key, value in env.items() if key not in ours}
    return [f"{key}={value}" for key, value in {**users, **ours}.items()]


def fingerprint(placement: Placement) -> str:
    """What the placement asks of its container, as a short hash.

    It is made from the placement, not from the create body, so that a new agent that writes
    bodies in another way finds its containers as they should be. What changes with the release
    only, or must not end what runs (the limit of processes), is no part of it.
    """
    asked = [
        placement.image,
        placement.command,
        placement.env,
        placement.memory,
        placement.cpu,
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def labels_of(placement: Placement, platform: str, port: Published | None) -> dict[str, str]:
    """The labels of a copy's container."""
    made = {
        labels.PLATFORM: platform,
        labels.APP: placement.app,
        labels.RELEASE: str(placement.release),
        labels.TYPE: placement.type,
        labels.NUM: str(placement.num),
        labels.GENERATION: str(placement.generation),
        labels.SPEC: fingerprint(placement),
    }
    if placement.type == RUN_TYPE:
        made[labels.RUN] = placement.uuid
    if placement.engine != NATIVE:
        made |= {labels.ENGINE: placement.engine, labels.PLACEMENT: placement.uuid}
    return made if port is None else {**made, labels.PORT: f"{port.host}:{port.inside}"}


def copy_of(name: str, found: Mapping[str, str]) -> CopyName | None:
    """The copy whose container bears this name and these labels; None when it is none of ours.

    Another engine than the agent's own chooses the names of its containers itself.
    """
    try:
        made = CopyName(
            app=found[labels.APP],
            release=int(found[labels.RELEASE]),
            type=found[labels.TYPE],
            num=int(found[labels.NUM]),
            generation=int(found[labels.GENERATION]),
        )
    except (KeyError, ValueError):
        return None
    return made if made.container == name or is_adopted(name, found) else None


def is_adopted(name: str, found: Mapping[str, str]) -> bool:
    """Whether another engine than the agent's own has made the container of this name and labels.

    The agent's own bears a copy's name, whatever labels a user's image brings.
    """
    return labels.ENGINE in found and parse_container(name) is None


def published(found: Mapping[str, str]) -> Published | None:
    """The port that a container's labels tell."""
    host, _, inside = found.get(labels.PORT, "").partition(":")
    if not (host.isdecimal() and inside.isdecimal()):
        return None
    return Published(inside=int(inside), host=int(host))
