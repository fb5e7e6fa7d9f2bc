"""etcd's values and requests in the JSON of its gateway."""

import json
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.cluster.etcd_errors import (
    AuthFailed,
    Compacted,
    EtcdError,
    LeaseLost,
    NoSpace,
    RevisionWentBack,
    TokenRejected,
    Unavailable,
    translate,
)
from deis_node.cluster.etcd_wire import (
    Delete,
    Op,
    Put,
    batches,
    decode_events,
    decode_kv,
    encode_prefix,
    encode_put,
    encode_txn,
)


@given(st.binary(min_size=1), st.binary())
def test_any_bytes_survive_as_key_and_value(name: bytes, value: bytes) -> None:
    key = name.decode(errors="surrogateescape")
    body = encode_put(Put(key, value))
    kv = decode_kv(json.loads(json.dumps(body)))
    assert (kv.key, kv.value) == (key, value)


@given(st.binary(min_size=1), st.binary())
def test_a_prefix_covers_what_begins_with_it_and_nothing_else(prefix: bytes, other: bytes) -> None:
    wire = encode_prefix(prefix.decode(errors="surrogateescape"))
    first, end = b64decode(wire["key"]), b64decode(wire["range_end"])

    def covered(key: bytes) -> bool:
        return first <= key and (key < end or end == b"\0")

    assert covered(prefix + other)
    assert covered(other) == other.startswith(prefix) or set(prefix) == {255}


def test_integers_are_texts_and_absent_fields_are_zero() -> None:
    kv = decode_kv({"key": "YQ==", "mod_revision": "9007199254740993"})
    assert (kv.mod_revision, kv.value, kv.lease, kv.version) == (9007199254740993, b"", 0, 0)


def test_an_event_without_a_type_is_a_put() -> None:
    events = decode_events(
        {"events": [{"kv": {"key": "YQ=="}}, {"type": "DELETE", "kv": {"key": "Yg=="}}]}
    )
    assert [event.kind for event in events] == ["PUT", "DELETE"]


def test_a_lease_is_named_only_when_there_is_one() -> None:
    assert "lease" not in encode_put(Put("a", b""))
    assert encode_put(Put("a", b"", 7))["lease"] == "7"


def test_a_transaction_has_both_branches() -> None:
    body = encode_txn((), [Delete("a")], [Put("b", b"")])
    assert "request_delete_range" in body["success"][0]
    assert "request_put" in body["failure"][0]


@given(st.lists(st.integers(min_value=0, max_value=50)), st.integers(1, 5), st.integers(1, 60))
def test_batches_keep_order_and_bounds(sizes: list[int], most: int, size: int) -> None:
    ops: list[Op] = [Put("k", bytes(n)) for n in sizes]
    packed = list(batches(ops, most=most, size=size))
    assert [op for batch in packed for op in batch] == ops
    for batch in packed:
        weight = sum(1 + len(op.value) for op in batch if isinstance(op, Put))
        assert len(batch) == 1 or (len(batch) <= most and weight <= size)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (11, "etcdserver: mvcc: required revision has been compacted", Compacted),
        (11, "etcdserver: mvcc: required revision is a future revision", RevisionWentBack),
        (8, "etcdserver: mvcc: database space exceeded", NoSpace),
        (8, "etcdserver: too many requests", Unavailable),
        (8, "grpc: received message larger than max (2 vs. 1)", EtcdError),
        (5, "etcdserver: requested lease not found", LeaseLost),
        (16, "etcdserver: invalid auth token", TokenRejected),
        (3, "etcdserver: user name is empty", TokenRejected),
        (3, "etcdserver: revision of auth store is old", TokenRejected),
        (3, "etcdserver: authentication failed, invalid user ID or password", AuthFailed),
        (7, "etcdserver: permission denied", AuthFailed),
        (0, "watch canceled: desc = etcdserver: permission denied", AuthFailed),
        (3, "etcdserver: duplicate key given in txn request", EtcdError),
        (14, "etcdserver: no leader", Unavailable),
        (14, "etcdserver: request timed out", Unavailable),
        (4, "context deadline exceeded", Unavailable),
        (2, "something unheard of", Unavailable),
    ],
)
def test_answers_become_our_errors(code: int, message: str, kind: type[EtcdError]) -> None:
    assert type(translate(code, message)) is kind
