"""The builder as a whole: what `process.py` runs for the role `builder`."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from deis_control.builder import hostkeys
from deis_control.builder.build import BuilderServices, Deployer
from deis_control.builder.git import Git
from deis_control.builder.images import Images
from deis_control.builder.receive import Receiver
from deis_control.builder.repositories import Repositories
from deis_control.builder.settings import BuilderSettings
from deis_control.builder.sshd import SshServer
from deis_control.builder.strategies import Strategy
from deis_control.builder.strategies.dockerfile import DockerfileStrategy
from deis_control.services.platform import Current
from deis_node.docker.client import Docker
from deis_node.runtime.tasks import Tasks, forever, spawn

_SWEEP = 3600.0
_SWEEP_PAUSE = 60.0
_GOODBYE = 3.0


class Builder:
    """Receives pushes over SSH and turns them into releases."""

    def __init__(
        self,
        settings: BuilderSettings,
        services: BuilderServices,
        *,
        docker: Docker,
        images: Images,
        platform: Current,
    ) -> None:
        self._settings = settings
        self._services = services
        self._git = Git(settings.state_dir / "git", push_bytes=settings.push_bytes)
        self._repositories = Repositories(
            settings.state_dir / "repos", self._git, services.refs.accepted
        )
        strategies: Sequence[Strategy] = (
            DockerfileStrategy(docker, images.names, timeout=settings.build_timeout),
        )
        self._deployer = Deployer(settings, services, images, strategies, platform)
        self.listening = asyncio.Event()
        """Set once clients can connect."""
        self._visited = asyncio.Event()
        self.port = 0
        """The port listened on, then."""

    async def run(self) -> None:
        """Serve until cancelled. Pushes that are under way then are declined with a word of why;
        what was handed over to the leader goes on.
        """
        await asyncio.to_thread(self._git.install)
        await self._repositories.prepare()
        keys = await asyncio.to_thread(hostkeys.load_or_create, self._settings.state_dir / "ssh")
        async with Tasks() as sessions:
            pushes = Tasks()
            receiver = Receiver(
                self._settings,
                self._services,
                self._repositories,
                self._git,
                self._deployer,
                pushes,
                self._visited,
            )
            server = SshServer(
                self._settings,
                keys,
                knows_key=receiver.knows_key,
                serve=receiver.serve,
                tasks=sessions,
            )
            try:
                async with asyncio.TaskGroup() as group:
                    spawn(group, "ssh server", forever("ssh server", server.run))
                    look_after = partial(self._look_after, receiver)
                    spawn(group, "repositories", forever("repositories", look_after))
                    await self._announce(server)
            finally:
                self.listening.clear()
                await pushes.stop(_GOODBYE)
                await _drained(sessions)
                server.disconnect()
                await self._services.refs.close()

    async def _announce(self, server: SshServer) -> None:
        await server.listening.wait()
        self.port = server.port
        self.listening.set()

    async def _look_after(self, receiver: Receiver) -> None:
        """Let all repositories follow the accepted refs, then remove those of apps that are gone.

        The latter again each hour, and a minute after the last time when somebody connects.
        """
        await receiver.follow_up()
        await self._sweep()
        for app in await self._repositories.apps():
            await self._repositories.reconcile(app)
        while True:
            await asyncio.sleep(_SWEEP_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(_SWEEP):
                    await self._visited.wait()
            self._visited.clear()
            await self._sweep()

    async def _sweep(self) -> None:
        if await self._repositories.apps():
            await self._repositories.sweep(await self._services.refs.existing_apps())


async def _drained(sessions: Tasks) -> None:
    """Give sessions a moment to bring their last words to their clients."""
    for _ in range(20):
        if not sessions.names:
            return
        await asyncio.sleep(0.05)
