"""The control plane's composition root: settings → clients → rooms, by roles, as one group.

When one of the rooms ends, the process ends and is started again by its supervisor; whatever it
was at is finished by another leader, or by itself.
"""

import asyncio
from contextlib import AsyncExitStack

import structlog

from deis_control.api.app import make_app
from deis_control.api.entrance import serving
from deis_control.builder.build import BuilderServices
from deis_control.builder.images import Images
from deis_control.builder.service import Builder
from deis_control.db.migrate import migrate
from deis_control.db.pool import Database, DatabaseAway
from deis_control.directory import Directory, publish
from deis_control.ldap.client import Ldap
from deis_control.logger.client import EventLog, LogClient
from deis_control.logger.debts import pay
from deis_control.logger.server import LoggerServer
from deis_control.registry.client import Registry
from deis_control.registry.names import Names
from deis_control.scheduler.hostconf import HostConfs
from deis_control.scheduler.loop import Scheduler
from deis_control.scheduler.view import ClusterView
from deis_control.services.bundle import Services
from deis_control.services.refs import Refs
from deis_control.settings import ControlSettings
from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.records import Address
from deis_node.cluster.seal import Ring
from deis_node.cluster.settings import open_etcd
from deis_node.docker.client import Docker
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.notify import notify
from deis_node.runtime.tasks import forever, spawn

log = structlog.get_logger()

ROLES = ("api", "scheduler", "builder", "logger")


async def main(settings: ControlSettings, roles: frozenset[str], stop: asyncio.Event) -> None:
    """Run the roles until `stop` is set."""
    async with AsyncExitStack() as stack:
        control = await Control.open(stack, settings)
        async with asyncio.TaskGroup() as group:
            running = spawn(group, "control", control.run(roles))
            await stop.wait()
            running.cancel()
    log.info("control plane ended")


class Control:
    """All rooms of one control process."""

    def __init__(
        self,
        settings: ControlSettings,
        *,
        etcd: Etcd,
        database: Database,
        docker: Docker,
        registry: Registry,
        ring: Ring,
    ) -> None:
        self._settings = settings
        self._etcd = etcd
        self._database = database
        self._docker = docker
        self._ring = ring
        self._directory = Directory(etcd, settings.platform)
        self._view = ClusterView(etcd)
        logs = LogClient(self._directory.log_queries)
        self._events = EventLog(
            self._directory.log_intakes, client=logs, sender=settings.control.name
        )
        self._images = Images(
            docker,
            registry,
            Names(settings.control.relay_port),
            patience=settings.builder.registry_patience,
        )
        self._services = Services.make(
            database,
            ring,
            self._directory.platform,
            images=self._images,
            copies=self._view,
            hosts=HostConfs(etcd),
            logs=logs,
            events=self._events,
            ldap=Ldap(settings.ldap),
            limits=settings.scheduler.limits(),
            held=self._view.standstill,
        )

    @classmethod
    async def open(cls, stack: AsyncExitStack, settings: ControlSettings) -> "Control":
        """Open every client; none of them needs its server yet."""
        database = Database(settings.database.url, size=settings.database.connections)
        return cls(
            settings,
            etcd=await stack.enter_async_context(open_etcd(settings.etcd)),
            database=await stack.enter_async_context(database),
            docker=await stack.enter_async_context(Docker(settings.control.docker)),
            registry=await stack.enter_async_context(Registry(lambda: settings.control.registry)),
            ring=Ring.load(settings.control.keyring),
        )

    async def run(self, roles: frozenset[str]) -> None:
        """Run the roles; ends with the first room that ends."""
        async with asyncio.TaskGroup() as group:
            spawn(group, "directory", self._directory.run())
            spawn(group, "events", self._events.run())
            spawn(group, "hints", forever("hints", self._database.run))
            spawn(group, "view", self._view.run())
            registry = Address(address=self._settings.control.registry)
            spawn(group, "registry address", publish(self._etcd, keys.REGISTRY_ADDRESS, registry))
            if "logger" in roles:
                spawn(group, "logger", self._log(group))
            await migrated(self._database)
            if "api" in roles:
                spawn(group, "api", self._serve(group))
            if "scheduler" in roles:
                spawn(group, "scheduler", self._schedule().run())
            if "builder" in roles:
                spawn(group, "builder", self._build().run())
            notify("READY=1")

    async def _log(self, group: asyncio.TaskGroup) -> None:
        server = LoggerServer(self._settings.logger)
        serving = spawn(group, "logger server", server.run())
        await server.started()
        where = server.addresses
        key = keys.logs_host(self._settings.control.name)
        record = Address(address=where.tcp, query=where.http)
        spawn(group, "logger address", publish(self._etcd, key, record))
        spawn(group, "logs to delete", pay(self._etcd, self._settings.control.name, server))
        await serving

    async def _serve(self, group: asyncio.TaskGroup) -> None:
        settings = self._settings
        app = make_app(self._services, at_once=settings.api.at_once)
        host, _, port = settings.api.address.rpartition(":")
        key = keys.controller_host(settings.control.name)
        async with serving(app, host, int(port)) as place:
            record = Address(address=settings.api.public or str(place))
            spawn(group, "controller address", publish(self._etcd, key, record))
            await asyncio.Event().wait()

    def _schedule(self) -> Scheduler:
        return Scheduler(
            self._database,
            self._etcd,
            self._ring,
            self._events,
            self._settings.scheduler,
            self._settings.control.name,
            self._view,
        )

    def _build(self) -> Builder:
        services = BuilderServices(
            keys=self._services.keys,
            access=self._services.access,
            pushes=self._services.pushes,
            builds=self._services.builds,
            operations=self._services.operations,
            refs=Refs(self._database),
        )
        return Builder(
            self._settings.builder,
            services,
            docker=self._docker,
            images=self._images,
            platform=self._directory.platform,
        )


async def migrated(database: Database) -> None:
    """Bring the schema up to date; waits for a database that is away."""
    pause = Backoff(initial=0.1, maximum=2.0)
    while True:
        try:
            await migrate(database)
        except DatabaseAway as err:
            log.info("waiting for PostgreSQL", reason=str(err))
            await pause.wait()
            continue
        return
