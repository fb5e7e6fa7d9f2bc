"""Which life of the store this is, and bringing back what a lost one held (rule 2).

Agents and routers trust a store only by its incarnation, so it is written last: until then every
step of a restoration, and every prefix of them, changes nothing for anybody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

import structlog

from deis_control.db import control, mirror
from deis_control.db.pool import Database
from deis_control.errors import Fenced
from deis_control.scheduler.changes import Change, pack
from deis_control.scheduler.mirror import REVISION, REWRITTEN, Position
from deis_node.cluster import keys
from deis_node.cluster.election import Term
from deis_node.cluster.etcd import (
    Compare,
    Delete,
    Etcd,
    KeyValue,
    Put,
    absent,
    mod_revision_is,
)
from deis_node.cluster.records import Await, Incarnation, RecordError

log = structlog.get_logger()

ANCESTORS = 16
"""How many former lives an incarnation names."""


@dataclass(frozen=True, slots=True)
class Known:
    """What this process remembers of the store from its former terms."""

    incarnation: str = ""
    revision: int = 0


class Restoration:
    """What a new leader does first."""

    def __init__(self, etcd: Etcd, database: Database, term: Term, *, epoch: int) -> None:
        self._etcd = etcd
        self._database = database
        self._term = term
        self._epoch = epoch

    async def settle(self, known: Known, *, again: bool = False) -> Incarnation:
        """The store's incarnation, once the store can be trusted.

        Fenced, EtcdError or DatabaseAway at any point: the next leader, or the next try, does what
        is left. `again` says that there was one in this term, whose writes may still be on their
        way.
        """
        if again and not await self._term.fence():
            raise Fenced("another leads")
        async with self._database.connection() as conn:
            expected = await control.incarnation(conn)
            entries = await mirror.all_entries(conn)
            awaited = await mirror.barrier(conn)
        reached = Position(int(entries.pop(REVISION, b"0")), awaited)
        kv = await self._etcd.get(keys.INCARNATION)
        found = _parsed(kv.value if kv else None)
        if found is None or found.id != expected:
            reached = Position()  # The mirror followed another life: revisions say nothing here.
        if found is None and expected is None:
            log.info("first start, the store gets its first incarnation")
            incarnation = await self._begin(kv, ())
        elif found is not None and await self._goes_on(found, expected, reached, known):
            incarnation = found
        else:
            incarnation = await self._restore(kv, found, expected, entries, reached)
        if incarnation.id != expected:
            async with control.fenced(self._database, self._epoch, "incarnation") as conn:
                await control.set_incarnation(conn, incarnation.id)
        return incarnation

    async def _goes_on(
        self, found: Incarnation, expected: str | None, reached: Position, known: Known
    ) -> bool:
        """Whether this is the life that was known, or a later one, and nothing of it is lost."""
        if expected is not None and not found.follows(expected):
            return False
        least = reached
        if found.id == known.incarnation:
            least = replace(least, revision=max(least.revision, known.revision))
        barrier = await self._etcd.get(keys.AWAIT)
        revision = await self._etcd.revision()
        awaited = barrier.mod_revision if barrier else 0
        goes_on = revision >= least.revision and awaited >= least.awaited
        if not goes_on:
            log.error("the store went back", revision=revision, awaited=awaited, known=least)
        return goes_on

    async def _restore(
        self,
        kv: KeyValue | None,
        found: Incarnation | None,
        expected: str | None,
        entries: dict[str, bytes],
        reached: Position,
    ) -> Incarnation:
        """Put back what is mirrored, then begin a new life that descends from the known ones."""
        former = _parsed(entries.pop(keys.INCARNATION, None))
        listing = await self._etcd.list(keys.ROOT)
        there = {item.key: item for item in listing.items}
        lost = list(lost_keys(entries, there))
        stale = list(stale_keys(entries, there, reached.revision))
        log.warning("restoring the store", keys=len(lost), stale=len(stale), lost=expected)
        for batch in pack([*lost, *stale]):
            await self._write(Change((_same(kv), *batch.compares), batch.ops))
        lives = [expected or "", *_lives(former), *_lives(found)]
        return await self._begin(kv, tuple(dict.fromkeys(life for life in lives if life)))

    async def _begin(self, before: KeyValue | None, ancestors: tuple[str, ...]) -> Incarnation:
        """Write a new incarnation, and the barrier behind everything that was put back."""
        made = Incarnation(uuid4().hex, ancestors[:ANCESTORS])
        barrier = Put(keys.AWAIT, Await("").to_bytes())
        ops = (Put(keys.INCARNATION, made.to_bytes()), barrier)
        await self._write(Change((_same(before),), ops))
        log.info("the store has a new incarnation", incarnation=made.id)
        return made

    async def _write(self, change: Change) -> None:
        if not (await self._term.txn(change.compares, change.ops)).succeeded:
            raise Fenced("the store changed while it was restored")


def lost_keys(entries: Mapping[str, bytes], found: Mapping[str, KeyValue]) -> Iterable[Change]:
    """What is to be put back. PURE.

    Placements, routes and configs as mirrored; of other keys only those that are missing, because
    somebody may have set them since.
    """
    for key, value in entries.items():
        kv = found.get(key)
        if kv is None:
            yield Change((absent(key),), (Put(key, value),))
        elif key.startswith(REWRITTEN) and kv.value != value:
            yield Change((mod_revision_is(key, kv.mod_revision),), (Put(key, value),))


def stale_keys(
    entries: Mapping[str, bytes], found: Mapping[str, KeyValue], reached: int
) -> Iterable[Change]:
    """What had been removed already when the mirror had followed this life up to `reached`. PURE.

    A snapshot brings it back: copies that ended, under names that others may bear on other hosts
    by now, what their hosts said of them, and their endpoints, whose ports may be other apps'.
    Nothing of it may be believed.
    """
    gone = {
        key: kv
        for key, kv in found.items()
        if key.startswith(REWRITTEN) and key not in entries and kv.mod_revision <= reached
    }
    copies = {keys.tail(key, keys.PLACEMENTS) for key in gone if key.startswith(keys.PLACEMENTS)}
    told = {keys.INSTANCES + copy for copy in copies}
    placed = {key.rpartition("/")[2] for key in entries if key.startswith(keys.PLACEMENTS)}
    ended = {copy.rpartition("/")[2] for copy in copies} - placed
    for key, kv in found.items():
        published = key.startswith(keys.SERVICES) and key.rpartition("/")[2] in ended
        if key in gone or key in told or published:
            yield Change((mod_revision_is(key, kv.mod_revision),), (Delete(key),))


def _same(kv: KeyValue | None) -> Compare:
    """The incarnation is still the one that was read."""
    return mod_revision_is(keys.INCARNATION, kv.mod_revision if kv else 0)


def _parsed(value: bytes | None) -> Incarnation | None:
    try:
        return None if value is None else Incarnation.from_bytes(value)
    except RecordError:
        return None


def _lives(incarnation: Incarnation | None) -> tuple[str, ...]:
    return (incarnation.id, *incarnation.ancestors) if incarnation else ()
