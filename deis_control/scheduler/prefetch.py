"""Which hosts shall have an app's image before a copy comes. PURE.

Some more than those that run it, found by the order in which hosts are wanted for its copies. A
choice once made stays while it makes sense: nothing is fetched twice because loads changed.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deis_control.db.desired import Desired
from deis_control.scheduler.changes import Change
from deis_control.scheduler.feasible import choose_rooms
from deis_control.scheduler.rooms import Need, Room
from deis_control.scheduler.world import HostSeen, Placed, PrefetchSeen
from deis_node.cluster import keys
from deis_node.cluster.etcd import Delete, Put, mod_revision_is
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Prefetch

PATIENCE = 600.0
"""Seconds for which a host that is lost keeps its place: most come back."""


@dataclass(frozen=True, slots=True)
class Stand:
    """One app, as far as its image is concerned."""

    desired: Desired | None
    """None when there is no such app, or it is going."""
    placed: Collection[Placed] = ()
    seen: Mapping[str, PrefetchSeen] = field(default_factory=dict)
    """The wishes that there are, by host."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts that there are to choose from."""

    hosts: Mapping[str, HostSeen]
    """The live ones, by name."""
    promised: Mapping[str, int] = field(default_factory=dict)
    """Host → images of all apps that it shall have beforehand: each stands for a copy."""
    avoided: Collection[str] = ()
    """Those that come and go: none is chosen anew."""
    away: Collection[str] = ()
    """Those that have not been lost for long."""
    separate: Collection[str] = ()


def wanted_hosts(app: Stand, fleet: Fleet, count: int) -> Mapping[str, str] | None:
    """Host → image that it shall have; None in the middle of a change, when nothing is decided."""
    running = [item for item in app.placed if item.runs]
    if app.desired is None or not running or count <= 0:
        return {}
    if {item.copy.release for item in running} != {app.desired.release}:
        return None
    kind, _ = Counter(item.copy.type for item in running).most_common(1)[0]
    like = next(item.placement for item in running if item.copy.type == kind)
    need = Need(
        memory=like.memory or 0,
        tags=app.desired.tags,
        cpu=like.cpu or 0,
        arch=app.desired.arch,
    )
    busy = {item.host for item in running}
    kept = _kept(app, fleet, need, busy)[:count]
    found = kept
    if len(kept) < count and fleet.hosts.keys() - {*busy, *kept}:
        found = [*kept, *_more(running, fleet, like.copy, need, kept, count)]
    return dict.fromkeys(found, like.image)


def _kept(app: Stand, fleet: Fleet, need: Need, busy: Collection[str]) -> list[str]:
    """The hosts whose wishes still make sense, those that have the image first."""

    def fits(name: str) -> bool:
        host = fleet.hosts.get(name)
        return name in fleet.away if host is None else Room(host).refusal(need) is None

    good = [
        (not seen.prefetch.held, name)
        for name, seen in app.seen.items()
        if name not in busy and fits(name)
    ]
    return [name for _, name in sorted(good)]


def _more(
    running: Sequence[Placed],
    fleet: Fleet,
    like: CopyName,
    need: Need,
    kept: Sequence[str],
    count: int,
) -> list[str]:
    """The hosts that further copies would go to, if each were to go to another host."""
    mine: dict[str, list[str]] = {name: [like.type] for name in kept}
    for item in running:
        mine.setdefault(item.host, []).append(item.copy.type)
    closed = {*mine, *fleet.avoided}
    rooms = [
        Room(
            replace(
                host,
                copies=host.copies + fleet.promised.get(name, 0),
                cordoned=host.cordoned or name in closed,
            ),
            mine.get(name, ()),
        )
        for name, host in fleet.hosts.items()
    ]
    # Numbers that no copy bears; a host that is chosen again has been chosen.
    copies = [replace(like, num=-number) for number in range(1, count - len(kept) + 1)]
    choice = choose_rooms(copies, {like.type: need}, rooms, fleet.separate)
    return list(dict.fromkeys(choice.hosts.values()))


def changes_for(
    app: str, seen: Mapping[str, PrefetchSeen], wanted: Mapping[str, str]
) -> list[Change]:
    """What makes the wishes those that are wanted; nothing when they are."""
    found = []
    for host in sorted(seen.keys() | wanted.keys()):
        before, image = seen.get(host), wanted.get(host)
        key = keys.prefetch(host, app)
        held = mod_revision_is(key, before.revision if before else 0)
        if image is None:
            found.append(Change((held,), (Delete(key),)))
        elif before is None or before.prefetch.image != image:
            found.append(Change((held,), (Put(key, Prefetch(image).to_bytes()),)))
    return found
