"""Containers of copies that another scheduling engine makes: which of them is the copy's own.

Docker Swarm makes a new container each time that one ends, keeps a few of the ended ones, and has
the next one lie ready before its time.
"""

from collections.abc import Iterable

from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Placement
from deis_node.docker import labels, marks
from deis_node.docker.client import Docker
from deis_node.docker.errors import NotFound
from deis_node.docker.model import Container, ContainerInfo, State

UP = frozenset({State.RUNNING, State.PAUSED, State.RESTARTING})


async def find(
    docker: Docker, platform: str, name: CopyName, wanted: Placement | None
) -> ContainerInfo | None:
    """The container that counts for a copy; None when there is none at all. Unavailable.

    One that runs; else the newest that ended or could not be started; else the newest. Those of
    an earlier placement of the name are none of the wanted one's.
    """
    asked = {
        labels.PLATFORM: platform,
        labels.APP: name.app,
        labels.RELEASE: str(name.release),
        labels.TYPE: name.type,
        labels.NUM: str(name.num),
        labels.GENERATION: str(name.generation),
        labels.PLACEMENT: "" if wanted is None else wanted.uuid,
    }
    newest: ContainerInfo | None = None
    for item in ranked(await docker.list(asked)):
        try:
            info = await docker.inspect(item.id)
        except NotFound:
            continue
        if item.state in UP or info.finished_at or info.error:
            return info
        newest = newest or info
    return newest


def ranked(found: Iterable[Container]) -> list[Container]:
    """Adopted containers of one copy, those that run first, then the newest first. PURE."""
    ours = [item for item in found if marks.is_adopted(item.name, item.labels)]
    return sorted(ours, key=lambda item: (item.state not in UP, -item.created))


def by_copy(found: Iterable[Container]) -> dict[str, Container]:
    """The container that counts for each copy, by the copy's container name. PURE.

    Containers of the agent's own bear that name; what is no copy's keeps its own.
    """
    made: dict[str, Container] = {}
    for item in found:
        copy = marks.copy_of(item.name, item.labels)
        name = item.name if copy is None else copy.container
        before = made.get(name)
        if before is None or (item.state in UP and before.state not in UP):
            made[name] = item
    return made
