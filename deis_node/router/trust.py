"""Whether what a store says may be acted upon: rule 2 of docs/architecture.md. PURE.

A store that was emptied, restored, or is another one altogether counts as away, until the
leader has written everything anew and, last, an incarnation that names its predecessor.
"""

from dataclasses import dataclass

from deis_node.cluster.records import Incarnation


@dataclass(frozen=True, slots=True)
class Known:
    """The store as it was last trusted."""

    incarnation: str
    revision: int
    broken: bool = False
    """Its revision went back since: only another incarnation ends that."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """The store may be acted upon; `anew` when it was made anew since it was last trusted."""

    incarnation: str
    anew: bool


@dataclass(frozen=True, slots=True)
class Away:
    """The store counts as away, for this reason; `broken` as in `Known`."""

    reason: str
    broken: bool = False


def judge(known: Known | None, found: Incarnation | None, revision: int) -> Trusted | Away:
    """What to think of a store with this incarnation, at this revision."""
    if found is None:
        return Away("the store has no incarnation")
    if known is None:
        return Trusted(found.id, anew=False)
    if found.id == known.incarnation:
        if known.broken or revision < known.revision:
            return Away(f"the store went back behind revision {known.revision}", broken=True)
        return Trusted(found.id, anew=False)
    if found.follows(known.incarnation):
        return Trusted(found.id, anew=True)
    return Away(f"the store is of another incarnation, {found.id}")
