"""The bare repositories of apps: a cache of what PostgreSQL's refs name.

An app's repository is found by the app's uuid, never by a name from outside, so that an app made
again under an old name begins with an empty one. A repository may be lost at any time: the next
push then sends everything. Its refs follow the accepted ones whenever nobody uses it.
"""

import asyncio
import shutil
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Set,
)
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID

import structlog

from deis_control.builder import disk
from deis_control.builder.errors import GitFailed
from deis_control.builder.git import Git
from deis_control.builder.objects import GitObject, parse_batch

log = structlog.get_logger()

Accepted = Callable[[UUID], Awaitable[Mapping[str, str]]]
"""The accepted refs of an app: name → object."""

_GC_PATIENCE = 600.0
_FILES_LIMIT = 4 * 1024 * 1024


class Repository:
    """One app's repository on disk."""

    def __init__(self, git: Git, app: UUID, path: Path) -> None:
        self.app = app
        self.path = path
        self.users = 0
        self.lock = asyncio.Lock()
        self._git = git
        self._checked = False
        """Whether this process has seen that the refs' objects are there."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from touching the refs for as long as the block lasts."""
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1

    async def create(self) -> None:
        """Make the repository if it is not there, whole or not at all."""
        if self.path.is_dir():
            return
        self._checked = False
        aside = self.path.with_name(f".{self.path.name}.new")
        await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)
        await self._git.run(
            "init", "--quiet", "--bare", "--template=", str(aside), cwd=self.path.parent
        )
        aside.rename(self.path)

    async def refs(self) -> Mapping[str, str]:
        """Name → object, as the repository has them now."""
        return await asyncio.to_thread(disk.read_refs, self.path)

    async def follow(self, accepted: Mapping[str, str]) -> None:
        """Make the refs those that were accepted; one whose object is lost is not there at all.

        Only while nobody uses the repository.
        """
        present = await asyncio.to_thread(disk.tidy, self.path)
        if accepted != present or not self._checked:
            accepted = await self._without_lost(accepted)
            self._checked = True
        for name in present.keys() - accepted.keys():
            await self._set(name, None)
        for name, sha in accepted.items():
            if present.get(name) != sha:
                await self._set(name, sha)
        await asyncio.to_thread(disk.aim_head, self.path, sorted(accepted))

    async def keep(self, quarantine: Path) -> None:
        """Make the objects of a push that is under way part of the repository, for good."""
        await asyncio.to_thread(disk.keep_objects, quarantine, self.path / "objects")

    async def look(self, sha: str, *names: str) -> tuple[GitObject | None, ...]:
        """The commit that `sha` names, and the files of these names in its root folder."""
        questions = [f"{sha}^{{commit}}", *(f"{sha}:{name}" for name in names)]
        out = await self._git.run(
            "cat-file",
            "--batch",
            "--follow-symlinks",
            cwd=self.path,
            stdin="".join(f"{question}\n" for question in questions).encode(),
            limit=_FILES_LIMIT,
        )
        return parse_batch(out)

    def archive(self, commit: str) -> AsyncGenerator[bytes, None]:
        """The commit's tree as a tar archive, piece by piece; GitFailed."""
        return self._git.stream("archive", "--format=tar", commit, cwd=self.path)

    async def collect(self) -> None:
        """Let git keep house, if it finds that worthwhile.

        Pushes may go on meanwhile: git removes only objects that nothing names for two weeks.
        """
        try:
            await self._git.run(
                *("-c", "gc.auto=6700", "-c", "gc.autoDetach=false"),
                *("gc", "--auto", "--quiet"),
                cwd=self.path,
                patience=_GC_PATIENCE,
            )
        except GitFailed as err:
            log.warning("repository was not cleaned", app=str(self.app), error=str(err))

    async def is_whole(self, sha: str) -> bool:
        """Whether all history behind an object is there; that of a shallow clone is not."""
        try:
            await self._git.run("rev-list", "--quiet", sha, "--not", "--all", cwd=self.path)
        except GitFailed as err:
            log.info("history is not whole", app=str(self.app), sha=sha, error=err.text)
            return False
        return True

    async def _without_lost(self, accepted: Mapping[str, str]) -> Mapping[str, str]:
        """Those of the accepted refs whose objects are on this disk."""
        out = await self._git.run(
            "cat-file",
            "--batch-check=",
            cwd=self.path,
            stdin="".join(f"{sha}\n" for sha in accepted.values()).encode(),
        )
        lost = {line.removesuffix(" missing") for line in out.decode().splitlines() if line}
        for sha in lost:
            log.warning(
                "accepted object is lost, the next push brings it", app=str(self.app), sha=sha
            )
        return {name: sha for name, sha in accepted.items() if sha not in lost}

    async def _set(self, name: str, sha: str | None) -> None:
        """Move a ref, or remove it with None."""
        change = ("-d", name) if sha is None else (name, sha)
        await self._git.run("update-ref", "--no-deref", *change, cwd=self.path)


class Repositories:
    """All repositories of this builder, below `<state_dir>/repos`."""

    def __init__(self, root: Path, git: Git, accepted: Accepted) -> None:
        self._root = root
        self._git = git
        self._accepted = accepted
        self._open: dict[UUID, Repository] = {}
        self._cleaning = asyncio.Lock()

    async def prepare(self) -> None:
        """Make the folder; once, at the start."""
        await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True, mode=0o700)

    @asynccontextmanager
    async def use(self, app: UUID) -> AsyncIterator[Repository]:
        """The app's repository, its refs those that were accepted, made if it is not there.

        Its refs are left alone for as long as anybody uses it, and looked after when the last
        one is done with it.
        """
        repository = self._of(app)
        with ExitStack() as stack:
            async with repository.lock:
                if not repository.users:
                    await repository.create()
                    await repository.follow(await self._accepted(app))
                stack.enter_context(repository.held())
            yield repository

    async def reconcile(self, app: UUID) -> None:
        """Let the refs follow what was accepted, unless somebody uses the repository."""
        repository = self._of(app)
        async with repository.lock:
            if not repository.users and repository.path.is_dir():
                await repository.follow(await self._accepted(app))

    async def collect(self, app: UUID) -> None:
        """Clean an app's repository up, one at a time."""
        async with self._cleaning:
            await self._of(app).collect()

    async def apps(self) -> Set[UUID]:
        """The apps that have a repository on disk."""
        return await asyncio.to_thread(disk.repositories, self._root)

    async def sweep(self, existing: Set[UUID]) -> None:
        """Remove the repositories of apps that are gone."""
        for app in await self.apps() - existing:
            repository = self._of(app)
            async with repository.lock:
                if not repository.users:
                    await asyncio.to_thread(shutil.rmtree, repository.path, ignore_errors=True)
                    del self._open[app]
                    log.info("repository removed", app=str(app))

    def _of(self, app: UUID) -> Repository:
        if app not in self._open:
            self._open[app] = Repository(self._git, app, self._root / f"{app}.git")
        return self._open[app]
