"""Addresses that did not answer, left alone for a while: others are asked meanwhile. PURE.

Nobody is given up for good. Who stays silent is left alone for longer each time, up to a bound.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SHORTEST = 5.0
"""Seconds for which an address is left alone after its first failure in a row."""
LONGEST = 60.0
"""The most, however many there were."""


@dataclass(frozen=True, slots=True)
class _Suspect:
    since: float
    """When the first of its failures in a row was."""
    until: float
    pause: float


class Suspects:
    """What one client knows of the addresses that it asks; all times are on its own clock."""

    def __init__(self) -> None:
        self._found: dict[str, _Suspect] = {}

    def failed(self, address: str, now: float) -> None:
        """It did not answer."""
        known = self._found.get(address)
        pause = SHORTEST if known is None else min(2 * known.pause, LONGEST)
        since = now if known is None else known.since
        self._found[address] = _Suspect(since, now + pause, pause)

    def answered(self, address: str) -> None:
        """It did."""
        self._found.pop(address, None)

    def silent_since(self, address: str) -> float | None:
        """When the first of its failures in a row was; None when its last answer came."""
        known = self._found.get(address)
        return None if known is None else known.since

    def left_alone(self, address: str, now: float) -> bool:
        """Whether it failed so short a while ago that it is not to be asked again yet."""
        known = self._found.get(address)
        return known is not None and now < known.until

    def in_order(self, addresses: Iterable[str], now: float) -> list[str]:
        """The same addresses: those that may be asked first, then who was silent longest ago."""

        def rank(address: str) -> float:
            return self._found[address].until if self.left_alone(address, now) else 0.0

        return sorted(addresses, key=rank)

    def keep(self, addresses: Iterable[str]) -> None:
        """Forget all others: they are nobody's any more."""
        wanted = set(addresses)
        self._found = {key: found for key, found in self._found.items() if key in wanted}
