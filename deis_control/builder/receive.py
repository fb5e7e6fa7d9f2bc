"""An accepted SSH command, from the app's name to git's exit status.

A push is carried out by a task of the builder's own: the connection may break at any time, the
push goes on to its end, and the accepted ref with it (builder.md section 4).
"""

import asyncio
from uuid import uuid4

import structlog

from deis_control.builder import relay
from deis_control.builder.build import BuilderServices, Deployer, Push
from deis_control.builder.channel import GitChannel
from deis_control.builder.commands import Command, GitCommand, Service, shown
from deis_control.builder.errors import Declined, GitFailed
from deis_control.builder.git import Git
from deis_control.builder.handover import Handover
from deis_control.builder.repositories import Repositories, Repository
from deis_control.builder.screen import Screen
from deis_control.builder.settings import BuilderSettings
from deis_control.builder.sshd import Client
from deis_control.errors import ControlError, Forbidden, NotFound
from deis_control.model import App, Operation
from deis_node.cluster.names import is_app_id
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()


class Receiver:
    """Runs git's two programs for clients that may have them run."""

    def __init__(
        self,
        settings: BuilderSettings,
        services: BuilderServices,
        repositories: Repositories,
        git: Git,
        deployer: Deployer,
        tasks: Tasks,
        visited: asyncio.Event,
    ) -> None:
        """`visited` is set for each client that names an app."""
        self._settings = settings
        self._services = services
        self._repositories = repositories
        self._git = git
        self._deployer = deployer
        self._tasks = tasks
        self._visited = visited

    async def knows_key(self, fingerprint: str) -> bool:
        """Whether an active user registered the key. DatabaseAway."""
        try:
            user, _ = await self._services.keys.holder(fingerprint)
        except NotFound:
            return False
        return user.is_active

    async def serve(self, channel: GitChannel, command: Command, client: Client) -> int:
        """Run a command on its channel; the answer is the exit status."""
        if not isinstance(command, GitCommand):
            channel.write(b"pong")
            return 0
        self._visited.set()
        try:
            app = await self._app(command, client)
            return await self._serve(channel, command, client, app)
        except (Declined, ControlError) as err:
            channel.say(str(err))
        except GitFailed as err:
            log.error("repository failed", repo=shown(command.repo), error=str(err))
            channel.say("The repository cannot be used at the moment.")
        return 1

    async def _app(self, command: GitCommand, client: Client) -> App:
        """The app that the client may use; Declined says which it may not, or is not there."""
        if not command.repo:
            raise Declined("No repo given")
        name = shown(command.repo)
        if not is_app_id(command.repo):
            raise Declined(f"There is no app {name}")
        try:
            user, _ = await self._services.keys.holder(client.fingerprint)
        except NotFound as err:
            raise Declined("The key is not registered any more") from err
        try:
            _, app = await self._services.access.named(user.username, command.repo)
        except NotFound as err:
            raise Declined(f"There is no app {name}") from err
        except Forbidden as err:
            raise Declined(f"You have no access to app {name}") from err
        return app

    async def _serve(
        self, channel: GitChannel, command: GitCommand, client: Client, app: App
    ) -> int:
        async with self._repositories.use(app.uuid) as repository:
            if command.service is Service.UPLOAD:
                return await self._upload(channel, repository)
            push = Push(
                app=app,
                fingerprint=client.fingerprint,
                connection=client.connection,
                command=f"{command.service} '{command.repo}.git'",
                repo=command.repo,
            )
            return await self._receive(channel, push, repository)

    async def _upload(self, channel: GitChannel, repository: Repository) -> int:
        program = await relay.start(
            channel,
            ["git", "upload-pack", "--strict", "."],
            cwd=repository.path,
            env=self._git.environment,
        )
        return await program.finish(self._settings.transfer_timeout)

    async def _receive(self, channel: GitChannel, push: Push, repository: Repository) -> int:
        handover = Handover()
        try:
            program = await relay.start(
                channel,
                ["git", "receive-pack", "."],
                cwd=repository.path,
                env={**self._git.environment, **handover.environment},
                pass_fds=handover.fds,
            )
        except BaseException:
            handover.close()
            raise
        handover.git_started()
        self._tasks.start(
            f"push to {push.app.id} {uuid4()}", self._attend(push, handover, repository)
        )
        status = await program.finish(self._longest())
        self._tasks.start(f"settle {push.app.id} {uuid4()}", self._settle(push.app))
        return status

    def _longest(self) -> float:
        """Seconds that a push may last, if each of its parts takes as long as it may."""
        settings = self._settings
        return settings.transfer_timeout + settings.build_timeout + settings.deploy_timeout

    async def _attend(self, push: Push, handover: Handover, repository: Repository) -> None:
        """Wait for the hook and do what it asks; in the end the refs are what was accepted."""
        accepted = False
        try:
            with repository.held():
                request = await handover.request()
                if request is None:
                    return
                writer = await handover.output()
                screen = Screen(writer, heartbeat=self._settings.heartbeat)
                accepted = await self._deployer.deploy(push, request, repository, screen)
        except (Declined, TimeoutError) as err:
            log.warning("hook not understood", app=push.app.id, error=str(err))
        finally:
            handover.verdict(accepted)
        await self._settle(push.app)
        await self._repositories.collect(push.app.uuid)
        if not accepted:
            await self.follow_up()

    async def follow_up(self) -> None:
        """Let refs follow operations that outlived the push which they came from."""
        for operation in await self._services.refs.open_builds():
            name = f"follow {operation.id}"
            if name not in self._tasks:
                self._tasks.start(name, self._follow(operation))

    async def _follow(self, operation: Operation) -> None:
        try:
            await self._services.operations.ended(operation)
            await self._repositories.reconcile(operation.app)
        except (ControlError, GitFailed) as err:
            log.warning("refs not reconciled", app=operation.app_id, error=str(err))

    async def _settle(self, app: App) -> None:
        """Whoever is the last to leave the repository lets its refs follow what was accepted."""
        try:
            await self._repositories.reconcile(app.uuid)
        except (ControlError, GitFailed) as err:
            log.warning("refs not reconciled", app=app.id, error=str(err))
