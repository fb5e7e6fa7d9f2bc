"""What happens to a push once git has its objects: the steps of builder.md sections 4 and 5.

Everything until the operation may be repeated or lost without harm. From the operation on the
leader carries it out, whatever becomes of this process, and moves the accepted ref in the same
transaction that makes the release live.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Self
from uuid import UUID

import structlog

from deis_control.builder import output, procfile, refs
from deis_control.builder.errors import Declined, GitFailed
from deis_control.builder.handover import Request
from deis_control.builder.images import Images
from deis_control.builder.objects import GitObject
from deis_control.builder.procfile import ProcfileError
from deis_control.builder.refs import RefLine
from deis_control.builder.repositories import Repository
from deis_control.builder.screen import Screen
from deis_control.builder.settings import BuilderSettings
from deis_control.builder.strategies import Source, Strategy
from deis_control.deltas import RefUpdate
from deis_control.errors import Conflict, ControlError, NotFound, OperationFailed, Unavailable
from deis_control.model import App, Operation, OpPhase, User
from deis_control.registry.names import SHORT, git_tag
from deis_control.services.access import Access
from deis_control.services.audit import ORIGIN, Origin
from deis_control.services.builds import Builds, NewBuild
from deis_control.services.bundle import Services
from deis_control.services.keys import Keys
from deis_control.services.operations import Operations
from deis_control.services.platform import Current
from deis_control.services.pushes import NewPush, Pushes
from deis_control.services.refs import PushOngoing, Refs
from deis_node.docker.errors import DockerError
from deis_node.runtime.backoff import DeadlineExceeded, retry
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_FILES = ("Dockerfile", "Procfile", ".dockerignore")
_DATABASE_PATIENCE = 20.0
NO_STRATEGY = (
    "No Dockerfile in the root of the tree.\n"
    "This platform builds apps from a Dockerfile; buildpacks are not supported yet."
)

SHALLOW = (
    "The push comes from a shallow clone, whose history is cut off.\n"
    "Run `git fetch --unshallow` there, and push again."
)
STOPPING = (
    "The builder is being stopped.\n"
    "A release that was launched already goes on: `deis releases` shows how it ends."
)


@dataclass(frozen=True, slots=True)
class BuilderServices:
    """The use cases that the builder stands on."""

    keys: Keys
    access: Access
    pushes: Pushes
    builds: Builds
    operations: Operations
    refs: Refs

    @classmethod
    def of(cls, services: Services, refs: Refs) -> Self:
        """Those that the builder needs, out of all."""
        return cls(
            keys=services.keys,
            access=services.access,
            pushes=services.pushes,
            builds=services.builds,
            operations=services.operations,
            refs=refs,
        )


@dataclass(frozen=True, slots=True)
class Push:
    """Who pushes what to which app, as the connection told."""

    app: App
    fingerprint: str
    connection: str
    command: str
    repo: str


class Deployer:
    """Carries pushes out, one after the other for each app."""

    def __init__(
        self,
        settings: BuilderSettings,
        services: BuilderServices,
        images: Images,
        strategies: Sequence[Strategy],
        platform: Current,
    ) -> None:
        self._settings = settings
        self._services = services
        self._images = images
        self._strategies = strategies
        self._platform = platform

    async def deploy(
        self, push: Push, request: Request, repository: Repository, screen: Screen
    ) -> bool:
        """Whether the push is taken: all its refs were built and went live."""
        ORIGIN.set(Origin(push.connection.partition(" ")[0]))
        try:
            await self._deploy(push, request, repository, screen)
        except PushOngoing:
            await screen.show(output.ONGOING)
        except asyncio.CancelledError:
            await screen.show(*output.refusal(STOPPING))
            raise
        except (Declined, ProcfileError) as err:
            await screen.show(*output.refusal(str(err)))
        except GitFailed as err:
            log.warning("git failed in a push", app=push.app.id, error=str(err))
            await screen.show(*output.refusal(f"The repository could not be read: {err.text}"))
        except ControlError as err:
            log.warning("push declined", app=push.app.id, error=str(err))
            await screen.show(*output.refusal(str(err)))
        except Exception as err:  # the guard of one push among many
            log.error("push failed", app=push.app.id, error=str(err), exc_info=err)
            await screen.show(*output.refusal("The builder failed; its log says why."))
        else:
            return True
        return False

    async def _deploy(
        self, push: Push, request: Request, repository: Repository, screen: Screen
    ) -> None:
        async with self._services.refs.pushing(push.app.uuid):
            refs.check(request.lines, await repository.refs())
            await repository.keep(request.quarantine)
            for line in request.lines:
                await self._deploy_ref(push, line, repository, screen)

    async def _deploy_ref(
        self, push: Push, line: RefLine, repository: Repository, screen: Screen
    ) -> None:
        user, app, push_id = await self._let_in(push, line)
        async with Tasks() as tasks:
            whole = tasks.start("history", repository.is_whole(line.new))
            commit, *files = await repository.look(line.new, *_FILES)
            await whole
        if commit is None:
            raise Declined(f"{line.name} names no commit")
        if not whole.result():
            raise Declined(SHALLOW)
        dockerfile, types, ignore = (_text(found) for found in files)
        processes = {} if types is None else await asyncio.to_thread(procfile.parse, types)
        source = Source(app.id, commit.id, repository, dockerfile, ignore or b"")
        reference = await self._build(source, screen)
        new = NewBuild(image=app.id, sha=commit.id[:SHORT], procfile=processes, dockerfile="true")
        await screen.show(output.LAUNCHING)
        update = RefUpdate(line.name, line.old, line.new)
        operation = await self._accept(app, user, new, reference, push_id, update)
        await self._follow(app, operation, screen)

    async def _let_in(self, push: Push, line: RefLine) -> tuple[User, App, UUID]:
        """Ask again whether he may, now that the pack is here, and note the push."""
        try:
            user, _ = await self._services.keys.holder(push.fingerprint)
            user, app = await self._services.access.named(user.username, push.app.id)
        except NotFound as err:
            raise Declined("The key or the app was removed meanwhile.") from err
        if app.uuid != push.app.uuid:
            raise Declined("The app was made anew meanwhile; push again.")
        noted = await self._services.pushes.record(
            app,
            user,
            NewPush(
                sha=line.new,
                fingerprint=push.fingerprint,
                receive_user=user.username,
                receive_repo=app.id,
                ssh_connection=push.connection,
                ssh_original_command=push.command,
            ),
        )
        return user, app, noted.uuid

    async def _build(self, source: Source, screen: Screen) -> str:
        """The commit's image in the registry, by digest."""
        strategy = next((one for one in self._strategies if one.takes(source)), None)
        if strategy is None:
            raise Declined(NO_STRATEGY)
        tag = git_tag(source.commit)
        await screen.show("", output.BUILDING)
        async with screen.busy("building"):
            await strategy.build(source, self._images.tagged(source.app, tag), screen.show)
        await screen.show(output.PUSHING)
        try:
            async with screen.busy("pushing the image"):
                return await self._images.publish(source.app, tag)
        except DockerError as err:
            raise Declined(f"The image could not be pushed: {err}") from err

    async def _accept(
        self, app: App, user: User, new: NewBuild, reference: str, push: UUID, ref: RefUpdate
    ) -> Operation:
        """Hand the build over to the leader; asked again while the database is away."""
        try:
            return await retry(
                lambda: self._services.builds.accept(
                    app, user, new, reference, key=f"push:{push}", ref=ref
                ),
                on=(Unavailable,),
                deadline=_DATABASE_PATIENCE,
                what="handing the build over",
            )
        except DeadlineExceeded as err:
            raise Declined(f"The release could not be made: {err}") from err
        except NotFound as err:
            raise Declined("The app was destroyed meanwhile.") from err
        except Conflict as err:
            raise Declined(err.detail) from err

    async def _follow(self, app: App, operation: Operation, screen: Screen) -> None:
        """Show the rollout's phases until it ends; Declined with its reason when it failed."""
        try:
            async with asyncio.timeout(self._settings.deploy_timeout), screen.busy("deploying"):
                await self._show_phases(operation, screen)
                deployed = await self._services.builds.deployed(operation)
        except TimeoutError as err:
            raise Declined(
                f"The rollout takes longer than {self._settings.deploy_timeout:g} s; it goes on.\n"
                "`deis releases` shows how it ends."
            ) from err
        except OperationFailed as err:
            raise Declined(err.detail) from err
        except NotFound as err:
            raise Declined("The app was destroyed meanwhile.") from err
        platform = self._platform()
        url = output.app_url(app.id, platform.domain, platform.router_port)
        await screen.show(*output.launched(app.id, deployed.release, [url]))

    async def _show_phases(self, operation: Operation, screen: Screen) -> None:
        async with aclosing(self._services.operations.watch(operation)) as lines:
            async for line in lines:
                if line.text and line.phase is not OpPhase.FAILED:
                    await screen.show(*(output.detail(t) for t in output.lines_of(line.text)))


def _text(found: GitObject | None) -> bytes | None:
    return found.content if found is not None and found.type == "blob" else None
