"""The domain's rules: validation, merging, numbers, summaries, formations. PURE.

No clock, no network, no database: the API asks these before it accepts a change, the leader
when it carries it out.
"""

from deis_control.rules.configs import (
    CONFIG_LIMIT,
    VALUE_LIMIT,
    check_config_size,
    merge_config,
)
from deis_control.rules.formation import (
    command_for,
    default_structure,
    memory_bytes,
    running_structure,
    scale_event,
    scaled_structure,
    started_by,
    stop_event,
    stopped_after,
    stopped_by,
    structure_after,
)
from deis_control.rules.releases import (
    deployed,
    initial_summary,
    next_version,
    release_summary,
    rollback_summary,
)

__all__ = [
    "CONFIG_LIMIT",
    "VALUE_LIMIT",
    "check_config_size",
    "command_for",
    "default_structure",
    "deployed",
    "initial_summary",
    "memory_bytes",
    "merge_config",
    "next_version",
    "release_summary",
    "rollback_summary",
    "running_structure",
    "scale_event",
    "scaled_structure",
    "started_by",
    "stop_event",
    "stopped_after",
    "stopped_by",
    "structure_after",
]
