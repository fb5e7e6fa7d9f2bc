"""Images on their way into the platform's registry: built ones, and those of `deis pull`.

What comes out is always a reference by digest, which no later push can move.
"""

import asyncio
import re

import structlog

from deis_control.errors import BadRequest, Unavailable
from deis_control.registry.client import Registry, RegistryError, RegistryUnavailable
from deis_control.registry.names import Names, git_tag
from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError, NotFound, PullFailed, PushFailed
from deis_node.docker.errors import Unavailable as EngineAway
from deis_node.docker.model import ImageInfo
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_ID_DIGITS = 12
_ID = re.compile(r"(sha256:)?[0-9a-f]{12,64}")


class Images:
    """The builder's Docker Engine and the registry, as one way for images."""

    def __init__(
        self, docker: Docker, registry: Registry, names: Names, *, patience: float = 20.0
    ) -> None:
        """`patience` is for how many seconds a push is tried again."""
        self._docker = docker
        self._registry = registry
        self.names = names
        """What the images of this platform are called."""
        self._patience = patience

    def tagged(self, app: str, tag: str) -> str:
        """The name under which an image of the app is built and pushed."""
        return self.names.tagged(app, tag)

    async def publish(self, app: str, tag: str) -> str:
        """Send an image that bears `tagged(app, tag)`: its reference by digest.

        Tried again while the registry is away, as after its restart; DockerError says why it did
        not get there.
        """
        return self.names.pinned(app, await self._push(self.tagged(app, tag)))

    async def import_image(self, app: str, image: str) -> str:
        """Pull an image from wherever it is named and push it as the app's.

        BadRequest when it cannot be had, Unavailable when engine or registry are away.
        """
        if _ID.fullmatch(image):
            raise BadRequest(f"{image} is the id of an image, not its name.")
        self._refuse_foreign(app, image)
        found = await self._fetch(image)
        tag = f"image-{found.id.removeprefix('sha256:')[:_ID_DIGITS]}"
        try:
            await self._docker.tag(found.id, self.names.repository(app), tag)
            return await self.publish(app, tag)
        except DockerError as err:
            raise Unavailable(f"The image could not be sent to the registry: {err}") from err

    async def find_image(self, app: str, sha: str) -> str:
        """The reference by digest of the image that a push of this commit left in the registry.

        BadRequest when there is none, Unavailable when the registry is away.
        """
        try:
            digest = await self._registry.digest(app, git_tag(sha))
        except (RegistryUnavailable, RegistryError) as err:
            raise Unavailable(f"The registry could not be asked: {err}") from err
        if digest is None:
            raise BadRequest(f"There is no image {app}:{git_tag(sha)} in the registry.")
        return self.names.pinned(app, digest)

    async def architecture(self, reference: str) -> str:
        """What an image is built for; empty when the engine does not have it, or is away."""
        try:
            found = await self._docker.image(reference)
        except DockerError:
            return ""
        return found.arch if found is not None else ""

    def _refuse_foreign(self, app: str, image: str) -> None:
        """BadRequest for another app's image, which the registry would give to anybody."""
        if self.names.is_foreign(app, image):
            raise BadRequest(f"The image {image} belongs to another app.")

    async def _push(self, reference: str) -> str:
        """Push until it works; the last error once `patience` has passed since the first."""
        clock = asyncio.get_running_loop().time
        backoff = Backoff(0.2, 2.0)
        until: float | None = None
        while True:
            try:
                return await self._docker.push(reference)
            except (PushFailed, EngineAway) as err:
                until = until or clock() + self._patience
                if clock() > until:
                    raise
                log.info("image push failed, trying again", image=reference, error=str(err))
            await backoff.wait()

    async def _fetch(self, image: str) -> ImageInfo:
        """Pull the image; a local one of that very name will do when it cannot be pulled."""
        reference = image if _has_tag(image) else f"{image}:latest"
        try:
            await self._docker.pull(reference)
        except (PullFailed, NotFound) as err:
            found = await self._local(reference)
            if found is None:
                raise BadRequest(f"The image {image} could not be pulled: {err}") from err
            log.warning("image not pulled, the local one is used", image=image, error=str(err))
            return found
        except DockerError as err:
            raise Unavailable(f"The Docker Engine does not answer: {err}") from err
        found = await self._local(reference)
        if found is None:
            raise Unavailable(f"The image {image} was pulled and is not there.")
        return found

    async def _local(self, reference: str) -> ImageInfo | None:
        """The image of this name, which is not the beginning of some image's id."""
        try:
            found = await self._docker.image(reference)
        except DockerError as err:
            raise Unavailable(f"The Docker Engine does not answer: {err}") from err
        known = found is not None and reference in (*found.tags, *found.digests)
        return found if known or _is_remote(reference) else None


def _has_tag(image: str) -> bool:
    return "@" in image or ":" in image.rpartition("/")[2]


def _is_remote(reference: str) -> bool:
    """Whether the name holds a slash, so that the engine cannot take it for an id."""
    return "/" in reference
