"""An older database in words. PURE."""

from collections.abc import Mapping
from typing import Any

MOST = 8
"""How many copies of an app are named."""

BEHIND = (
    "PostgreSQL is older than the cluster's store: nothing is stopped or taken back until an "
    "administrator accepts it. `deisctl database status` says what that would do."
)


def count_text(found: Mapping[str, Any]) -> str:
    """How far it is behind."""
    database, store = found["database"], found["store"]
    if database < store:
        return f"It knows {database} of the {store} changes that the store has heard of."
    return f"It has gone on to {database} changes, but from before the store's change {store}."


def loss_text(loss: Mapping[str, Any]) -> str:
    """What becomes of one app: `hello: v2 serves again instead of v3; web.1 (v3) stops`."""
    parts = []
    if loss["removed"]:
        parts.append("is removed, for PostgreSQL does not know it")
    elif loss["serves"] and loss["serves"] != [loss["release"]]:
        now = " and ".join(f"v{release}" for release in loss["serves"])
        parts.append(f"v{loss['release']} serves again instead of {now}")
    stops = [f"{copy['name']} (v{copy['release']})" for copy in loss["stops"]]
    if stops:
        more = f" and {len(stops) - MOST} more" if len(stops) > MOST else ""
        verb = "stops" if len(stops) == 1 else "stop"
        parts.append(f"{', '.join(stops[:MOST])}{more} {verb}")
    return f"{loss['app']}: {'; '.join(parts)}"
