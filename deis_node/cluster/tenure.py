"""For how long a host may run what must never run twice. PURE.

The leader makes a single copy of a lost host again three TTLs and its grace after the loss, in a
write that first tells the old one to end and that only succeeds while the host has no record.
So a host ends its single copies two TTLs after the store's last word, and starts one only when it
has read its placements after its record was there again. Times are of the monotonic clock.
"""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Tenure:
    """What a host knows of its place in the cluster."""

    ttl: float
    """Of its lease, seconds."""
    confirmed: float
    """When the last question about its lease was sent that the store has answered, while the
    host's record was there."""
    since: float | None = None
    """Since when the record is there under the lease that is held; None while it is not."""
    read: float = -inf
    """When the last reading of its placements began that was trusted."""

    @property
    def ends(self) -> float:
        """When single copies are told to end, unless the lease is confirmed before."""
        return self.confirmed + 2 * self.ttl

    def may_start(self, now: float) -> bool:
        """Whether a single copy may be started now."""
        return self.since is not None and self.read >= self.since and now < self.ends

    def grace(self, grace: float, now: float) -> float:
        """What is left of a copy's grace, so that it has ended in time however late it is."""
        return max(0.0, min(grace, self.ends + grace - now))


ALWAYS = Tenure(ttl=inf, confirmed=inf, since=-inf, read=inf)
"""Of a host that nobody doubts."""
