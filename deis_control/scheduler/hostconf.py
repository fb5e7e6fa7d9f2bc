"""What operators write about hosts into the store: their word on a host, and moves of copies.

No leader is needed: each write says under which condition it holds.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from deis_control.errors import Conflict, Unavailable
from deis_control.scheduler.changes import Change, pack
from deis_node.cluster import keys
from deis_node.cluster.etcd import (
    Compare,
    Delete,
    DeletePrefix,
    EtcdError,
    KeyValue,
    Listing,
    Op,
    Put,
    TxnResult,
    absent,
    mod_revision_is,
    present,
)
from deis_node.cluster.names import CopyName, parse_container
from deis_node.cluster.records import HostConf, Move, Placement, PlacementState, RecordError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Held:
    """The word on a host, and as of when."""

    conf: HostConf
    revision: int
    """Of its last change; 0 while there is none."""


class Keys(Protocol):
    """As much of etcd as is needed; the methods are those of `Etcd`."""

    async def get(self, key: str) -> KeyValue | None:
        """One key; EtcdError."""
        ...

    async def list(self, prefix: str, page: int = 1000) -> Listing:
        """All keys below a prefix; EtcdError."""
        ...

    async def txn(
        self, compares: Sequence[Compare], then: Sequence[Op], otherwise: Sequence[Op] = ()
    ) -> TxnResult:
        """A transaction; EtcdError."""
        ...


class HostConfs:
    """The operator's hand on the store. Unavailable when it does not answer."""

    def __init__(self, etcd: Keys) -> None:
        self._etcd = etcd

    async def read(self, host: str) -> Held:
        """The word on a host as it is now; one that says nothing when there is none."""
        kv = await _answered(self._etcd.get(keys.hostconf(host)))
        try:
            conf = HostConf() if kv is None else HostConf.from_bytes(kv.value)
        except RecordError:
            conf = HostConf()
        return Held(conf, kv.mod_revision if kv is not None else 0)

    async def write(self, host: str, conf: HostConf, before: Held) -> bool:
        """Put another in its place; False when it was changed meanwhile. One that says nothing
        is removed.
        """
        key = keys.hostconf(host)
        held = mod_revision_is(key, before.revision)
        op = Delete(key) if conf == HostConf() else Put(key, conf.to_bytes())
        return (await _answered(self._etcd.txn((held,), (op,)))).succeeded

    async def forget(self, host: str) -> None:
        """Remove what is left of a host that is gone for good: its conf, placements that say stop,
        and the addresses of the control process of its name; Conflict while it is alive or there
        are other placements.
        """
        placed = (await _answered(self._etcd.list(keys.placements_of(host)))).items
        staying = [kv for kv in placed if not _is_stopping(kv)]
        if staying:
            names = ", ".join(kv.key.rpartition("/")[2] for kv in staying[:3])
            more = f" and {len(staying) - 3} more" if len(staying) > 3 else ""
            raise Conflict(f"{host} still has copies: {names}{more}")
        gone = absent(keys.host(host))
        changes = [_without(host, kv, gone) for kv in placed]
        left = (Delete(key) for key in (keys.hostconf(host), *_addresses(host)))
        changes.append(Change((gone,), (*left, DeletePrefix(keys.logs_deleted_of(host)))))
        for batch in pack(changes):
            if not (await _answered(self._etcd.txn(batch.compares, batch.ops))).succeeded:
                raise Conflict(f"{host} is alive, or is being changed; look again.")

    async def is_addressed(self, host: str) -> bool:
        """Whether a control process of this name has said where it answers."""
        return any([await _answered(self._etcd.get(key)) for key in _addresses(host)])

    async def moves(self) -> Mapping[CopyName, Move]:
        """The moves that were asked for and are not done yet."""
        found = {}
        for kv in (await _answered(self._etcd.list(keys.MOVES))).items:
            copy = parse_container(kv.key.rpartition("/")[2])
            try:
                if copy is not None:
                    found[copy] = Move.from_bytes(kv.value)
            except RecordError:
                continue
        return found

    async def ask(self, moves: Mapping[CopyName, tuple[str, str]]) -> None:
        """Ask for moves: copy → the host where it is, and the one where it shall be.

        One whose placement is not there any more is passed over.
        """
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SUTC")
        for copy, (source, to) in moves.items():
            there = present(keys.placement(source, copy.container))
            move = Move(created=created, to=to)
            put = Put(keys.move(copy.app, copy.container), move.to_bytes())
            await _answered(self._etcd.txn((there,), (put,)))


def _addresses(host: str) -> tuple[str, str]:
    return keys.controller_host(host), keys.logs_host(host)


def _without(host: str, kv: KeyValue, gone: Compare) -> Change:
    """Remove a placement that nobody can confirm any more, and what was observed of it."""
    container = kv.key.rpartition("/")[2]
    held = (gone, mod_revision_is(kv.key, kv.mod_revision))
    return Change(held, (Delete(kv.key), Delete(keys.instance(host, container))))


def _is_stopping(kv: KeyValue) -> bool:
    try:
        return Placement.from_bytes(kv.value).state is PlacementState.STOP
    except RecordError:
        return True


async def _answered(asked: Awaitable[_T]) -> _T:
    """The store's answer; Unavailable when there is none."""
    try:
        return await asked
    except EtcdError as err:
        raise Unavailable(f"The cluster's store does not answer: {err}") from err
