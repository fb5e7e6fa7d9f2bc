"""The leader's wishes for images on hosts follow the copies, some seconds behind them.

It is nobody's hurry: a look begins when nothing more urgent is likely to be done, takes one app
after the other, and writes on change only.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping

import structlog

from deis_control.errors import Fenced
from deis_control.scheduler.leadership import Leadership
from deis_control.scheduler.prefetch import (
    PATIENCE,
    Fleet,
    Stand,
    changes_for,
    wanted_hosts,
)
from deis_control.scheduler.view import Changes
from deis_control.scheduler.world import HostSeen
from deis_node.cluster.etcd import EtcdError

log = structlog.get_logger()

_BEHIND = 5.0
"""Seconds between a change and the look at it."""

_AGAIN = 60.0
"""Seconds between two looks at every app when nothing changes."""

_Kind = tuple[object, ...]
"""What of a host has a say in whether it is chosen, but for its load."""


class Prefetching:
    """Keeps the wishes of one term; `run` goes on until cancelled. Fenced when it is over."""

    def __init__(self, lead: Leadership) -> None:
        self._lead = lead
        self._due: set[str] = set()
        self._hosts: Mapping[str, _Kind] = {}
        self._missing: dict[str, float] = {}
        """Since when hosts with wishes are not there, as far as this term has seen."""

    async def run(self) -> None:
        """Look at what changed, and now and then at everything."""
        with self._lead.view.subscribe() as changes:
            while True:
                await self._hear(changes)
                await asyncio.sleep(_BEHIND)
                try:
                    await self._look()
                except Fenced:
                    raise
                except EtcdError as err:
                    log.info("images beforehand wait", reason=str(err))

    async def _hear(self, changes: Changes) -> None:
        """Note the apps that changed; all of them when hosts did, or after a while."""
        try:
            async with asyncio.timeout(_BEHIND if self._due else _AGAIN):
                apps, everything = await changes.wait()
        except TimeoutError:
            self._due = self._due or self._all()
            return
        self._due |= apps
        if everything and self._hosts_changed():
            self._due |= self._all()

    def _all(self) -> set[str]:
        return {*self._lead.view.apps, *self._lead.catalogue.apps}

    def _hosts_changed(self) -> bool:
        """Whether other hosts, or hosts of another kind, are there than at the last look."""
        before = self._hosts
        self._hosts = {host.name: _kind(host) for host in self._lead.view.loads()}
        return before != self._hosts

    async def _look(self) -> None:
        """Look at every app that is due; those that cannot be decided yet stay so."""
        if not self._due:
            return
        lead, promised = self._lead, self._promised()
        for app in sorted(self._due):
            await asyncio.sleep(0)
            await lead.store.trust()
            if await self._try(app, promised):
                self._due.discard(app)

    async def _try(self, app: str, promised: Counter[str]) -> bool:
        """`_look_at`. What goes wrong with one app must not end the term, or hold up others."""
        try:
            return await self._look_at(app, promised)
        except (Fenced, EtcdError):
            raise
        except Exception:
            log.exception("images beforehand failed", app=app)
            return True

    async def _look_at(self, app: str, promised: Counter[str]) -> bool:
        """Whether the app's wishes are as they should be now."""
        lead = self._lead
        mine, desired = lead.view.app(app), lead.catalogue.get(app)
        going = desired is None or desired.destroying
        stand = Stand(None if going else desired, list(mine.placed.values()), dict(mine.prefetch))
        wanted = wanted_hosts(stand, self._fleet(stand, promised), lead.settings.prefetch)
        if wanted is None:
            return False
        changes = changes_for(app, stand.seen, wanted)
        if not changes:
            return True
        log.info("images beforehand", app=app, hosts=sorted(wanted))
        promised.update(wanted.keys())
        promised.subtract(stand.seen.keys())
        return await lead.store.write(changes)

    def _promised(self) -> Counter[str]:
        view = self._lead.view
        return Counter(host for app in view.apps for host in view.app(app).prefetch)

    def _fleet(self, stand: Stand, promised: Counter[str]) -> Fleet:
        view, now = self._lead.view, asyncio.get_running_loop().time()
        hosts = {host.name: host for host in view.loads()}
        for name in self._missing.keys() & hosts.keys():
            del self._missing[name]
        gone = stand.seen.keys() - hosts.keys()
        return Fleet(
            hosts=hosts,
            promised=promised,
            avoided=view.flapping(),
            away=[name for name in gone if now - self._missing.setdefault(name, now) < PATIENCE],
            separate=self._lead.settings.separate,
        )


def _kind(host: HostSeen) -> _Kind:
    return host.cordoned, host.arch, host.roles, *sorted(host.tags.items())
