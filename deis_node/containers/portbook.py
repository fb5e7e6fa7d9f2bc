"""The host's ports, kept in memory and on disk."""

import time
from collections.abc import Collection
from pathlib import Path

from deis_node.containers import ports
from deis_node.containers.ports import Ports
from deis_node.containers.saved import StateFile


class PortBook:
    """Gives ports to containers and remembers them; the rules are those of `ports`."""

    def __init__(self, path: Path, *, low: int, high: int, quarantine: float) -> None:
        self.file = StateFile(path, Ports)
        self._quarantine = quarantine
        self._ports = ports.empty(low, high)

    async def load(self) -> None:
        """Remember what was given away before."""
        saved, _ = await self.file.load()
        if saved is not None:
            self._ports = ports.within(saved, self._ports.low, self._ports.high)

    def take(self, container: str, app: str) -> int:
        """A port for a container, the one it had if it had one; `ports.NoPort`."""
        now = time.time()
        made, port = ports.take(self._ports, container, app, now=now, quarantine=self._quarantine)
        self._keep(made)
        return port

    def adopt(self, container: str, app: str, port: int) -> None:
        """A container that exists says that it has this port."""
        self._keep(ports.adopt(self._ports, container, app, port))

    def release(self, container: str) -> None:
        """A container is gone for good."""
        self._keep(ports.release(self._ports, container, now=time.time()))

    def keep(self, containers: Collection[str]) -> None:
        """There are these containers and no others.

        Who gave a port away, or took it back, may have died before that was written down.
        """
        self._keep(ports.keep(self._ports, containers, now=time.time()))

    async def saved(self) -> None:
        """Wait until what was given away stands on disk; OSError when the disk refuses.

        Before a container is made: else its port would be another app's at once, when both the
        container and what we know of it are lost.
        """
        await self.file.flush()

    def refuse(self, container: str) -> None:
        """Somebody outside the platform holds the port that the container was given."""
        self._keep(ports.refuse(self._ports, container, now=time.time()))

    def _keep(self, made: Ports) -> None:
        if made is not self._ports:
            self._ports = made
            self.file.put(made)
