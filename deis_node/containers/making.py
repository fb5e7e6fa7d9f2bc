"""Makes the container of one copy: image, config, port, create, start.

Every way in which that can fail becomes an outcome that says what to do about it. Only
`Unavailable` passes through: from an engine that does not answer nothing is concluded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from deis_node.cluster.etcd import EtcdError
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Placement, Prepared
from deis_node.cluster.seal import SealError
from deis_node.containers import spec
from deis_node.containers.envs import EnvMissing, Envs
from deis_node.containers.gate import Gate
from deis_node.containers.lost import end_lost
from deis_node.containers.portbook import PortBook
from deis_node.containers.ports import NoPort
from deis_node.containers.pulls import Pulls
from deis_node.containers.spec import Logging, Place
from deis_node.docker.client import Docker
from deis_node.docker.errors import (
    Conflict,
    DockerError,
    NotFound,
    StartFailed,
    StartFault,
    Unavailable,
)
from deis_node.docker.marks import Published
from deis_node.docker.model import ImageInfo

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Made:
    """Done, as far as the engine says; look at it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Things are not as they were a moment ago: look again."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """The image is on its way."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """It cannot be made now, but what is missing will come."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot be made; the reason is a sentence for people."""

    reason: str


Outcome = Made | Again | Fetching | NotYet | Failed

Still = Callable[[], bool]
"""Whether a step is still to be taken when its turn has come: meanwhile the placement may say
`stop`, or a single copy's time may be over."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a container is made from, its image being there."""

    env: Mapping[str, str]
    port: Published | None


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes and starts containers of this host."""

    docker: Docker
    envs: Envs
    ports: PortBook
    pulls: Pulls
    place: Place
    logging: Logging
    kept: Callable[[], None]
    """Called when there is another config to be kept on disk."""
    gate: Gate
    """Not all containers are made and started at once."""

    async def make(self, wanted: Placement, still: Still) -> Outcome:
        """Make the container that a placement asks for, and start it."""
        ready = await self._ready(wanted)
        if not isinstance(ready, _Ready):
            return ready
        async with self.gate.passed():
            if not still():
                return Again()
            made = await self._create(wanted, ready)
            return await self.start(made, wanted) if isinstance(made, str) else made

    async def start_in_turn(self, container: str, wanted: Placement, still: Still) -> Outcome:
        """Start a container that exists, when not many are being started."""
        async with self.gate.passed():
            return await self.start(container, wanted) if still() else Again()

    async def create(self, wanted: Placement) -> str | Outcome:
        """Make the container and leave it there: its id, or why there is none."""
        ready = await self._ready(wanted)
        return await self._create(wanted, ready) if isinstance(ready, _Ready) else ready

    async def prepare(self, wanted: Placement) -> Prepared | Outcome:
        """Have ready what another scheduling engine needs to make the container here."""
        ready = await self._ready(wanted)
        if not isinstance(ready, _Ready):
            return ready
        if ready.port is None:
            return Prepared(wanted.uuid)
        return Prepared(wanted.uuid, port=ready.port.host, inside=ready.port.inside)

    async def _ready(self, wanted: Placement) -> "_Ready | Outcome":
        """Image, config and port of a container that is to be made."""
        image = await self.docker.image(wanted.image)
        if image is None:
            return self._fetch(wanted.image)
        try:
            env = await self.envs.values(wanted.env)
            self.kept()
            port = self._port(wanted.copy, env, image)
            await self.ports.saved()
            return _Ready(env, port)
        except EtcdError as err:
            return NotYet(f"its config cannot be read: {err}")
        except OSError as err:
            return NotYet(f"its port cannot be written down: {err.strerror or err}")
        except (EnvMissing, SealError, NoPort) as err:
            return Failed(str(err))

    async def start(self, container: str, wanted: Placement) -> Outcome:
        """Start a container that exists, at once."""
        try:
            await self.docker.start(container)
        except NotFound:
            return Again()
        except StartFailed as err:
            if err.fault is StartFault.PORT_TAKEN:
                return await self._other_port(container, wanted.copy)
            if await end_lost(container):
                return NotYet(f"the engine had lost it while it ran: {err.text}")
            return Failed(spec.explain(err.text, wanted))
        return Made()

    def _fetch(self, reference: str) -> Outcome:
        fault = self.pulls.begin(reference)
        if fault is None:
            return Fetching()
        reason = f"the image cannot be fetched: {fault}"
        return Failed(reason) if spec.is_unknown_image(fault) else NotYet(reason)

    def _port(self, name: CopyName, env: Mapping[str, str], image: ImageInfo) -> Published | None:
        inside = spec.container_port(name, env, image.exposed_ports)
        if inside is None:
            return None
        return Published(inside=inside, host=self.ports.take(name.container, name.app))

    async def _create(self, wanted: Placement, ready: _Ready) -> str | Outcome:
        body = spec.body(wanted, ready.env, self.place, ready.port, self.logging)
        try:
            return await self.docker.create(wanted.copy.container, body)
        except Unavailable:
            raise
        except (Conflict, NotFound) as err:
            # The name or the image is not what it was a moment ago: look again, but not at once.
            return NotYet(err.text)
        except DockerError as err:
            return Failed(spec.explain(err.text, wanted))

    async def _other_port(self, container: str, name: CopyName) -> Outcome:
        """A container's port is fixed when it is made, so it is made anew with another one."""
        log.warning("host port is taken", container=name.container)
        self.ports.refuse(name.container)
        await end_lost(container)
        await self.docker.remove(container, force=True)
        return Again()
