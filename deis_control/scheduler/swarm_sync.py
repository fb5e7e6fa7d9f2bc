"""The leader's hand on a Docker Swarm: its services follow the placements, again and again.

Swarm knows nothing of our election, so the term is confirmed in etcd right before something is
changed. What may slip through is made good: a service that a former leader made bears its epoch,
and the next look of the leader removes it when no placement names it.
"""

import asyncio
import json
from collections.abc import Mapping

import structlog

from deis_control.scheduler.engines import chosen, swarm
from deis_control.scheduler.engines.swarm import Wish
from deis_control.scheduler.leadership import Leadership
from deis_control.scheduler.view import Changes
from deis_node.cluster import keys
from deis_node.cluster.etcd import EtcdError
from deis_node.cluster.records import SWARM
from deis_node.cluster.seal import SealError
from deis_node.docker import labels
from deis_node.docker.client import Docker
from deis_node.docker.errors import Conflict, DockerError, NotFound, Unavailable
from deis_node.docker.services import Service
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()


class SwarmSync:
    """Keeps a Swarm's services in step with the placements of one term; `run` until it ends."""

    def __init__(self, lead: Leadership) -> None:
        self._lead = lead
        self._platform = lead.settings.swarm_platform
        self._settled: frozenset[Wish] | None = None
        """The wishes of the last look that left nothing to do; None after any other."""
        self._told: set[tuple[str, str]] = set()
        self._complained: str | None = None

    async def run(self) -> None:
        """Look whenever a wish changes, and now and then all the same."""
        if not self._lead.settings.has_swarm:
            await self._without()
            return
        pause = Backoff(initial=0.1, maximum=5.0)
        async with Docker(self._lead.settings.swarm_manager) as docker:
            with self._lead.view.subscribe() as changes:
                while True:
                    if await self._looked(docker):
                        pause.reset()
                        await self._changed(changes)
                    else:
                        await pause.wait()

    async def _without(self) -> None:
        """No Swarm is configured: only say so when an operator wants one."""
        with self._lead.view.subscribe() as changes:
            while True:
                self._complain()
                await changes.wait()

    async def _changed(self, changes: Changes) -> None:
        """Wait until the wishes are others, or for the time between two looks."""
        try:
            async with asyncio.timeout(self._lead.settings.look):
                while self._lead.view.swarm_wishes() == self._settled:
                    await changes.wait()
        except TimeoutError:
            return

    async def _looked(self, docker: Docker) -> bool:
        """Look and act once; False when it is to be tried again soon. Fenced."""
        self._complain()
        lead = self._lead
        wishes = lead.view.swarm_wishes()
        if not wishes and self._settled == wishes and lead.view.engine != SWARM:
            return True
        self._settled = None
        try:
            if not lead.store.trusted:
                return False
            services = await docker.services({labels.PLATFORM: self._platform})
            wishes = lead.view.swarm_wishes()
            plan = swarm.plan(wishes, services, lead.epoch)
            if not plan.empty and not await lead.store.confirm():
                return False
            waiting = swarm.awaited(wishes, services)
            for app, text in swarm.troubles(waiting, await docker.tasks(waiting)):
                self._tell(app, text)
            removed = [await self._remove(docker, service) for service in plan.remove]
            made = [await self._make(docker, wish) for wish in plan.make]
        except (DockerError, EtcdError) as err:
            log.warning("docker swarm cannot be led", reason=str(err))
            return False
        if all(removed) and all(made):
            self._settled = wishes
            return True
        return False

    async def _remove(self, docker: Docker, service: Service) -> bool:
        try:
            await docker.remove_service(service.id)
        except NotFound:
            return True
        log.info("service removed", service=service.name)
        return True

    async def _make(self, docker: Docker, wish: Wish) -> bool:
        """Make a copy's service; False when it could not be made. Unavailable, EtcdError."""
        placement = wish.placed.placement
        copy = placement.copy
        try:
            env = await self._env(placement.env)
            body = swarm.service(wish, env, self._platform, self._lead.epoch)
            await docker.create_service(body)
        except Unavailable:
            raise
        except Conflict as err:
            log.info("service cannot be made yet", container=copy.container, reason=err.text)
            return False
        except (DockerError, SealError) as err:
            self._tell(copy.app, f"Docker Swarm cannot run {copy.process}: {err}")
            return False
        log.info("service made", container=copy.container, host=wish.placed.host)
        return True

    async def _env(self, name: str | None) -> Mapping[str, str]:
        """The config of a release; SealError when it is not there or not ours."""
        if name is None:
            return {}
        app, _, release = name.partition("/")
        key = keys.env(app, int(release))
        listing = await self._lead.store.list(key)
        sealed = next((kv.value for kv in listing.items if kv.key == key), None)
        if sealed is None:
            raise SealError(f"the config of {app} v{release} is not in etcd")
        plain = self._lead.ring.open(sealed, kind="env", app=app, release=int(release))
        values: dict[str, str] = json.loads(plain)
        return values

    def _tell(self, app: str, text: str) -> None:
        """Tell the app's owner, once in a term."""
        if (app, text) not in self._told:
            self._told.add((app, text))
            self._lead.events.send(app, text)
            log.warning("swarm does not run a copy", app=app, reason=text)

    def _complain(self) -> None:
        """Say once in the log when the operator's setting cannot be followed."""
        lead = self._lead
        text = chosen.complaint(lead.view.engine, has_swarm=lead.settings.has_swarm)
        if text is not None and text != self._complained:
            log.error("scheduling engine is not as it was set", reason=text)
        self._complained = text
