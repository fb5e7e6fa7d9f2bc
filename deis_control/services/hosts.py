"""Hosts, as operators see them: looking, cordon, drain, tags, rebalance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from deis_control.db import desired
from deis_control.db.pool import Database
from deis_control.errors import Conflict, NotFound, Unavailable
from deis_control.model import Act, User
from deis_control.scheduler.hostconf import Held, HostConfs
from deis_control.scheduler.rebalance import Rebalance, plan_rebalance
from deis_control.scheduler.running import running_copies
from deis_control.scheduler.world import HostListed, HostSeen, Placed
from deis_control.services.audit import note
from deis_node.cluster.records import HostConf

log = structlog.get_logger()

_TRIES = 5
"""How often a change is decided anew because somebody else's came first."""


class HostsView(Protocol):
    """The cluster's state, as far as hosts are concerned."""

    def hosts(self) -> Sequence[HostListed]:
        """Every host that there is anything of; Unavailable while that is not known."""
        ...

    def loads(self) -> Sequence[HostSeen]:
        """The live hosts and what they carry."""
        ...

    def flapping(self) -> frozenset[str]:
        """The live hosts that were lost again and again and came back a short while ago."""
        ...

    def placed(self) -> Sequence[Placed]:
        """Every copy of every app that is on a host, but one-off commands."""
        ...


@dataclass(frozen=True, slots=True)
class HostChange:
    """What of an operator's word on a host changes; None leaves it."""

    tags: Mapping[str, str | None] = field(default_factory=dict)
    """A tag's value; None removes the tag, whoever set it."""
    cordoned: bool | None = None
    draining: bool | None = None


class _Late(Exception):
    """Somebody else's change came first."""


class Hosts:
    """Use cases about hosts."""

    def __init__(
        self,
        database: Database,
        view: HostsView,
        store: HostConfs,
        separate: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._view = view
        self._store = store
        self._separate = separate

    def all(self) -> Sequence[HostListed]:
        """Every host by name, also those that are not alive but of which something is left."""
        return self._view.hosts()

    def find(self, name: str) -> HostListed:
        """One host; NotFound."""
        found = next((host for host in self._view.hosts() if host.name == name), None)
        if found is None:
            raise NotFound
        return found

    async def change(self, caller: User, name: str, change: HostChange) -> HostListed:
        """Change the operator's word on a host: the host as it is then. NotFound, Unavailable."""
        host = self.find(name)
        for _ in range(_TRIES):
            held = await self._store.read(name)
            after = _edited(host, held.conf, change)
            if after == held.conf:
                return _with(host, after)
            try:
                await self._write(caller, name, held, after)
            except _Late:
                continue
            log.info("host changed", host=name, actor=caller.username)
            return _with(host, after)
        raise Unavailable(f"{name} is being changed by others, try again.")

    async def forget(self, caller: User, name: str) -> None:
        """Remove what is left of a host that is gone for good. NotFound; Conflict while it is
        alive or still has copies.
        """
        found = next((host for host in self._view.hosts() if host.name == name), None)
        if found is None and not await self._store.is_addressed(name):
            raise NotFound
        if found is not None and found.alive:
            raise Conflict(f"{name} is alive: drain it, and shut it down before.")
        async with self._database.transaction("forget host") as conn:
            await note(conn, Act.HOST_CHANGE, caller, target=name, after={"forgotten": True})
            await self._store.forget(name)
        log.info("host forgotten", host=name, actor=caller.username)

    async def rebalance(self, caller: User, *, dry_run: bool) -> Rebalance:
        """Ask for the moves that bring the cluster into balance, or only tell them."""
        self._view.hosts()
        moves = await self._store.moves()
        async with self._database.connection() as conn:
            wanted = await desired.of_all(conn)
        running = running_copies(self._view.placed(), wanted, moves)
        found = plan_rebalance(
            self._view.loads(), running, self._separate, flapping=self._view.flapping()
        )
        if dry_run or not found.shifts:
            return found
        async with self._database.transaction("rebalance") as conn:
            told = {shift.copy.job: f"{shift.source} → {shift.to}" for shift in found.shifts}
            await note(conn, Act.HOST_REBALANCE, caller, after=told)
            await self._store.ask({one.copy: (one.source, one.to) for one in found.shifts})
        log.info("rebalance", moves=len(found.shifts), actor=caller.username)
        return found

    async def _write(self, caller: User, name: str, held: Held, after: HostConf) -> None:
        """The change and its line in the audit trail; _Late when another came first."""
        was, now = _told(held.conf), _told(after)
        async with self._database.transaction("change host") as conn:
            await note(conn, Act.HOST_CHANGE, caller, target=name, before=was, after=now)
            if not await self._store.write(name, after, held):
                raise _Late


def _edited(host: HostListed, conf: HostConf, change: HostChange) -> HostConf:
    """The word on a host after a change of it."""
    tags = dict(conf.tags)
    own = host.host.tags if host.host is not None else {}
    for key, value in change.tags.items():
        if value is not None:
            tags[key] = value
        elif key in own:
            tags[key] = ""
        else:
            tags.pop(key, None)
    return HostConf(
        tags=tags,
        cordoned=conf.cordoned if change.cordoned is None else change.cordoned,
        draining=conf.draining if change.draining is None else change.draining,
    )


def _with(host: HostListed, conf: HostConf) -> HostListed:
    """The host with another word on it."""
    own = host.host.tags if host.host is not None else {}
    tags = {key: value for key, value in {**own, **conf.tags}.items() if value}
    return replace(host, conf=conf, tags=tags)


def _told(conf: HostConf) -> dict[str, object]:
    """The word on a host, for the audit trail."""
    return {"tags": dict(conf.tags), "cordoned": conf.cordoned, "draining": conf.draining}
