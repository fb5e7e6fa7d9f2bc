"""The publisher: one follower for each copy of this host, woken by changes and by doubt."""

import asyncio
import itertools

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd
from deis_node.cluster.names import CopyName
from deis_node.cluster.prefix import WatchedPrefix
from deis_node.publisher.follow import Follower
from deis_node.publisher.liveness import Hangs
from deis_node.publisher.plan import Changes, CopySource, strangers
from deis_node.publisher.settings import PublisherSettings
from deis_node.runtime.tasks import Tasks, forever, spawn

_FIRST_VERIFY = 2.0
"""Seconds that the runner has to find its copies before others' leavings are looked for."""


class Publisher:
    """Tells the cluster what this host's copies are, and where they answer.

    `hangs` is told of copies that fail their liveness checks.
    """

    def __init__(
        self,
        *,
        etcd: Etcd,
        host: str,
        copies: CopySource,
        settings: PublisherSettings,
        hangs: Hangs,
    ) -> None:
        self._etcd = etcd
        self._host = host
        self._copies = copies
        self._settings = settings
        self._hangs = hangs
        self._prefix = keys.instances_of(host)
        self._instances = WatchedPrefix(etcd, self._prefix, name="instances")
        self._followers: dict[str, Follower] = {}
        self._numbers = itertools.count(1)
        self._tasks = Tasks()

    def settled(self, container: str) -> bool:
        """Whether everything has been found out and told about a copy that is wanted."""
        follower = self._followers.get(container)
        return follower is not None and follower.settled

    async def run(self) -> None:
        """Run until cancelled; what is published stays published."""
        changes = self._copies.subscribe()
        async with self._tasks, asyncio.TaskGroup() as group:
            spawn(group, "watch instances", forever("instances", self._instances.run))
            spawn(group, "copies", forever("copies", lambda: self._follow(changes)))
            spawn(group, "compare instances", forever("compare", self._compare))
            spawn(group, "verify", forever("verify", self._verify))

    async def _follow(self, changes: Changes) -> None:
        while True:
            for container in await changes.next():
                follower = self._followers.get(container)
                copy = self._copies.get(container)
                if follower is not None:
                    follower.wake()
                elif copy is not None:
                    self._employ(copy.name)

    def _employ(self, name: CopyName) -> None:
        follower = Follower(
            name,
            etcd=self._etcd,
            host=self._host,
            copies=self._copies,
            tasks=self._tasks,
            settings=self._settings,
            hangs=self._hangs,
        )
        self._followers[name.container] = follower
        self._tasks.start(f"follow {name.container} #{next(self._numbers)}", self._work(follower))

    async def _work(self, follower: Follower) -> None:
        try:
            await follower.run()
        finally:
            del self._followers[follower.name.container]

    async def _compare(self) -> None:
        """Whenever the watch has news, see whether etcd holds what was written."""
        signal = self._instances.subscribe()
        while True:
            await signal.wait()
            signal.clear()
            if not self._instances.loaded:
                continue
            held = self._held()
            for name, follower in self._followers.items():
                follower.seen(held.get(name))

    async def _verify(self) -> None:
        """Now and then compare everything, and take away what nobody knows anything about."""
        await asyncio.sleep(_FIRST_VERIFY)
        while True:
            for name in strangers(self._held(), frozenset(self._followers)):
                self._employ(name)
            await asyncio.sleep(self._settings.verify)
            for follower in tuple(self._followers.values()):
                follower.doubt()

    def _held(self) -> dict[str, bytes]:
        items = self._instances.items
        return {keys.tail(key, self._prefix): item.value for key, item in items.items()}
