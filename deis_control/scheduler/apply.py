"""The leader's hand on the store: every write is fenced twice (rule 6) and taken in at once."""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from deis_control.errors import Fenced
from deis_control.scheduler.changes import MOST, Change, pack
from deis_control.scheduler.view import ClusterView
from deis_node.cluster import keys
from deis_node.cluster.election import Term
from deis_node.cluster.etcd import (
    DeletePrefix,
    Etcd,
    Get,
    Listing,
    NoSpace,
    TxnResult,
    Unavailable,
    value_is,
)
from deis_node.cluster.records import Incarnation
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_LOOK = 0.5
"""Seconds between two looks for what nobody has answered for."""


class Store:
    """Transactions of one term in one life of the store."""

    def __init__(self, etcd: Etcd, view: ClusterView, term: Term, incarnation: Incarnation) -> None:
        self._etcd = etcd
        self._view = view
        self._term = term
        self._incarnation = incarnation
        self.revision = 0
        """Which the store has reached for certain, by all that was written or looked for."""
        self._open: dict[str | DeletePrefix, object] = {}
        """Keys and deletions of transactions that may have been carried out, as the answer does not
        tell. And for each the one that last wrote it so."""
        self._on_its_way: object | None = None
        """The last transaction that nobody answered: it may be carried out yet."""
        self._looking = asyncio.Lock()
        self._look_again = 0.0
        """When the next look for them is worth it, by the loop's clock: one for all who wait."""

    @property
    def trusted(self) -> bool:
        """Whether the view shows the life of the store that this term is for."""
        return self._view.incarnation == self._incarnation and not self._term.lost.is_set()

    async def trust(self) -> None:
        """Wait until it does, with all that was ever written, and nothing more to come of it.

        Who looked before could not see a copy that was placed without an answer, and would give
        its name to another one elsewhere. Fenced when the term is found to be over; EtcdError.
        """
        pause = Backoff(initial=0.02, maximum=0.5)
        while not (await self._all_seen() and self.trusted):
            await pause.wait()

    async def _all_seen(self) -> bool:
        """Look for what was written without an answer; False when that cannot be known now."""
        clock = asyncio.get_running_loop().time
        async with self._looking:
            if self._open and clock() < self._look_again:
                return False
            opened = dict(self._open)
            try:
                if self._on_its_way is not None:
                    await self._fence(self._on_its_way)
                await self._look_for([name for name in opened if isinstance(name, str)])
            except (Unavailable, NoSpace) as err:
                log.info("unanswered writes not looked for", count=len(opened), error=str(err))
                self._look_again = clock() + _LOOK
                return False
            for name, written in opened.items():
                if self._open.get(name) is written:
                    del self._open[name]
        return True

    async def _fence(self, last: object) -> None:
        """Have what is still on its way refused, all up to this one."""
        if not await self._term.fence():
            raise Fenced("another leader was elected")
        if self._on_its_way is last:
            self._on_its_way = None

    async def _look_for(self, names: Sequence[str]) -> None:
        """Read what was carried out.

        What was deleted by a prefix the watch tells: nobody plans by what is left of an app.
        """
        for first in range(0, len(names), MOST):
            asked = names[first : first + MOST]
            found = await self._etcd.txn((), tuple(map(Get, asked)))
            there = [kv for listing in found.results if listing for kv in listing.items]
            self._view.read(asked, there, found.revision)
            self.revision = max(self.revision, found.revision)

    async def write(self, changes: Iterable[Change]) -> bool:
        """Carry changes out, in their order; False when one was refused: look again.

        Fenced when the term is over. EtcdError: Unavailable leaves open what was carried out.
        """
        for batch in pack(changes):
            result = await self._carry_out(batch)
            if not result.succeeded:
                return False
            self.revision = max(self.revision, result.revision)
            self._view.wrote(batch.ops, result.revision)
        return True

    async def confirm(self) -> bool:
        """Ask, without writing, whether this term goes on in this life of the store.

        For changes outside of etcd. Fenced when the term is over; EtcdError.
        """
        return (await self._txn(Change())).succeeded

    async def _carry_out(self, batch: Change) -> TxnResult:
        try:
            return await self._txn(batch)
        except NoSpace:
            # The quota may have been passed by this one, which then was carried out all the same.
            self._leave_open(batch)
            raise
        except Unavailable as err:
            if err.sent:
                self._on_its_way = self._leave_open(batch)
            raise
        except asyncio.CancelledError:
            self._on_its_way = self._leave_open(batch)
            raise

    def _leave_open(self, batch: Change) -> object:
        one = object()
        prefixes = {op for op in batch.ops if isinstance(op, DeletePrefix)}
        self._open |= dict.fromkeys(batch.keys | prefixes, one)
        return one

    async def _txn(self, batch: Change) -> TxnResult:
        life = value_is(keys.INCARNATION, self._incarnation.to_bytes())
        result = await self._term.txn((life, *batch.compares), batch.ops)
        if not result.succeeded and self._term.lost.is_set():
            raise Fenced("another leader was elected")
        return result

    async def list(self, prefix: str, page: int = 1000) -> Listing:
        """What lies below a prefix now, read so many keys at a time. EtcdError."""
        return await self._etcd.list(prefix, page)

    @property
    def incarnation(self) -> str:
        """Which life of the store this term is for."""
        return self._incarnation.id
