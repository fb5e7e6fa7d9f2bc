"""What an image's own health check says of a copy, and when that counts. PURE.

The check speaks of what the image is for, which is to serve: it counts for copies that requests
go to, and only if the app brings no health check of its own (docs/decisions/0047).
"""

from deis_node.cluster.records import Placement
from deis_node.docker.model import ContainerInfo, Health

_OUTPUT = 200
"""Characters of a check's output that are told."""


def asked_health(info: ContainerInfo, placement: Placement | None) -> Health | None:
    """The engine's word on a running container; None where it does not count."""
    counts = placement is not None and placement.copy.routable and placement.health is None
    return info.health if counts else None


def unhealthy(info: ContainerInfo) -> str:
    """Why a container that the engine calls unhealthy is ended, without the copy's name."""
    output = " ".join(info.health_output.split())[:_OUTPUT]
    return "was ended: the image's health check fails" + (f": {output}" if output else "")
