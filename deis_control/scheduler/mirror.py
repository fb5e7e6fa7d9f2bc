"""PostgreSQL's copy of the store's lasting keys, kept in step by the leader (rule 2).

One consistent read, then every change in order: what the mirror holds is always a state that the
store was in. Nothing is written while nothing changes.
"""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from deis_control.db import control, mirror
from deis_control.db.pool import Connection, Database, DatabaseAway
from deis_control.errors import Fenced
from deis_node.cluster import keys
from deis_node.cluster.etcd import (
    DELETE,
    Compacted,
    Etcd,
    EtcdError,
    Event,
    KeyValue,
    RevisionWentBack,
)
from deis_node.cluster.records import Incarnation, RecordError
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

REVISION = "revision"
"""The entry that tells how far the store was when the mirror was written: a number."""

REWRITTEN = (keys.PLACEMENTS, keys.ROUTES, keys.ENVS)
"""What a restored store must hold exactly as mirrored."""

_LASTING = (
    *REWRITTEN,
    keys.HOSTCONF,
    keys.CERTS,
    keys.INCARNATION,
    *(keys.setting(component, "") for component in keys.SETTING_COMPONENTS),
)


def lasts(key: str) -> bool:
    """Whether a key that is under no lease belongs into the mirror."""
    return key.startswith(_LASTING)


@dataclass(frozen=True, slots=True)
class Position:
    """How far the store was for certain."""

    revision: int = 0
    awaited: int = 0
    """The revision of the last barrier. Whoever moves traffic raises it and nobody lowers it, so
    that a store with a lower one has gone back, whatever was written since."""


class Mirror:
    """Keeps the mirror; `run` goes on until cancelled."""

    def __init__(
        self, etcd: Etcd, database: Database, *, epoch: int, incarnation: Incarnation
    ) -> None:
        self._etcd = etcd
        self._database = database
        self._epoch = epoch
        self._incarnation = incarnation
        self._revision = 0
        self._awaited = 0
        self._noted: bytes | None = None
        """The position that the mirror has; None before the first one."""
        self._writing = asyncio.Lock()
        self._moved = asyncio.Condition()

    async def covers(self, revision: int, *, within: float) -> bool:
        """Whether the mirror has got to a revision, after waiting for at most so many seconds."""
        try:
            async with asyncio.timeout(within), self._moved:
                await self._moved.wait_for(lambda: self._revision >= revision)
        except TimeoutError:
            log.warning("the mirror is behind", revision=self._revision, wanted=revision)
            return False
        return True

    async def run(self) -> None:
        """Read, then follow; again from the start on any doubt.

        RevisionWentBack when the store has gone back or is in another life: what is mirrored is
        then worth more than what the store holds, and stays as it is.
        """
        pause = Backoff(initial=0.1, maximum=5.0)
        while True:
            try:
                await self._follow(await self._read())
            except RevisionWentBack:
                raise
            except Compacted as err:
                log.info("the mirror reads anew", reason=str(err))
            except (EtcdError, DatabaseAway) as err:
                log.info("the mirror waits", reason=str(err))
            await pause.wait()

    async def check(self, pause: float) -> None:
        """Look every so many seconds whether the mirror is still what was written.

        Fenced when it is not: the database was put back to an earlier state, and whatever else
        this term remembers of it is not so any more.
        """
        while True:
            await asyncio.sleep(pause)
            try:
                async with self._writing, self._database.connection() as conn:
                    await self._same(conn, self._noted)
            except DatabaseAway as err:
                log.info("the mirror is not checked", reason=str(err))

    async def _same(self, conn: Connection, noted: bytes | None) -> None:
        if noted not in (None, await mirror.entry(conn, REVISION)):
            raise Fenced("the database is not the one that was written to: it went back")

    async def _read(self) -> int:
        """Bring the whole mirror in line with the store; the revision of that."""
        listing = await self._etcd.list(keys.ROOT)
        awaited = next((kv.mod_revision for kv in listing.items if kv.key == keys.AWAIT), 0)
        if listing.revision < self._revision or awaited < self._awaited:
            raise RevisionWentBack(f"the store is at {listing.revision}, was at {self._revision}")
        found = {kv.key: kv.value for kv in listing.items if not kv.lease and lasts(kv.key)}
        if not _is(self._incarnation, found.get(keys.INCARNATION)):
            raise RevisionWentBack("the store is in another life")
        self._awaited = awaited
        found[REVISION] = _position(listing.revision)
        await self._rewrite(found)
        await self._moved_to(listing.revision)
        return listing.revision

    async def _rewrite(self, found: dict[str, bytes]) -> None:
        async with self._writing:
            self._noted = None  # Until it is known that the transaction was done.
            async with control.fenced(self._database, self._epoch, "mirror all") as conn:
                before = await mirror.all_entries(conn)
                await mirror.put(conn, {k: v for k, v in found.items() if before.get(k) != v})
                await mirror.delete(conn, [key for key in before if key not in found])
                await mirror.put_barrier(conn, self._awaited)
            self._noted = found[REVISION]

    async def _follow(self, revision: int) -> None:
        watch = self._etcd.watch(keys.ROOT, revision + 1, resume=False)
        async with aclosing(watch) as batches:
            async for batch in batches:
                reached = batch[-1].kv.mod_revision
                raised = (event.kv.mod_revision for event in batch if event.kv.key == keys.AWAIT)
                self._awaited = max((self._awaited, *raised))
                put, gone = _lasting(batch)
                if put or gone:
                    await self._note(put | {REVISION: _position(reached)}, gone)
                await self._moved_to(reached)

    async def _note(self, put: dict[str, bytes], gone: list[str]) -> None:
        async with self._writing:
            noted, self._noted = self._noted, None
            async with control.fenced(self._database, self._epoch, "mirror") as conn:
                await self._same(conn, noted)
                await mirror.put(conn, put)
                await mirror.put_barrier(conn, self._awaited)
                if gone:
                    await mirror.delete(conn, gone)
            self._noted = put[REVISION]

    async def _moved_to(self, revision: int) -> None:
        async with self._moved:
            self._revision = revision
            self._moved.notify_all()


def _position(revision: int) -> bytes:
    return str(revision).encode()


def _lasting(batch: Iterable[Event]) -> tuple[dict[str, bytes], list[str]]:
    """The last word of a batch on each lasting key."""
    last: dict[str, KeyValue | None] = {}
    for event in batch:
        if lasts(event.kv.key) and not event.kv.lease:
            last[event.kv.key] = None if event.kind is DELETE else event.kv
    put = {key: kv.value for key, kv in last.items() if kv is not None}
    return put, [key for key, kv in last.items() if kv is None]


def _is(incarnation: Incarnation, value: bytes | None) -> bool:
    try:
        return value is not None and Incarnation.from_bytes(value) == incarnation
    except RecordError:
        return False
