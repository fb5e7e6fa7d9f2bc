"""Pauses that grow, and retries that end at a deadline.

Loops that go on for ever with a reset on success use `Backoff`; a single call that is worth
trying again uses `retry`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from deis_node.runtime.errors import DeisError

_T = TypeVar("_T")


class DeadlineExceeded(DeisError):
    """Retries ran out of time; the last error is the cause."""


class Backoff:
    """A growing pause: `initial` seconds first, times `factor` each time, at most `maximum`.

    `jitter` is the share by which a pause may differ from its nominal length, in both
    directions, so that many clients of one server do not come back in step.
    """

    def __init__(
        self,
        initial: float = 0.05,
        maximum: float = 5.0,
        factor: float = 2.0,
        jitter: float = 0.1,
    ) -> None:
        if not 0 < initial <= maximum or factor < 1 or not 0 <= jitter < 1:
            raise ValueError("needs 0 < initial <= maximum, factor >= 1 and 0 <= jitter < 1")
        self._initial = initial
        self._maximum = maximum
        self._factor = factor
        self._jitter = jitter
        self._nominal = initial

    def next(self) -> float:
        """The seconds to pause now; the pause after it will be longer."""
        nominal = self._nominal
        self._nominal = min(nominal * self._factor, self._maximum)
        spread = random.uniform(-self._jitter, self._jitter)  # noqa: S311 - no secret
        return nominal * (1 + spread)

    def reset(self) -> None:
        """Start again with the initial pause."""
        self._nominal = self._initial

    async def wait(self) -> None:
        """Pause for `next()` seconds."""
        await asyncio.sleep(self.next())


async def retry(
    fn: Callable[[], Awaitable[_T]],
    *,
    on: tuple[type[Exception], ...],
    deadline: float,
    backoff: Backoff | None = None,
    what: str,
) -> _T:
    """Call `fn` until it succeeds, for at most `deadline` seconds all in all.

    Errors of the classes `on` are worth another try, others pass through at once. When the time
    is up, also in the middle of a call, `DeadlineExceeded` tells `what` was tried, with the last
    error as its cause. `fn` must bear being cancelled.
    """
    pause = backoff or Backoff()
    last: Exception | None = None
    scope = asyncio.timeout(deadline)
    try:
        async with scope:
            while True:
                try:
                    return await fn()
                except on as err:
                    last = err
                await pause.wait()
    except TimeoutError as err:
        if not scope.expired():
            raise
        reason = f": {last}" if last is not None and str(last) else ""
        raise DeadlineExceeded(f"{what}: gave up after {deadline:g} s{reason}") from last or err
