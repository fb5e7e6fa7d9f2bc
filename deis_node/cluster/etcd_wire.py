"""etcd's values and requests as types, to and from the JSON of its gateway. PURE.

In that JSON keys and values are base64, 64-bit integers are texts, and fields that are zero,
false or empty are absent.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A key and its value, with the revisions of its making and of its last change."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    lease: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Keys in order, as they all were at one revision of the store."""

    revision: int
    items: tuple[KeyValue, ...]


class EventKind(StrEnum):
    """What happened to a key."""

    PUT = "PUT"
    DELETE = "DELETE"


PUT = EventKind.PUT
DELETE = EventKind.DELETE


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a key; of a deleted one `kv` holds only the key and the revision."""

    kind: EventKind
    kv: KeyValue


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition of a transaction; made by the functions below."""

    key: str
    target: str
    field: str
    operand: str
    result: str = "EQUAL"


def absent(key: str) -> Compare:
    """The key does not exist."""
    return Compare(key, "CREATE", "create_revision", "0")


def present(key: str) -> Compare:
    """The key exists."""
    return Compare(key, "CREATE", "create_revision", "0", "GREATER")


def mod_revision_is(key: str, revision: int) -> Compare:
    """The key's last change is the one of this revision (0: it does not exist)."""
    return Compare(key, "MOD", "mod_revision", str(revision))


def create_revision_is(key: str, revision: int) -> Compare:
    """The key is the one that was made at this revision (0: it does not exist)."""
    return Compare(key, "CREATE", "create_revision", str(revision))


def value_is(key: str, value: bytes) -> Compare:
    """The key exists and has this value."""
    return Compare(key, "VALUE", "value", b64encode(value).decode())


@dataclass(frozen=True, slots=True)
class Put:
    """Set a key; lease 0 means for ever."""

    key: str
    value: bytes
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a key; no error when there is none."""

    key: str


@dataclass(frozen=True, slots=True)
class DeletePrefix:
    """Delete all keys with this prefix."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Get:
    """Read a key: a listing of one item or none."""

    key: str


@dataclass(frozen=True, slots=True)
class List:
    """Read all keys with this prefix, in one answer."""

    prefix: str


Op = Put | Delete | DeletePrefix | Get | List


@dataclass(frozen=True, slots=True)
class TxnResult:
    """The outcome of a transaction: which branch ran, and a listing for each of its reads."""

    succeeded: bool
    revision: int
    results: tuple[Listing | None, ...]


def encode_key(key: str) -> str:
    """A key as the gateway wants it; bytes that are no UTF-8 survive the way there and back."""
    return b64encode(key.encode(errors="surrogateescape")).decode()


def encode_prefix(prefix: str) -> Json:
    """`key` and `range_end` of all keys with this prefix; an empty one means all keys."""
    first = prefix.encode(errors="surrogateescape")
    if not first:
        return {"key": "AA==", "range_end": "AA=="}
    return {"key": b64encode(first).decode(), "range_end": b64encode(_end(first)).decode()}


def _end(prefix: bytes) -> bytes:
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else b"\x00"


def encode_put(put: Put) -> Json:
    """The body of a put."""
    body: Json = {"key": encode_key(put.key), "value": b64encode(put.value).decode()}
    return body | {"lease": str(put.lease)} if put.lease else body


def encode_txn(compares: Sequence[Compare], then: Sequence[Op], otherwise: Sequence[Op]) -> Json:
    """The body of a transaction."""
    return {
        "compare": [_encode_compare(compare) for compare in compares],
        "success": [_encode_op(op) for op in then],
        "failure": [_encode_op(op) for op in otherwise],
    }


def _encode_compare(compare: Compare) -> Json:
    return {
        "key": encode_key(compare.key),
        "target": compare.target,
        "result": compare.result,
        compare.field: compare.operand,
    }


def _encode_op(op: Op) -> Json:
    match op:
        case Put():
            return {"request_put": encode_put(op)}
        case Delete():
            return {"request_delete_range": {"key": encode_key(op.key)}}
        case DeletePrefix():
            return {"request_delete_range": encode_prefix(op.prefix)}
        case Get():
            return {"request_range": {"key": encode_key(op.key)}}
        case List():
            return {"request_range": encode_prefix(op.prefix)}


def decode_revision(answer: Mapping[str, Any]) -> int:
    """The store's revision, from the header of an answer."""
    return int(answer.get("header", {}).get("revision", 0))


def decode_kv(data: Mapping[str, Any]) -> KeyValue:
    """One key and value."""
    return KeyValue(
        key=b64decode(data["key"]).decode(errors="surrogateescape"),
        value=b64decode(data.get("value", "")),
        create_revision=int(data.get("create_revision", 0)),
        mod_revision=int(data.get("mod_revision", 0)),
        version=int(data.get("version", 0)),
        lease=int(data.get("lease", 0)),
    )


def decode_range(answer: Mapping[str, Any]) -> Listing:
    """The answer to a read."""
    items = tuple(decode_kv(kv) for kv in answer.get("kvs", ()))
    return Listing(decode_revision(answer), items)


def decode_txn(answer: Mapping[str, Any]) -> TxnResult:
    """The answer to a transaction."""
    parts = (part.get("response_range") for part in answer.get("responses", ()))
    results = tuple(None if part is None else decode_range(part) for part in parts)
    return TxnResult(bool(answer.get("succeeded")), decode_revision(answer), results)


def decode_events(result: Mapping[str, Any]) -> tuple[Event, ...]:
    """The events of one message of a watch."""
    return tuple(
        Event(EventKind(event.get("type", "PUT")), decode_kv(event["kv"]))
        for event in result.get("events", ())
    )


def batches(ops: Sequence[Op], *, most: int = 100, size: int = 1 << 20) -> Iterator[tuple[Op, ...]]:
    """Pack operations, in their order, into transactions of at most `most` and `size` bytes.

    An operation that is larger than `size` by itself gets a batch of its own. The bounds are
    those of docs/architecture.md, below etcd's own (128 operations, 1.5 MiB).
    """
    batch: list[Op] = []
    used = 0
    for op in ops:
        weight = _weight(op)
        if batch and (len(batch) >= most or used + weight > size):
            yield tuple(batch)
            batch, used = [], 0
        batch.append(op)
        used += weight
    if batch:
        yield tuple(batch)


def _weight(op: Op) -> int:
    name = op.prefix if isinstance(op, DeletePrefix | List) else op.key
    return len(name.encode(errors="surrogateescape")) + (
        len(op.value) if isinstance(op, Put) else 0
    )
