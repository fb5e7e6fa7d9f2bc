"""What this agent knows of each copy on its host: the one view that its rooms share.

The runner writes it; the publisher and logspout read it and are woken by what changes. It is
memory only: after a restart the runner fills it again from the Docker Engine.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from deis_node.cluster.names import CopyName
from deis_node.cluster.records import LastExit, Phase, Placement, Prepared
from deis_node.docker.model import Health

_ON_THE_WAY = frozenset({Phase.PULLING, Phase.STARTING})


@dataclass(frozen=True, slots=True)
class CopyView:
    """One copy: what is wanted of it, and what is there."""

    name: CopyName
    placement: Placement | None = None
    revision: int = 0
    """The placement's mod_revision; 0 while the store does not hold it as we do."""
    epoch: int = 0
    """Another one means that nothing is known any more of what the store holds."""
    dismissed: bool = False
    """A trusted store has no placement for it: it is on its way out."""
    known: bool = False
    """Whether the Docker Engine has been asked about it; what follows counts only then."""
    phase: Phase = Phase.STARTING
    container_id: str | None = None
    """None while there is no container."""
    run: str | None = None
    """Another one for each start of the container; None while it does not run."""
    address: str | None = None
    """`ip:port` of the container itself, while it runs."""
    public: str | None = None
    """`ip:port` on the host that leads there."""
    health: Health | None = None
    """The engine's word on the run, where that is what counts; None where we ask ourselves."""
    restarts: int = 0
    """Since this agent started."""
    last_exit: LastExit | None = None
    """The last one that this agent saw."""
    error: str | None = None
    """Why it does not run, as a sentence."""
    prepared: Prepared | None = None
    """What is ready for another scheduling engine to make its container."""

    @property
    def on_its_way(self) -> bool:
        """Whether this host works on bringing it up; not while another engine has to."""
        return self.phase in _ON_THE_WAY and self.prepared is None


class Changes:
    """One reader's list of the copies that changed since it last asked."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = set(names)
        self._some = asyncio.Event()
        if names:
            self._some.set()

    def tell(self, container: str) -> None:
        """A copy changed."""
        self._names.add(container)
        self._some.set()

    async def next(self) -> frozenset[str]:
        """The container names of the copies that changed; waits for the first."""
        await self._some.wait()
        names = frozenset(self._names)
        self._names.clear()
        self._some.clear()
        return names


class Copies:
    """All copies of this host, by container name."""

    def __init__(self) -> None:
        self._views: dict[str, CopyView] = {}
        self._readers: list[Changes] = []

    def get(self, container: str) -> CopyView | None:
        """One copy; None when nothing is known of it, or it is gone."""
        return self._views.get(container)

    def all(self) -> Mapping[str, CopyView]:
        """All copies as they are now."""
        return dict(self._views)

    def put(self, view: CopyView) -> None:
        """Replace what is known of a copy; nobody is woken when it is the same."""
        name = view.name.container
        if self._views.get(name) != view:
            self._views[name] = view
            self._tell(name)

    def drop(self, container: str) -> None:
        """Nothing is left of the copy."""
        if self._views.pop(container, None) is not None:
            self._tell(container)

    def subscribe(self) -> Changes:
        """A reader's own list of changes; at first it names every copy there is."""
        changes = Changes(frozenset(self._views))
        self._readers.append(changes)
        return changes

    def _tell(self, container: str) -> None:
        for reader in self._readers:
            reader.tell(container)
