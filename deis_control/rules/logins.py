"""How long a login must wait after failed ones. PURE.

Counted are the failures of an account from an address, of the account from anywhere, and of the
address with any account. The first few cost nothing; then each doubles the wait, up to a minute.
The two wider counts allow far more, so that nobody can lock an account out, or an office behind
one address, with a few wrong passwords.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

FORGOTTEN = 900
"""Seconds after which failures count no more."""

LONGEST = 60.0
"""Seconds that a wait takes at most."""


class Counted(StrEnum):
    """Whose failures are counted together."""

    PAIR = "pair"
    ACCOUNT = "account"
    ADDRESS = "address"


FREE: Mapping[Counted, int] = {Counted.PAIR: 10, Counted.ACCOUNT: 50, Counted.ADDRESS: 100}
"""Failures that cost no wait."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures that are not forgotten yet."""

    count: int
    age: float
    """Seconds since the last one."""


def wait_before_login(known: Mapping[Counted, Failures]) -> int:
    """Whole seconds until the next try is looked at; 0 for at once."""
    waits = (_wait(FREE[counted], failures) for counted, failures in known.items())
    return math.ceil(max(waits, default=0.0))


def _wait(free: int, failures: Failures) -> float:
    over = failures.count - free
    if over < 0 or failures.age >= FORGOTTEN:
        return 0.0
    return max(0.0, min(2.0 ** min(over, 10), LONGEST) - failures.age)
