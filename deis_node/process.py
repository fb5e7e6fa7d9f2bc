"""The agent's composition root: builds the rooms from the settings and runs them as one group.

When one of the rooms ends, the process ends and is started again by its supervisor; containers
and nginx outlive it.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from aiohttp import web

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.names import RUN_TYPE
from deis_node.cluster.prefix import WatchedPrefix
from deis_node.cluster.records import Address, Host, PlacementState
from deis_node.cluster.seal import Ring
from deis_node.cluster.settings import open_etcd
from deis_node.cluster.tenure import Tenure
from deis_node.containers.run import Runner
from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError
from deis_node.docker.model import EngineInfo
from deis_node.following import Following
from deis_node.heartbeat import Heartbeat, boot_id
from deis_node.logspout.logspout import Logspout
from deis_node.publisher.publish import Publisher
from deis_node.relay import Relay
from deis_node.router.loop import Router
from deis_node.runtime import metrics
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.notify import notify
from deis_node.runtime.tasks import forever, spawn
from deis_node.settings import NodeSettings

log = structlog.get_logger()

VERSION = "2.0.0"


async def main(settings: NodeSettings, stop: asyncio.Event) -> None:
    """Run the agent until `stop` is set."""
    state = settings.node.state_dir
    state.mkdir(parents=True, exist_ok=True, mode=0o755)
    ring = Ring.load(settings.node.keyring)
    async with open_etcd(settings.etcd) as etcd, Docker(settings.node.docker) as docker:
        agent = Agent(settings, etcd, docker, ring, state)
        async with asyncio.TaskGroup() as group:
            running = spawn(group, "agent", agent.run())
            await stop.wait()
            running.cancel()
    log.info("agent ended")


class Agent:
    """All rooms of one agent."""

    def __init__(
        self, settings: NodeSettings, etcd: Etcd, docker: Docker, ring: Ring, state: Path
    ) -> None:
        self._settings = settings
        self._etcd = etcd
        self._docker = docker
        self._loggers = WatchedPrefix(etcd, keys.LOGS_HOSTS, name="loggers")
        self._registry = WatchedPrefix(etcd, keys.REGISTRY_ADDRESS, name="registry")
        node = settings.node
        self._logspout = Logspout(
            docker, state, addresses(self._loggers), node.name, settings.logspout
        )
        self._runner = Runner(
            etcd=etcd,
            docker=docker,
            ring=ring,
            host=node.name,
            address=node.address,
            platform=node.platform_id,
            registry=f"127.0.0.1:{settings.relay.port}",
            boot_id=boot_id(node.boot_id),
            state_dir=state,
            settings=settings.runner,
            read_out=self._read_out,
            tell=self._logspout.say,
            tenure=self._tenure,
        )
        self._publisher = Publisher(
            etcd=etcd,
            host=node.name,
            copies=self._runner.copies,
            settings=settings.publisher,
            hangs=self._runner.hangs,
        )
        self._state = state
        self._heartbeat: Heartbeat | None = None

    async def run(self) -> None:
        """Run every room; ends with the first that ends."""
        relay = Relay(
            self._settings.relay.port,
            target=first_address(self._registry),
            namespace=self._settings.relay.namespace,
        )
        following = Following(self._runner.copies, self._logspout)
        async with asyncio.TaskGroup() as group:
            for prefix in (self._loggers, self._registry):
                spawn(group, f"watch {prefix.name}", forever(prefix.name, prefix.run))
            spawn(group, "relay", forever("relay", relay.run))
            spawn(group, "logspout", self._logspout.run())
            spawn(group, "following", following.run())
            spawn(group, "runner", self._runner.run())
            spawn(group, "publisher", self._publisher.run())
            page = serve_page(self._settings.metrics.listen, self.settled)
            spawn(group, "page", page)
            spawn(group, "host", self._be_a_host(group))
            notify("READY=1")

    def settled(self) -> bool:
        """Whether every copy that this host shall run has been started and asked how it is."""
        wanted = self._runner.wanted
        running = (
            name
            for name, placed in wanted.placements.items()
            if placed.placement.state is PlacementState.RUN and placed.placement.type != RUN_TYPE
        )
        return wanted.trusted and all(self._publisher.settled(name) for name in running)

    async def _be_a_host(self, group: asyncio.TaskGroup) -> None:
        """Take the host's lease and, where this host routes, run the router under it.

        What the host offers is asked of its engine, but the router waits for nobody.
        """
        node = self._settings.node

        def lease() -> int:
            return self._heartbeat.current_lease() if self._heartbeat is not None else 0

        if node.router:
            router = Router(
                self._etcd,
                self._settings.router,
                host=node.name,
                state_dir=self._state,
                lease=lease,
            )
            spawn(group, "router", router.run())
        info = await engine_info(self._docker)
        host = Host(
            name=node.name,
            address=node.address,
            cpus=info.cpus,
            memory=info.memory,
            tags=node.tags,
            roles=node.all_roles,
            agent_version=VERSION,
            agent_instance=str(uuid.uuid4()),
            boot_id=boot_id(node.boot_id),
            arch=info.arch,
        )
        log.info("host", name=host.name, address=host.address, arch=host.arch)
        self._heartbeat = Heartbeat(self._etcd, host, node.lease_ttl, self._state)
        await self._heartbeat.run()

    def _tenure(self, unknown: float) -> Tenure:
        """For how long this host may run what must be alone."""
        if self._heartbeat is None:
            return Tenure(self._settings.node.lease_ttl, unknown)
        return self._heartbeat.tenure(unknown)

    async def _read_out(self, container_id: str) -> None:
        """Wait, before a container is removed, until its log has been read."""
        await self._logspout.drained(container_id, self._settings.runner.log_wait)


async def engine_info(docker: Docker) -> EngineInfo:
    """What the Docker Engine offers; waits for an engine that is away."""
    pause = Backoff(initial=0.1, maximum=2.0)
    while True:
        try:
            return await docker.info()
        except DockerError as err:
            log.info("engine is away", reason=str(err))
        await pause.wait()


def addresses(prefix: WatchedPrefix) -> Callable[[], Sequence[str]]:
    """Where the processes of a component answer, as they have published it, by name."""

    def known() -> Sequence[str]:
        records = prefix.records(Address)
        return [records[key].address for key in sorted(records)]

    return known


def first_address(prefix: WatchedPrefix) -> Callable[[], str | None]:
    """Where a component answers of which there is one."""
    known = addresses(prefix)
    return lambda: next(iter(known()), None)


async def serve_page(listen: str, settled: Callable[[], bool]) -> None:
    """The agent's page for whoever watches it: figures, and whether it is done with its start."""

    async def figures(_: web.Request) -> web.Response:
        return web.Response(body=metrics.page(), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def health(_: web.Request) -> web.Response:
        done = settled()
        return web.Response(text="OK" if done else "not settled yet", status=200 if done else 503)

    app = web.Application()
    app.add_routes([web.get("/metrics", figures), web.get("/healthz", health)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    host, _, port = listen.rpartition(":")
    try:
        await web.TCPSite(runner, host, int(port)).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
