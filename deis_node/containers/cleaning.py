"""Removes images that nothing needs any more. Stopped containers are the workers' business.

An image of the platform's registry may go when no placement names it and no container was made
from it, for so many hours on end; it can always be pulled again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from deis_node.containers.settings import RunnerSettings
from deis_node.docker import labels
from deis_node.docker.client import Docker
from deis_node.docker.errors import Conflict, DockerError, NotFound, Unavailable
from deis_node.docker.model import StoredImage

log = structlog.get_logger()

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class CleaningPlan:
    """Which references go now, and since when the others have been unused (seconds)."""

    remove: frozenset[str]
    unused_since: Mapping[str, float]


def plan_cleaning(
    stored: frozenset[str],
    used: frozenset[str],
    unused_since: Mapping[str, float],
    *,
    now: float,
    keep: float,
) -> CleaningPlan:
    """What to remove of the stored references: those unused for `keep` seconds or longer. PURE."""
    since = {reference: unused_since.get(reference, now) for reference in stored - used}
    remove = frozenset(reference for reference, at in since.items() if now - at >= keep)
    left = {reference: at for reference, at in since.items() if reference not in remove}
    return CleaningPlan(remove, left)


def references(
    images: Iterable[StoredImage], made_from: frozenset[str], prefix: str
) -> tuple[frozenset[str], frozenset[str]]:
    """The stored references that begin with `prefix`, and those that containers use. PURE."""
    stored: set[str] = set()
    used: set[str] = set()
    for image in images:
        names = {*image.tags, *image.digests}
        ours = {name for name in names if name.startswith(prefix)}
        stored |= ours
        if made_from & {image.id, *names}:
            used |= ours
    return frozenset(stored), frozenset(used)


class Cleaner:
    """Cleans now and then; `used` gives the references that placements name."""

    def __init__(
        self,
        docker: Docker,
        platform: str,
        registry: str,
        used: Callable[[], frozenset[str]],
        settings: RunnerSettings,
    ) -> None:
        self._docker = docker
        self._platform = platform
        self._prefix = f"{registry}/"
        self._used = used
        self._every = settings.clean_every
        self._keep = settings.image_hours * _HOUR
        self._unused_since: Mapping[str, float] = {}

    async def run(self) -> None:
        """Clean for ever."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.clean()
            except Unavailable as err:
                log.info("images cannot be cleaned", error=err.text)

    async def clean(self) -> None:
        """Look at all images once; Unavailable."""
        images = await self._docker.images()
        containers = await self._docker.list({labels.PLATFORM: self._platform})
        stored, in_use = references(
            images, frozenset(item.image for item in containers), self._prefix
        )
        decided = plan_cleaning(
            stored,
            self._used() | in_use,
            self._unused_since,
            now=asyncio.get_running_loop().time(),
            keep=self._keep,
        )
        self._unused_since = decided.unused_since
        for reference in sorted(decided.remove):
            await self._remove(reference)

    async def _remove(self, reference: str) -> None:
        try:
            await self._docker.remove_image(reference)
            log.info("image removed", image=reference)
        except NotFound:
            return
        except Conflict as err:
            log.info("image is in use", image=reference, reason=err.text)
        except Unavailable:
            raise
        except DockerError as err:
            log.warning("image could not be removed", image=reference, error=err.text)
