"""The router, put together: etcd → table → nginx → acknowledgement."""

import asyncio
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deis_node.cluster.etcd import Etcd
from deis_node.router.admin import Admin
from deis_node.router.compose import Policy
from deis_node.router.feed import Feed
from deis_node.router.folder import Folder
from deis_node.router.intake import Intake
from deis_node.router.keeper import Keeper
from deis_node.router.loader import Loader
from deis_node.router.nginx import Nginx
from deis_node.router.recorder import Recorder
from deis_node.router.render import Configuration, Limits, prepare, render
from deis_node.router.saved import Loaded, Saved
from deis_node.router.settings import RouterSettings
from deis_node.router.table import Table
from deis_node.runtime.tasks import forever, spawn

_MIB = 1 << 20


class Router:
    """The router of one host.

    Everything it keeps lies below `<state_dir>/router`. `lease` tells the id of the host's lease,
    0 while there is none; the router's record is put under it. nginx goes on when `run` ends.
    """

    def __init__(
        self,
        etcd: Etcd,
        settings: RouterSettings,
        *,
        host: str,
        state_dir: Path,
        lease: Callable[[], int],
    ) -> None:
        self._etcd = etcd
        self._settings = settings
        self._host = host
        self._path = state_dir / "router"
        self._lease = lease
        self._folder = Folder(self._path / "nginx")

    async def run(self) -> None:
        """Route until cancelled."""
        await asyncio.to_thread(self._make_folders)
        saved = Saved(self._path / "routes.jsonl")
        loaded = await saved.load()
        good = await asyncio.to_thread(self._folder.read_settings)
        table = Table(Policy(domain=self._settings.platform_domain.strip(".").lower()))
        intake = Intake(table, good)
        async with Admin(self._folder.path) as admin:
            recalled = await asyncio.to_thread(_recall, intake, loaded)
            await self._keep_running(self._assemble(saved, intake, admin, recalled=recalled))

    def _make_folders(self) -> None:
        self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.make()
        prepare()

    def _assemble(self, saved: Saved, intake: Intake, admin: Admin, *, recalled: bool) -> "_Parts":
        feed = Feed(self._etcd, intake, saved, lambda: parts.changed())
        loader = Loader(
            admin,
            intake.table,
            lambda: feed.revision,
            lambda: parts.recorder.wake(),
            recalled=recalled,
        )
        keeper = Keeper(
            self._settings,
            self._folder,
            admin,
            loader,
            lambda: self._configuration(intake),
            lambda: intake.good_settings,
        )
        recorder = Recorder(
            self._etcd, self._host, self._lease, feed, intake, admin, loader, keeper
        )
        parts = _Parts(saved, intake, feed, loader, keeper, recorder)
        return parts

    def _configuration(self, intake: Intake) -> Configuration:
        limits = Limits(
            root=os.geteuid() == 0, open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        )
        return render(self._settings, intake.settings, limits)

    async def _keep_running(self, parts: "_Parts") -> None:
        bodies = {
            "router nginx": parts.keeper.run,
            "router table": parts.loader.run,
            "router feed": parts.feed.run,
            "router record": parts.recorder.run,
            "router state": parts.saved.run,
            "router logs": lambda: self._rotate_logs(parts.keeper.nginx),
        }
        async with asyncio.TaskGroup() as group:
            for name, body in bodies.items():
                spawn(group, name, forever(name, body))

    async def _rotate_logs(self, nginx: Nginx) -> None:
        limit = self._settings.log_limit_mb * _MIB
        while True:
            await asyncio.sleep(self._settings.log_look)
            if await asyncio.to_thread(self._folder.rotate, limit):
                nginx.reopen_logs()


@dataclass(slots=True)
class _Parts:
    """The parts of a running router that wake each other."""

    saved: Saved
    intake: Intake
    feed: Feed
    loader: Loader
    keeper: Keeper
    recorder: Recorder
    settings: object = None

    def changed(self) -> None:
        """Take notice of what etcd told."""
        if self.feed.synced:
            self.loader.allow()
        if self.intake.settings is not self.settings:
            self.settings = self.intake.settings
            self.keeper.wake()
        self.saved.owners(self.intake.table.domains.contested())
        self.recorder.wake()


def _recall(intake: Intake, loaded: Loaded) -> bool:
    """Fill the table from disk; False when there was nothing."""
    for name, address in loaded.known_hosts.items():
        intake.table.set_host(name, address)
        intake.table.set_host(name, None)
    for kv in loaded.items:
        intake.put(kv)
    for domain, app in loaded.owners.items():
        intake.table.domains.give(domain, app)
    return bool(loaded.items)


async def stop(settings: RouterSettings, state_dir: Path, patience: float = 5.0) -> None:
    """End the nginx of a router that does not run; for taking a platform down."""
    folder = Folder(state_dir / "router" / "nginx")
    await Nginx(settings, folder, lambda: None).stop(patience)
