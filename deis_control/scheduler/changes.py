"""Changes of the store that belong together, and how they are packed into transactions. PURE."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deis_node.cluster.etcd import Compare, Delete, DeletePrefix, Op, Put

MOST = 90
"""Operations, and conditions, that one transaction may have; etcd's bound is 128, ours 100 with
the leader's guards."""

SIZE = 1 << 20
"""Bytes of keys and values that one transaction may have."""


@dataclass(frozen=True, slots=True)
class Change:
    """Operations that are done together or not at all, and on which conditions."""

    compares: tuple[Compare, ...] = ()
    ops: tuple[Op, ...] = ()

    def __add__(self, other: "Change") -> "Change":
        return Change(self.compares + other.compares, self.ops + other.ops)

    @property
    def size(self) -> int:
        """Bytes of the keys and values."""
        return sum(_weight(op) for op in self.ops)

    @property
    def keys(self) -> frozenset[str]:
        """The keys that it writes; a transaction may write none twice."""
        return frozenset(op.key for op in self.ops if isinstance(op, Put | Delete))


def pack(changes: Iterable[Change]) -> Iterator[Change]:
    """Join changes, in their order, into as few transactions as the bounds allow.

    Every prefix of the sequence is safe, because each change is.
    """
    batch = Change()
    for change in changes:
        if batch.ops and not _fit(batch, change):
            yield batch
            batch = Change()
        batch += change
    if batch.ops:
        yield batch


def _fit(batch: Change, change: Change) -> bool:
    """Whether the two may share a transaction."""
    return (
        len(batch.ops) + len(change.ops) <= MOST
        and len(batch.compares) + len(change.compares) <= MOST
        and batch.size + change.size <= SIZE
        and not batch.keys & change.keys
    )


def _weight(op: Op) -> int:
    if isinstance(op, Put):
        return len(op.key) + len(op.value)
    return len(op.prefix) if isinstance(op, DeletePrefix) else 0
