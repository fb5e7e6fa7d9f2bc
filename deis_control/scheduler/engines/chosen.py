"""Which scheduling engine a new copy gets. PURE."""

from deis_node.cluster.records import NATIVE, SWARM

ENGINES = frozenset({NATIVE, SWARM})
"""What the platform setting `scheduler/engine` may say."""


def chosen(setting: str, *, has_swarm: bool, single: bool) -> str:
    """The engine for a copy, by the platform's setting (empty: not set).

    Copies of single types stay with the agents, who end them when the store does not confirm
    their host any more; Swarm never would. Without a Swarm's manager everything stays with them,
    so that a wrong setting keeps no copy from running.
    """
    if setting == SWARM and has_swarm and not single:
        return SWARM
    return NATIVE


def complaint(setting: str, *, has_swarm: bool) -> str | None:
    """What an operator must be told about the setting; None when it is as it should be."""
    if setting and setting not in ENGINES:
        return f"there is no scheduling engine {setting!r}: copies are placed with {NATIVE}"
    if setting == SWARM and not has_swarm:
        return (
            f"the scheduling engine is {SWARM}, but scheduler.swarm_manager and "
            f"scheduler.swarm_platform are not set: copies are placed with {NATIVE}"
        )
    return None
