"""Builds: from an image that is pulled, and from a push that the builder has built."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

from deis_control.db import builds, operations, releases
from deis_control.db.apps import lock
from deis_control.db.pool import Connection, Database
from deis_control.deltas import BuildDelta, RefUpdate
from deis_control.model import App, Build, Operation, Page, User, Window
from deis_control.rules.builds import refuse_platform_image
from deis_control.services.operations import Operations
from deis_control.services.previews import Preview, Previews
from deis_node.cluster.seal import Ring

_IMPORTS = 4
"""Images that are pulled at the same time."""


class ImageImporter(Protocol):
    """The way of an image into the platform's registry (semantics.md section 12)."""

    async def import_image(self, app: str, image: str) -> str:
        """Pull, tag and push an image: its reference by digest.

        BadRequest when the image cannot be had, Unavailable when the registry or the engine is
        away; the text says which and why.
        """
        ...

    async def find_image(self, app: str, sha: str) -> str:
        """The reference by digest of the image that a builder pushed as `<app>:git-<sha>`.

        BadRequest when there is none, Unavailable when the registry is away.
        """
        ...

    async def architecture(self, reference: str) -> str:
        """What an image in the registry is built for; empty when nobody can tell."""
        ...


@dataclass(frozen=True, slots=True)
class NewBuild:
    """What a build is made of."""

    image: str
    """As given by the user; a push's is the app's id."""
    sha: str = ""
    procfile: Mapping[str, str] = field(default_factory=dict)
    dockerfile: str = ""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A build, and the number of the release that it serves in."""

    build: Build
    release: int


class Builds:
    """Use cases about builds."""

    def __init__(
        self,
        database: Database,
        ring: Ring,
        operations: Operations,
        images: ImageImporter,
        previews: Previews,
    ) -> None:
        self._database = database
        self._ring = ring
        self._operations = operations
        self._images = images
        self._imports = asyncio.Semaphore(_IMPORTS)
        self._previews = previews

    async def page(self, app: App, window: Window) -> Page[Build]:
        """The app's builds, newest first."""
        async with self._database.connection() as conn:
            return await builds.page_of(conn, app.uuid, window)

    async def find(self, app: App, uuid: UUID) -> Build:
        """The app's build of that uuid; NotFound."""
        async with self._database.connection() as conn:
            return await builds.find(conn, app.uuid, uuid)

    async def create(self, app: App, user: User, new: NewBuild) -> Operation:
        """Import an image and accept its release. Forbidden for a platform image, BadRequest,
        Unavailable; then there is no build.
        """
        refuse_platform_image(new.image)
        reference = await self._reference(app, new)
        return await self.accept(app, user, new, reference)

    async def preview(self, app: App, user: User, new: NewBuild) -> Preview:
        """What a release of the image would do; the image is not pulled, so that only one of
        the platform's own registry is known to be there. Forbidden, BadRequest, Unavailable.
        """
        refuse_platform_image(new.image)
        reference = await self._images.find_image(app.id, new.sha) if new.sha else None
        build = _imagined(app, user, new, reference)
        async with self._database.snapshot() as conn:
            delta = BuildDelta(str(build.uuid))
            return await self._previews.of(conn, app, user, delta, build)

    async def from_push(
        self,
        app: App,
        user: User,
        new: NewBuild,
        *,
        push: UUID,
        reference: str | None = None,
        ref: RefUpdate | None = None,
    ) -> Deployed:
        """Release what a builder built: `reference` names the image in the registry by digest
        (looked up when it is not given), `ref` moves if and only if the release is live.

        Asked again with the same push it waits for the same operation.
        """
        found = reference or await self._images.find_image(app.id, new.sha)
        operation = await self.accept(app, user, new, found, key=f"push:{push}", ref=ref)
        return await self.deployed(operation)

    async def accept(
        self,
        app: App,
        user: User,
        new: NewBuild,
        reference: str,
        *,
        key: str | None = None,
        ref: RefUpdate | None = None,
    ) -> Operation:
        """Build row and operation in one transaction; the same key gives the same operation."""
        arch = await self._images.architecture(reference)
        async with self._database.transaction("accept build") as conn:
            locked = await lock(conn, app.uuid)
            known = None if key is None else await operations.by_key(conn, app.uuid, key)
            if known is not None:
                return known
            build = await _insert(conn, locked, user, new, reference, arch)
            delta = BuildDelta(str(build.uuid), ref)
            before = {"version": (await releases.latest(conn, app.uuid)).version}
            return await self._operations.submit(
                conn, locked, delta, user, key, build=build, before=before
            )

    async def deployed(self, operation: Operation) -> Deployed:
        """Wait for a build's operation; OperationFailed."""
        ended = await self._operations.wait(operation)
        return await self._operations.outlast(lambda: self._made(ended))

    async def _made(self, ended: Operation) -> Deployed:
        """The build that the operation released."""
        assert ended.release is not None, "a build makes a release"
        async with self._database.connection() as conn:
            delta = await operations.delta_of(conn, self._ring, ended)
            assert isinstance(delta, BuildDelta)
            return Deployed(await builds.get(conn, UUID(delta.build)), ended.release)

    async def _reference(self, app: App, new: NewBuild) -> str:
        """An image with a commit is one of the platform's own; any other is pulled."""
        if new.sha:
            return await self._images.find_image(app.id, new.sha)
        async with self._imports:
            return await self._images.import_image(app.id, new.image)


async def _insert(
    conn: Connection, app: App, user: User, new: NewBuild, reference: str, arch: str
) -> Build:
    return await builds.insert(
        conn,
        uuid4(),
        app.uuid,
        user.id,
        image=new.image,
        reference=reference,
        sha=new.sha,
        procfile=new.procfile,
        dockerfile=new.dockerfile,
        arch=arch,
    )


def _imagined(app: App, user: User, new: NewBuild, reference: str | None) -> Build:
    """A build that has no row."""
    now = datetime.now(UTC)
    return Build(
        uuid=uuid4(),
        app=app.id,
        owner=user.username,
        image=new.image,
        reference=reference,
        sha=new.sha,
        procfile=new.procfile,
        dockerfile=new.dockerfile,
        created=now,
        updated=now,
    )
