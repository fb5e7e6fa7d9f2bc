"""Images that this host shall have before copies come that need them: fetched last of all.

One at a time, only while no copy of this host is on its way, and only with room on Docker's disk; a
copy that needs another image ends the fetch. What was fetched for nothing goes again. The leader's
wishes are at `/deis/prefetch/<host>/`; the agent answers in the same record that it has the image.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, EtcdError, KeyValue, Put, mod_revision_is
from deis_node.cluster.prefix import WatchedPrefix
from deis_node.cluster.records import Prefetch, Record
from deis_node.containers.restarts import Failures, after_failure
from deis_node.containers.saved import StateFile
from deis_node.containers.settings import RunnerSettings
from deis_node.docker.client import Docker
from deis_node.docker.errors import Conflict, DockerError, NotFound, Unavailable
from deis_node.runtime.tasks import forever, spawn

log = structlog.get_logger()

_SHORT = 2.0
"""Seconds until another look while copies are on their way, or etcd did not answer."""
_FIRST = 5.0
"""Seconds of the pause after a fetch that failed; it doubles."""
_LONGEST = 600.0
"""Seconds that this pause grows to."""


@dataclass(frozen=True, slots=True)
class Fetched(Record):
    """What was fetched beforehand and no copy of this host has needed yet."""

    images: tuple[str, ...] = ()
    """Noted before the fetch begins, so that none is forgotten."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to do about the wishes."""

    confirm: tuple[str, ...] = ()
    """Keys of wishes whose images are there."""
    fetch: tuple[str, ...] = ()
    """Images that are missing, each once."""
    remove: tuple[str, ...] = ()
    """Images that were fetched beforehand and that nobody wants any more."""


def plan_look(
    wishes: Mapping[str, Prefetch],
    stored: Collection[str],
    used: Collection[str],
    fetched: Collection[str],
) -> Look:
    """Compare wishes, by key, with the references in Docker's store. PURE.

    `used` are what placements name, `fetched` what this agent has fetched beforehand.
    """
    wanted = {wish.image for wish in wishes.values()}
    return Look(
        confirm=tuple(
            key for key, wish in sorted(wishes.items()) if wish.image in stored and not wish.held
        ),
        fetch=tuple(sorted(wanted - set(stored))),
        remove=tuple(sorted(set(fetched) - wanted - set(used))),
    )


class Prefetcher:
    """Keeps the images of the leader's wishes; `run` goes on until cancelled.

    `busy` says whether copies are on their way, `used` which images placements name, `trusted`
    whether the store may be believed about what is missing.
    """

    def __init__(
        self,
        etcd: Etcd,
        docker: Docker,
        host: str,
        state_dir: Path,
        settings: RunnerSettings,
        *,
        busy: Callable[[], bool],
        used: Callable[[], frozenset[str]],
        trusted: Callable[[], bool],
    ) -> None:
        self._etcd = etcd
        self._docker = docker
        self._settings = settings
        self._busy = busy
        self._used = used
        self._trusted = trusted
        self._wishes = WatchedPrefix(etcd, keys.prefetch_of(host), name="prefetch")
        self._file = StateFile(state_dir / "prefetch.json", Fetched)
        self._fetched: frozenset[str] = frozenset()
        self._failures: dict[str, Failures] = {}
        self._fetching: str | None = None
        self._scope: asyncio.Timeout | None = None
        self._told_full = False

    @property
    def wanted(self) -> frozenset[str]:
        """The images of the wishes, as last known."""
        return frozenset(wish.image for wish in self._wishes.records(Prefetch).values())

    def give_way(self, image: str) -> None:
        """A copy needs this image now: end the fetch of another one."""
        if self._scope is not None and image != self._fetching:
            self._scope.reschedule(_now())
            self._scope = None

    async def run(self) -> None:
        """Watch, and work one wish off after the other."""
        saved, _ = await self._file.load()
        self._fetched = frozenset(saved.images if saved else ())
        async with asyncio.TaskGroup() as group:
            spawn(group, "watch prefetch", forever("prefetch", self._wishes.run))
            spawn(group, "prefetch", forever("prefetch look", self._follow))

    async def _follow(self) -> None:
        changed = self._wishes.subscribe()
        try:
            while True:
                changed.clear()
                try:
                    rest = await self._look()
                except (Unavailable, EtcdError) as err:
                    log.info("prefetch waits", reason=str(err))
                    rest = _SHORT
                try:
                    async with asyncio.timeout(rest):
                        await changed.wait()
                except TimeoutError:
                    continue
        finally:
            self._wishes.unsubscribe(changed)

    async def _look(self) -> float:
        """Look once and fetch one image at most; in how many seconds to look again."""
        if not (self._wishes.loaded and self._wishes.available and self._trusted()):
            return _SHORT
        items, wishes = self._wishes.items, self._wishes.records(Prefetch)
        if not wishes and not self._fetched:
            return self._settings.sweep
        used = self._used()
        await self._note(self._fetched - used)
        look = plan_look(wishes, await self._stored(), used, self._fetched)
        for key in look.confirm:
            await self._confirm(items[key], wishes[key])
        for image in look.remove:
            if image not in self._used() | self.wanted:  # A copy may have come meanwhile.
                await self._remove(image)
        due = [image for image in look.fetch if self._resume_at(image) <= _now()]
        if not due:
            later = (self._resume_at(image) - _now() for image in look.fetch)
            return min([self._settings.sweep, *(max(wait, _SHORT) for wait in later)])
        if not await self._has_room():
            return self._settings.sweep
        await self._note(self._fetched | {due[0]})
        # Asked last: the fetch gives way to copies that come from here on.
        if self._busy():
            return _SHORT
        await self._fetch(due[0])
        return 0.0

    async def _stored(self) -> frozenset[str]:
        images = await self._docker.images()
        return frozenset(name for image in images for name in (*image.tags, *image.digests))

    async def _confirm(self, kv: KeyValue, wish: Prefetch) -> None:
        """Say that the image is here, unless the wish is another one by now."""
        put = Put(kv.key, replace(wish, held=True).to_bytes())
        await self._etcd.txn([mod_revision_is(kv.key, kv.mod_revision)], [put])

    async def _fetch(self, image: str) -> None:
        log.info("prefetch started", image=image)
        try:
            await self._pull(image)
        except TimeoutError:
            log.info("prefetch gave way", image=image)
        except Unavailable:
            raise
        except DockerError as err:
            self._failed(image, err.text)
        else:
            await self._fetched_well(image)

    async def _pull(self, image: str) -> None:
        """Fetch an image; TimeoutError when it gave way. Whoever is told to later is not there."""
        self._fetching = image
        try:
            async with asyncio.timeout(None) as self._scope:
                await self._docker.pull(image)
        finally:
            self._scope = self._fetching = None

    async def _fetched_well(self, image: str) -> None:
        """Unless the engine knows it by another name: then it would be fetched again at once."""
        if image in await self._stored():
            self._failures.pop(image, None)
            log.info("image fetched beforehand", image=image)
        else:
            self._failed(image, "the Docker Engine does not list it by this name")

    def _failed(self, image: str, error: str) -> None:
        before = self._failures.get(image, Failures())
        self._failures[image] = after_failure(before, first=_FIRST, longest=_LONGEST, now=_now())
        log.warning("image cannot be fetched beforehand", image=image, error=error)

    async def _remove(self, image: str) -> None:
        """Remove what was fetched for nothing; what a container uses is the cleaning's."""
        try:
            await self._docker.remove_image(image)
            log.info("image removed that nobody needed", image=image)
        except (NotFound, Conflict):
            pass
        except Unavailable:
            raise
        except DockerError as err:
            log.warning("image could not be removed", image=image, error=err.text)
        await self._note(self._fetched - {image})

    async def _note(self, fetched: frozenset[str]) -> None:
        if fetched != self._fetched:
            self._file.put(Fetched(tuple(sorted(fetched))))
            await self._file.flush()
            self._fetched = fetched

    async def _has_room(self) -> bool:
        """Whether enough of Docker's disk is free; not if nobody can tell."""
        root = (await self._docker.info()).root
        try:
            free = await asyncio.to_thread(free_percent, Path(root))
        except OSError as err:
            log.info("room for images is not known", path=root, error=str(err))
            return False
        enough = free >= self._settings.prefetch_free
        if not enough and not self._told_full:
            log.warning("no room to fetch images beforehand", free_percent=round(free, 1))
        self._told_full = not enough
        return enough

    def _resume_at(self, image: str) -> float:
        return self._failures.get(image, Failures()).resume_at


def free_percent(path: Path) -> float:
    """How much of the path's disk is free for everybody. OSError."""
    found = os.statvfs(path)
    return 100 * found.f_bavail / found.f_blocks if found.f_blocks else 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()
