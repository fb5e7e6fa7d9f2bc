"""The leader's hand on a Docker Swarm: its services follow the placements, again and again.

Swarm knows nothing of our election. So the services are listed first, and the term is confirmed
in etcd after that, right before something is changed: while the term goes on nobody later can
have made any of those that were listed. What a paused leader still changes after its term is made
good by the next one's first look.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog

from deis_control.scheduler.changes import Change
from deis_control.scheduler.engines import chosen, nodes, swarm
from deis_control.scheduler.engines.swarm import Plan, Wish
from deis_control.scheduler.leadership import Leadership
from deis_control.scheduler.swarm_managers import Managers
from deis_control.scheduler.view import Changes
from deis_node.cluster import keys
from deis_node.cluster.etcd import EtcdError, Put
from deis_node.cluster.records import SWARM, SwarmNodes
from deis_node.cluster.seal import SealError
from deis_node.docker import labels
from deis_node.docker.client import Docker
from deis_node.docker.errors import Conflict, DockerError, NotFound, Unavailable
from deis_node.docker.services import Service
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import spawn

log = structlog.get_logger()

_T = TypeVar("_T")

AT_ONCE = 16
"""Services that are made or removed at the same time; the term is confirmed for as many."""
_TRUST = 5.0
"""Seconds that a look waits for what the store holds to be known."""

NODES_LOOK = 2.0
"""Seconds between two looks at the nodes while one is not ready, and at least between any two."""


class SwarmSync:
    """Keeps a Swarm's services in step with the placements of one term; `run` until it ends."""

    def __init__(self, lead: Leadership) -> None:
        self._lead = lead
        self._platform = lead.settings.swarm_platform
        self._settled: tuple[Wish, ...] | None = None
        """The wishes of the last look that left nothing to do; None after any other."""
        self._nodes_seen = float("-inf")
        """When the nodes were looked at last, on the loop's clock."""
        self._told: set[tuple[str, str]] = set()
        self._complained: str | None = None

    async def run(self) -> None:
        """Look whenever a wish changes, and now and then all the same."""
        if not self._lead.settings.has_swarm:
            await self._without()
            return
        pause = Backoff(initial=0.1, maximum=5.0)
        async with Managers(self._lead.settings.swarm_managers) as managers:
            with self._lead.view.subscribe() as changes:
                while True:
                    if await self._turn(managers):
                        pause.reset()
                        await self._changed(changes)
                    else:
                        await pause.wait()

    async def _turn(self, managers: Managers) -> bool:
        """Look by the first manager that can be used; False when it is to be tried again soon."""
        reason = ""
        for _ in range(len(managers)):
            try:
                return await self._looked(managers.asked)
            except DockerError as err:
                url, reason = managers.asked.url, err.text
                log.warning("swarm manager cannot be used", url=url, reason=reason)
                managers.ask_next()
        for wish in self._lead.view.swarm_wishes():
            if wish.prepared is not None and wish.placed.runs:
                copy = wish.placed.copy
                self._tell(copy.app, f"Docker Swarm cannot run {copy.process} yet: {reason}")
        return False

    async def _without(self) -> None:
        """No Swarm is configured: only say so when an operator wants one."""
        with self._lead.view.subscribe() as changes:
            while True:
                self._complain()
                await changes.wait()

    async def _changed(self, changes: Changes) -> None:
        """Wait until the wishes or the setting are others, or for the time between two looks."""
        view = self._lead.view
        engine = view.engine
        try:
            async with asyncio.timeout(self._patience()):
                while view.swarm_wishes() == self._settled and view.engine == engine:
                    await changes.wait()
        except TimeoutError:
            return

    def _patience(self) -> float:
        """Seconds until the next look at the latest: soon while a live host is not ready."""
        view, look = self._lead.view, self._lead.settings.look
        behind = any(host.node not in (nodes.READY, nodes.ABSENT) for host in view.loads())
        return min(look, NODES_LOOK) if behind and view.engine == SWARM else look

    async def _looked(self, docker: Docker) -> bool:
        """Look and act once; False when it is to be tried again soon. Fenced, DockerError."""
        self._complain()
        lead = self._lead
        wishes = lead.view.swarm_wishes()
        if not wishes and self._settled == wishes and lead.view.engine != SWARM:
            return True
        self._settled = None
        try:
            async with asyncio.timeout(_TRUST):
                await lead.store.trust()
        except (TimeoutError, EtcdError):
            return False
        try:
            await self._note_nodes(docker)
            services = await docker.services({labels.PLATFORM: self._platform})
            wishes = lead.view.swarm_wishes()
            waiting = swarm.awaited(wishes, services)
            for app, text in swarm.troubles(waiting, await docker.tasks(waiting)):
                self._tell(app, text)
            if not await self._carry_out(docker, swarm.plan(wishes, services)):
                return False
        except EtcdError as err:
            log.info("docker swarm cannot be led", reason=str(err))
            return False
        self._settled = wishes
        return True

    async def _note_nodes(self, docker: Docker) -> None:
        """Write down what the hosts are as nodes, when that has changed. Fenced, EtcdError."""
        now = asyncio.get_running_loop().time()
        if now - self._nodes_seen < NODES_LOOK:
            return
        found = nodes.states(await docker.nodes())
        self._nodes_seen = now
        if found != self._lead.view.nodes:
            put = Put(keys.SWARM, SwarmNodes(found).to_bytes())
            await self._lead.store.write([Change((), (put,))])
            log.info("nodes of the swarm", nodes=found)

    async def _carry_out(self, docker: Docker, plan: Plan) -> bool:
        """Whether all of it was done. Fenced, EtcdError, DockerError."""
        removed = await self._each(partial(self._remove, docker), plan.remove)
        bodies = await self._bodies(plan.make)
        made = await self._each(partial(self._make, docker), bodies)
        return removed and made and len(bodies) == len(plan.make)

    async def _each(
        self, act: Callable[[_T], Coroutine[Any, Any, bool]], items: Sequence[_T]
    ) -> bool:
        """Do it to each, a few at a time, while the term goes on; whether it was done to all."""
        done = True
        for first in range(0, len(items), AT_ONCE):
            if not await self._lead.store.confirm():
                return False
            try:
                async with asyncio.TaskGroup() as group:
                    some = items[first : first + AT_ONCE]
                    tasks = [spawn(group, "swarm service", act(item)) for item in some]
            except ExceptionGroup as errors:
                raise errors.exceptions[0] from errors
            done = done and all(task.result() for task in tasks)
        return done

    async def _remove(self, docker: Docker, service: Service) -> bool:
        try:
            await docker.remove_service(service.id)
        except NotFound:
            return True
        log.info("service removed", service=service.name)
        return True

    async def _bodies(self, wishes: Iterable[Wish]) -> list[tuple[Wish, Mapping[str, Any]]]:
        """What services are made of, of the wishes whose config can be read. EtcdError."""
        envs: dict[str | None, Mapping[str, str]] = {None: {}}
        found: list[tuple[Wish, Mapping[str, Any]]] = []
        for wish in wishes:
            placement = wish.placed.placement
            try:
                if placement.env not in envs:
                    envs[placement.env] = await self._env(placement.env or "")
            except SealError as err:
                self._refused(wish, str(err))
                continue
            env = envs[placement.env]
            found.append((wish, swarm.service(wish, env, self._platform, self._lead.epoch)))
        return found

    async def _make(self, docker: Docker, made: tuple[Wish, Mapping[str, Any]]) -> bool:
        """Make a copy's service; False when it could not be made. Unavailable."""
        wish, body = made
        container = wish.placed.copy.container
        try:
            await docker.create_service(body)
        except Unavailable:
            raise
        except Conflict as err:
            log.info("service cannot be made yet", container=container, reason=err.text)
            return False
        except DockerError as err:
            self._refused(wish, err.text)
            return False
        log.info("service made", container=container, host=wish.placed.host)
        return True

    async def _env(self, name: str) -> Mapping[str, str]:
        """The config of a release; SealError when it is not there or not ours."""
        app, _, release = name.partition("/")
        key = keys.env(app, int(release))
        listing = await self._lead.store.list(key)
        sealed = next((kv.value for kv in listing.items if kv.key == key), None)
        if sealed is None:
            raise SealError(f"the config of {app} v{release} is not in etcd")
        plain = self._lead.ring.open(sealed, kind="env", app=app, release=int(release))
        values: dict[str, str] = json.loads(plain)
        return values

    def _refused(self, wish: Wish, reason: str) -> None:
        copy = wish.placed.copy
        self._tell(copy.app, f"Docker Swarm cannot run {copy.process}: {reason}")

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
