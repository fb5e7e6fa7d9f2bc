"""The engine of our own agents: a copy is a placement, which its host carries out. PURE.

Only the leader writes placements, so a condition on the key's last revision is enough to notice
a view that is behind. What a copy published goes in the transaction that takes it from service.
"""

from dataclasses import replace

from deis_control.scheduler.changes import Change
from deis_control.scheduler.world import Placed
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, Put, absent, mod_revision_is
from deis_node.cluster.records import Placement, PlacementState


def ensure(host: str, placement: Placement) -> Change:
    """Have the copy run on the host."""
    key = keys.placement(host, placement.copy.container)
    return Change((absent(key),), (Put(key, placement.to_bytes()),))


def withdraw(placed: Placed) -> Change:
    """Have the copy run on without new requests."""
    return _with_state(placed, PlacementState.WITHDRAW)


def drop(placed: Placed) -> Change:
    """Have the copy end."""
    return _with_state(placed, PlacementState.STOP)


def drop_lost(placed: Placed) -> Change:
    """Have the copy end, if its host is still lost: one that comes back reads this first."""
    gone = Change((absent(keys.host(placed.host)),))
    if placed.placement.state is PlacementState.STOP:
        key = keys.placement(placed.host, placed.copy.container)
        return gone + Change((mod_revision_is(key, placed.revision),))
    return gone + drop(placed)


def forget(placed: Placed, seen: int) -> Change:
    """Remove every key of a copy that its host has stopped; `seen` is its instance's revision."""
    copy = placed.copy
    instance = keys.instance(placed.host, copy.container)
    key = keys.placement(placed.host, copy.container)
    return Change(
        (mod_revision_is(key, placed.revision), mod_revision_is(instance, seen)),
        (Delete(key), Delete(instance), Delete(keys.service(copy.app, copy.container))),
    )


def _with_state(placed: Placed, state: PlacementState) -> Change:
    copy = placed.copy
    key = keys.placement(placed.host, copy.container)
    wanted = replace(placed.placement, state=state)
    return Change(
        (mod_revision_is(key, placed.revision),),
        (Put(key, wanted.to_bytes()), Delete(keys.service(copy.app, copy.container))),
    )
