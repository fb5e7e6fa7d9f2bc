"""What this host shall run, and whether the store may be believed about what is missing. PURE.

Architecture rule 2: absence is never an order. A store without an incarnation, with one that
does not descend from ours, or with a revision that went back, counts as away: what is held stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deis_node.cluster.records import Incarnation, Placement


@dataclass(frozen=True, slots=True)
class Placed:
    """A placement that this host holds."""

    placement: Placement
    revision: int = 0
    """Its mod_revision; 0 while the store does not hold it as we do."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The store at one revision: its incarnation and this host's placements."""

    revision: int
    incarnation: Incarnation | None = None
    placements: Mapping[str, Placed] = field(default_factory=dict)
    """By container name."""
    unreadable: frozenset[str] = frozenset()
    """Names whose records cannot be read: they are not absent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What this host holds of the store; it outlives the store."""

    placements: Mapping[str, Placed] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    incarnation: str | None = None
    """Of the store that was trusted last."""
    revision: int = 0
    """Of the last reading that was trusted."""
    broken: bool = False
    """The store's revision went back: only another incarnation ends that."""
    trusted: bool = False
    """Whether the last reading was."""
    epoch: int = 0
    """Counts up whenever what was known of the store's keys is no longer known."""


def absent_for_sure(wanted: Wanted, container: str) -> bool:
    """Whether a missing placement means that the container shall go."""
    return wanted.trusted and container not in wanted.unreadable


def take_in(wanted: Wanted, reading: Reading) -> Wanted:
    """What the host holds after a reading of the store."""
    if _trustworthy(wanted, reading):
        return _believe(wanted, reading)
    same = reading.incarnation is not None and reading.incarnation.id == wanted.incarnation
    return replace(
        wanted,
        placements=_confirmed(wanted.placements, reading.placements),
        broken=wanted.broken or same,
        trusted=False,
        epoch=wanted.epoch + 1 if wanted.trusted else wanted.epoch,
    )


def _trustworthy(wanted: Wanted, reading: Reading) -> bool:
    incarnation = reading.incarnation
    if incarnation is None:
        return False
    if wanted.incarnation is None:
        return True
    if incarnation.id == wanted.incarnation:
        return not wanted.broken and reading.revision >= wanted.revision
    return incarnation.follows(wanted.incarnation)


def _believe(wanted: Wanted, reading: Reading) -> Wanted:
    assert reading.incarnation is not None
    placements = dict(reading.placements)
    for name in reading.unreadable & wanted.placements.keys():
        placements[name] = replace(wanted.placements[name], revision=0)
    goes_on = wanted.trusted and reading.incarnation.id == wanted.incarnation
    return Wanted(
        placements=placements,
        unreadable=reading.unreadable,
        incarnation=reading.incarnation.id,
        revision=reading.revision,
        trusted=True,
        epoch=wanted.epoch if goes_on else wanted.epoch + 1,
    )


def _confirmed(held: Mapping[str, Placed], seen: Mapping[str, Placed]) -> Mapping[str, Placed]:
    """What is held, each with the revision of the store's record if that one is the same.

    So an agent publishes its copies again as soon as the leader has restored their placements,
    before the new incarnation lets anybody trust the store: no route is served without endpoints.
    """

    def revision(name: str, placed: Placed) -> int:
        found = seen.get(name)
        return found.revision if found and found.placement == placed.placement else 0

    return {name: Placed(placed.placement, revision(name, placed)) for name, placed in held.items()}
