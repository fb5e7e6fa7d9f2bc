"""Which scheduling engine a new copy gets. PURE."""

from collections.abc import Collection

from deis_node.cluster.records import NATIVE, SWARM

ENGINES = frozenset({NATIVE, SWARM})
"""What the platform setting `scheduler/engine` may say."""


def chosen(setting: str, *, has_swarm: bool) -> str:
    """The engine for copies that may have any, by the platform's setting (empty: not set).

    Without a Swarm's manager everything stays with the agents, so that a wrong setting keeps no
    copy from running.
    """
    return SWARM if setting == SWARM and has_swarm else NATIVE


def of_type(engine: str, kind: str, single: Collection[str]) -> str:
    """The engine for copies of a process type, where `engine` is chosen.

    Copies of single types stay with the agents, who end them when the store does not confirm
    their host any more; Swarm never would.
    """
    return NATIVE if kind in single else engine


def complaint(setting: str, *, has_swarm: bool) -> str | None:
    """What an operator must be told about the setting; None when it is as it should be."""
    if setting and setting not in ENGINES:
        return f"there is no scheduling engine {setting!r}: copies are placed with {NATIVE}"
    if setting == SWARM and not has_swarm:
        return (
            f"the scheduling engine is {SWARM}, but scheduler.swarm_managers and "
            f"scheduler.swarm_platform are not set: copies are placed with {NATIVE}"
        )
    return None
