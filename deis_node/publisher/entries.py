"""A copy's instance and endpoint in etcd: reading them, and changing both at once.

Every change compares the placement that it follows from and the endpoint's owner. A refused one
means "not mine any more", or that the world moved: read again, decide again.
"""

from dataclasses import dataclass, replace

from deis_node.cluster import keys
from deis_node.cluster.etcd import (
    Compare,
    Delete,
    Etcd,
    Get,
    Op,
    Put,
    absent,
    mod_revision_is,
    value_is,
)
from deis_node.cluster.names import CopyName
from deis_node.publisher.plan import Held, Wanted, is_foreign


@dataclass(frozen=True, slots=True)
class Entries:
    """The keys of one copy."""

    etcd: Etcd
    host: str
    name: CopyName

    async def read(self, epoch: int) -> Held:
        """What etcd holds now; `revision` is the placement's, 0 without one. EtcdError."""
        wanted = [Get(self._placement), Get(self._instance), Get(self._endpoint)]
        result = await self.etcd.txn([], wanted)
        found = [
            listing.items[0] if listing and listing.items else None for listing in result.results
        ]
        placement, instance, endpoint = found
        value = None if endpoint is None else endpoint.value
        return Held(
            epoch=epoch,
            revision=0 if placement is None else placement.mod_revision,
            instance=None if instance is None else instance.value,
            endpoint=value,
            foreign=is_foreign(value, self.host),
        )

    async def write(self, held: Held, want: Wanted) -> Held | None:
        """Make etcd hold what is wanted; None when it was not what was thought. EtcdError."""
        instance = want.instance.to_bytes()
        endpoint = None if want.endpoint is None else want.endpoint.to_bytes()
        ops: list[Op] = []
        if instance != held.instance:
            ops.append(Put(self._instance, instance))
        if held.foreign:
            endpoint = held.endpoint
        elif endpoint != held.endpoint:
            key = self._endpoint
            ops.append(Delete(key) if endpoint is None else Put(key, endpoint))
        compares = [mod_revision_is(self._placement, held.revision), *self._owner(held)]
        result = await self.etcd.txn(compares, ops)
        return replace(held, instance=instance, endpoint=endpoint) if result.succeeded else None

    async def erase(self, held: Held) -> bool:
        """Delete what is left of a copy without a placement; False when it has one. EtcdError."""
        ops: list[Op] = [Delete(self._instance)]
        if not held.foreign:
            ops.append(Delete(self._endpoint))
        result = await self.etcd.txn([absent(self._placement), *self._owner(held)], ops)
        return result.succeeded

    def _owner(self, held: Held) -> list[Compare]:
        """The endpoint is ours or nobody's."""
        if held.foreign:
            return []
        if held.endpoint is None:
            return [absent(self._endpoint)]
        return [value_is(self._endpoint, held.endpoint)]

    @property
    def _placement(self) -> str:
        return keys.placement(self.host, self.name.container)

    @property
    def _instance(self) -> str:
        return keys.instance(self.host, self.name.container)

    @property
    def _endpoint(self) -> str:
        return keys.service(self.name.app, self.name.container)
