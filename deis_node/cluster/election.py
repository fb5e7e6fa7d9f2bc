"""One leader among several candidates: a key on a lease that only one of them can create.

An etcd lock alone does not give mutual exclusion: a leader that was stopped for a while may
act after its lease ran out. Therefore every write of a leader carries its term's guard, a
comparison with the election key's last revision (`Term.txn`), and is refused when the term is over.
So is one that was sent before the key was written anew (`Term.fence`), whenever it arrives.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

import structlog

from deis_node.cluster import keys
from deis_node.cluster.etcd import (
    DELETE,
    Compacted,
    Compare,
    Etcd,
    EtcdError,
    Get,
    KeyValue,
    Op,
    Put,
    RevisionWentBack,
    TxnResult,
    absent,
    create_revision_is,
    mod_revision_is,
)
from deis_node.cluster.lease import Lease
from deis_node.cluster.records import Leader, RecordError
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()

_REFRESH = 0.2
"""How much of its lease a candidate lets pass before it renews it: early, so that the lease may be
short, and what is left of it is long enough for a machine that is busy.
"""
_LOOK = 600.0
"""Seconds after which the election key is read in any case. That a watch's server is gone the watch
notices by itself, and much sooner.
"""


class Term:
    """The time of one leader, from winning the election until `lost` is set."""

    def __init__(self, etcd: Etcd, holder: KeyValue) -> None:
        """`holder` is the election key as this candidate has it."""
        self._etcd = etcd
        self._key = holder.key
        self._value = holder.value
        self._written = holder.mod_revision
        self.revision = holder.create_revision
        """At which the key was made: no other term has it."""
        self.lease = holder.lease
        """Under which the key lies."""
        self.lost = asyncio.Event()
        """Set when the key is gone, or when the lease is unconfirmed for its TTL."""

    async def declare(self, value: bytes) -> bool:
        """Give the key a value; False when the term is over. EtcdError."""
        self._value = value
        return await self.fence()

    async def fence(self) -> bool:
        """Write the key anew: guarded writes that are still on their way are refused from now on.

        For when one was not answered and may yet be carried out. False when the term is over.
        EtcdError: perhaps it was done; it is to be done again.
        """
        result = await self.txn((), (Put(self._key, self._value, self.lease),))
        if result.succeeded:
            self._written = max(self._written, result.revision)
        return result.succeeded

    async def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> TxnResult:
        """Carry a transaction out while the term goes on; sent again when a fence overtook it.

        Refused for a condition of its own, or because the term is over: `lost` is set then.
        EtcdError.
        """
        while True:
            sent = self._written
            guard = mod_revision_is(self._key, sent)
            result = await self._etcd.txn((guard, *compares), ops, (Get(self._key),))
            if result.succeeded or not self._is_overtaken(result, sent):
                return result

    async def is_held(self) -> bool:
        """Ask etcd whether the term goes on. EtcdError."""
        holds = create_revision_is(self._key, self.revision)
        return (await self._etcd.txn([holds], [Get(self._key)])).succeeded

    def _is_overtaken(self, refused: TxnResult, sent: int) -> bool:
        """Whether the key, as a refused transaction has read it, was fenced after that was sent.

        A key of an earlier revision than was sent is one of a store that has gone back: the next
        term judges that, this one is over.
        """
        (listing,) = refused.results
        holder = listing.items[0] if listing is not None and listing.items else None
        if (
            holder is None
            or holder.create_revision != self.revision
            or holder.lease != self.lease
            or holder.mod_revision < sent
        ):
            self.lost.set()
            return False
        self._written = max(self._written, holder.mod_revision)
        return holder.mod_revision > sent


class Election:
    """A candidate called `name`; ttl is the seconds after which a silent leader is replaced.

    No other process that lives has the name. So a leader of this name from before was an earlier
    process, which died: it is not waited for.
    """

    def __init__(self, etcd: Etcd, name: str, ttl: int, key: str = keys.LEADER) -> None:
        self._former: int | None = None
        """The lease of whoever led when this process first looked; 0 for nobody."""
        self._etcd = etcd
        self._name = name
        self._ttl = ttl
        self._key = key

    @asynccontextmanager
    async def campaign(self, value_for: Callable[[], Awaitable[bytes]]) -> AsyncIterator[Term]:
        """Wait until elected, and lead until the context is left, which resigns.

        `value_for` is called after each won election, for the key's value (it raises the epoch
        if it can): only a winner calls it, so no loser ever raises an epoch over the leader's. The
        leader leaves the context when `term.lost` is set; an error of `value_for` resigns and
        passes through.
        """
        name, refresh = f"election {self._name}", self._ttl * _REFRESH
        lease = Lease(self._etcd, self._ttl, name=name, refresh=refresh)
        async with Tasks() as tasks:
            tasks.start("election lease", lease.run())
            try:
                term = await self._win(lease, value_for)
                log.info("elected", candidate=self._name, revision=term.revision)
                tasks.start("election lease watch", _lost_with(lease, term))
                tasks.start("election key watch", self._lost_with_key(term))
                yield term
            finally:
                await tasks.stop(self._etcd.timeout)
                await lease.revoke()
                log.info("resigned", candidate=self._name)

    async def _win(self, lease: Lease, value_for: Callable[[], Awaitable[bytes]]) -> Term:
        pause = Backoff(initial=0.05, maximum=1.0)
        while True:
            lease_id = await lease.held()
            try:
                holder = await self._try(lease_id)
                if holder.lease != lease_id:
                    await self._make_way(holder)
                    continue
                if self._former is None:
                    self._former = 0
                if term := await self._declared(holder, await value_for()):
                    return term
            except EtcdError as err:
                log.info("election interrupted", candidate=self._name, error=str(err))
            await pause.wait()

    async def _try(self, lease: int) -> KeyValue:
        """Create the key unless it exists; the key as it then is.

        When an earlier try succeeded without our knowing, we find our own lease in it.
        """
        value = Leader(self._name, 0).to_bytes()
        result = await self._etcd.txn(
            [absent(self._key)], [Put(self._key, value, lease)], [Get(self._key)]
        )
        if result.succeeded:
            return KeyValue(self._key, value, result.revision, result.revision, 1, lease)
        listing = result.results[0]
        assert listing is not None
        return listing.items[0]

    async def _make_way(self, holder: KeyValue) -> None:
        """Wait until the leader is gone; end the term of one that is dead.

        Only of whoever led when this process first looked: should two have the same name against
        the rule, the younger one leads, and they do not end each other's terms for ever.
        """
        if self._former is None:
            self._former = holder.lease
        if holder.lease and holder.lease == self._former and self._is_own(holder):
            log.warning("a leader of this name is dead", candidate=self._name, lease=holder.lease)
            await self._etcd.revoke(holder.lease)
        else:
            log.info("waiting for the leader to go", candidate=self._name)
            await self._gone(holder)

    def _is_own(self, holder: KeyValue) -> bool:
        with suppress(RecordError):
            return Leader.from_bytes(holder.value).name == self._name
        return False

    async def _declared(self, holder: KeyValue, value: bytes) -> Term | None:
        """Write the winner's value; None when the key was lost meanwhile."""
        term = Term(self._etcd, holder)
        return term if await term.declare(value) else None

    async def _gone(self, holder: KeyValue) -> None:
        """Wait until the key is deleted, or there is reason to look again."""
        try:
            watch = self._etcd.watch(self._key, holder.mod_revision + 1)
            async with asyncio.timeout(_LOOK), aclosing(watch) as batches:
                async for batch in batches:
                    if any(e.kind is DELETE and e.kv.key == self._key for e in batch):
                        return
        except (Compacted, RevisionWentBack, TimeoutError):
            return

    async def _lost_with_key(self, term: Term) -> None:
        """End the term when the key is no longer the one that was won."""
        pause = Backoff(initial=0.05, maximum=1.0)
        while True:
            try:
                kv = await self._etcd.get(self._key)
                if kv is None or kv.create_revision != term.revision:
                    log.warning("the election key is gone", candidate=self._name)
                    term.lost.set()
                    return
                await self._gone(kv)
                pause.reset()
            except EtcdError as err:
                log.info("election key not watched", candidate=self._name, error=str(err))
            await pause.wait()


async def _lost_with(lease: Lease, term: Term) -> None:
    """End the term when its lease is not confirmed any more.

    A lease that comes back later changes nothing: the term stays lost.
    """
    await lease.lost.wait()
    log.warning("the lease of the term is lost", lease=term.lease)
    term.lost.set()
