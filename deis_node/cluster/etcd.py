"""The etcd client: eight verbs over etcd's JSON gateway (version 3.4 and newer).

What callers must know of writes: a put, delete or transaction is repeated only when it surely
was not sent. Otherwise `Unavailable` means "done or not", and a level-triggered caller looks
again; one that creates a key compares the value or the lease of what it finds, which may be
its own earlier success.
"""

import ssl
from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Self

from deis_node.cluster import watch as watching
from deis_node.cluster.etcd_errors import (
    AuthFailed,
    Compacted,
    EtcdError,
    LeaseLost,
    NoSpace,
    RevisionWentBack,
    Unavailable,
)
from deis_node.cluster.etcd_gateway import Gateway
from deis_node.cluster.etcd_wire import (
    DELETE,
    PUT,
    Compare,
    Delete,
    DeletePrefix,
    Event,
    EventKind,
    Get,
    Json,
    KeyValue,
    List,
    Listing,
    Op,
    Put,
    TxnResult,
    absent,
    batches,
    create_revision_is,
    decode_range,
    decode_revision,
    decode_txn,
    encode_key,
    encode_prefix,
    encode_put,
    encode_txn,
    mod_revision_is,
    present,
    value_is,
)


class Etcd:
    """A client of a cluster, as an asynchronous context manager.

    Nothing is sent before the first call, so it opens also while etcd is away. Every call ends
    within two times `timeout` seconds, or four times that while no member is faster. A watch that
    is silent for `read_limit` seconds asks anew; a server that tells its progress more often than
    that keeps it open. With `username` it logs in, and again whenever its token is not known.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        username: str | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 5.0,
        read_limit: float = 30.0,
    ) -> None:
        self._gateway = Gateway(
            endpoints, username=username, password=password, tls=tls, timeout=timeout
        )
        self._read_limit = read_limit

    async def __aenter__(self) -> Self:
        await self._gateway.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._gateway.close()

    @property
    def timeout(self) -> float:
        """Seconds that one try of a call usually may take."""
        return self._gateway.timeout

    async def get(self, key: str) -> KeyValue | None:
        """The key as it is now (a linearizable read); None when it does not exist."""
        items = (await self._range({"key": encode_key(key)})).items
        return items[0] if items else None

    async def list(self, prefix: str, page: int = 1000) -> Listing:
        """All keys with this prefix in order, all as they were at one revision.

        Read in pages of so many keys. Compacted when the pages took longer than the store keeps
        the revision: start anew.
        """
        body = encode_prefix(prefix) | {"limit": str(page)}
        listing = await self._range(body)
        items = list(listing.items)
        last = listing
        while len(last.items) == page:
            following = encode_key(last.items[-1].key + "\0")
            body |= {"key": following, "revision": str(listing.revision)}
            last = await self._range(body)
            items += last.items
        return Listing(listing.revision, tuple(items))

    async def revision(self, key: str = "\0") -> int:
        """The store's revision now (a linearizable read of any key that the user may read)."""
        return (await self._range({"key": encode_key(key), "keys_only": True})).revision

    async def put(self, key: str, value: bytes, lease: int = 0) -> int:
        """Set a key, for ever or under a lease; the revision of the change.

        LeaseLost when there is no such lease.
        """
        body = encode_put(Put(key, value, lease))
        return decode_revision(await self._write("/v3/kv/put", body))

    async def delete(self, key: str) -> int:
        """Delete a key; the store's revision after that, changed only if there was one."""
        body: Json = {"key": encode_key(key)}
        return decode_revision(await self._write("/v3/kv/deleterange", body))

    async def txn(
        self, compares: Sequence[Compare], then: Sequence[Op], otherwise: Sequence[Op] = ()
    ) -> TxnResult:
        """Do `then` if all conditions hold, else `otherwise`, at once or not at all.

        EtcdError when there are more than 128 operations or a key is written twice. One whose
        branch has no operation is answered from what the asked member knows, which may be old.
        """
        body = encode_txn(compares, then, otherwise)
        return decode_txn(await self._write("/v3/kv/txn", body))

    async def grant(self, ttl: int) -> int:
        """A new lease of so many seconds; its id."""
        # An answer that got lost leaves a lease behind that nobody uses and that expires.
        answer = await self._gateway.call("/v3/lease/grant", {"TTL": str(ttl)}, repeatable=True)
        return int(answer.get("ID", 0))

    async def keepalive(self, lease: int, *, within: float | None = None) -> int:
        """Renew a lease; the seconds it has from now on, 0 when it is lost.

        A try may take `within` seconds at most.
        """
        answer = await self._gateway.call(
            "/v3/lease/keepalive", {"ID": str(lease)}, repeatable=True, within=within
        )
        return int(answer.get("result", {}).get("TTL", 0))

    async def revoke(self, lease: int) -> None:
        """End a lease, and with it its keys; no error when there is none."""
        try:
            await self._gateway.call("/v3/lease/revoke", {"ID": str(lease)}, repeatable=True)
        except LeaseLost:
            return

    def watch(
        self, prefix: str, revision: int, *, resume: bool = True
    ) -> AsyncGenerator[tuple[Event, ...], None]:
        """The changes of keys with this prefix from a revision on; close it with `aclosing`.

        It resumes by itself across reconnects and members, or with `resume=False` raises
        Unavailable when the connection is lost. Raises Compacted when the revision is gone,
        RevisionWentBack when the store is behind it (the reader lists again after either), and
        AuthFailed.
        """
        return watching.watch(
            self._gateway, prefix, revision, read_limit=self._read_limit, resume=resume
        )

    async def _range(self, body: Json) -> Listing:
        return decode_range(await self._gateway.call("/v3/kv/range", body, repeatable=True))

    async def _write(self, path: str, body: Json) -> Json:
        return await self._gateway.call(path, body, repeatable=False)


__all__ = [
    "DELETE",
    "PUT",
    "AuthFailed",
    "Compacted",
    "Compare",
    "Delete",
    "DeletePrefix",
    "Etcd",
    "EtcdError",
    "Event",
    "EventKind",
    "Get",
    "KeyValue",
    "LeaseLost",
    "List",
    "Listing",
    "NoSpace",
    "Op",
    "Put",
    "RevisionWentBack",
    "TxnResult",
    "Unavailable",
    "absent",
    "batches",
    "create_revision_is",
    "mod_revision_is",
    "present",
    "value_is",
]
