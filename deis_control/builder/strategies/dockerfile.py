"""Build a commit that brings its own Dockerfile (builder.md section 5.1).

The archive flows from git through the editor into the Docker Engine without touching the disk. The
app's config is not known to the build, nor are the images of other apps.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from deis_control.builder.bases import foreign_base
from deis_control.builder.context import ContextEditor, with_commit
from deis_control.builder.dockerignore import keeps
from deis_control.builder.errors import BuilderError, Declined
from deis_control.builder.strategies import Show, Source
from deis_control.registry.names import Names
from deis_node.docker.client import Docker
from deis_node.docker.errors import BuildFailed, DockerError
from deis_node.docker.model import BuildLine


class DockerfileStrategy:
    """`docker build` of the tree, with the commit's name in the image's environment."""

    def __init__(self, docker: Docker, names: Names, *, timeout: float) -> None:
        """`timeout` is in seconds, for one build."""
        self._docker = docker
        self._names = names
        self._timeout = timeout

    def takes(self, source: Source) -> bool:
        """A Dockerfile in the root decides."""
        return source.dockerfile is not None

    async def build(self, source: Source, tag: str, show: Show) -> None:
        """Make the image; Declined with the engine's reason, or for another app's image."""
        await self._refuse_foreign(source)
        context = _Context(source)
        lines = self._docker.build(context.pieces(), tag, deadline=self._timeout)
        try:
            async with aclosing(lines):
                async for line in lines:
                    if isinstance(line, BuildLine):
                        await show(line.text)
        except BuildFailed as err:
            raise Declined(f"The build failed: {context.error or err}") from err
        except DockerError as err:
            reason = context.error or f"the Docker Engine does not answer: {err}"
            raise Declined(f"The build broke off: {reason}") from err

    async def _refuse_foreign(self, source: Source) -> None:
        """Declined for an image of another app, which the registry would give to any build."""
        dockerfile = source.dockerfile or b""
        base = await asyncio.to_thread(foreign_base, dockerfile, source.app, self._names)
        if base is not None:
            raise Declined(f"The Dockerfile takes {base}, which may be an image of another app.")


class _Context:
    """The build context of a commit; `error` is what git or the editor made of it, if anything."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.error: BuilderError | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The context, piece by piece."""
        source = self._source
        dockerfile = with_commit(source.dockerfile or b"", source.commit)
        editor = ContextEditor(dockerfile, keeps(source.dockerignore))
        yield editor.begin
        try:
            async with aclosing(source.repository.archive(source.commit)) as archive:
                async for piece in archive:
                    if edited := b"".join(editor.feed(piece)):
                        yield edited
        except BuilderError as err:
            self.error = err
            raise
