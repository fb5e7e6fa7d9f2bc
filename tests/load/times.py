"""Times, and what is told of many of them."""

import math
from collections.abc import Sequence
from datetime import datetime


def moment(text: str) -> float:
    """One of the times that Docker tells (RFC 3339, UTC), in seconds since 1970."""
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the sorted values that so many of a hundred do not exceed."""
    return values[max(0, math.ceil(len(values) * share / 100) - 1)]
