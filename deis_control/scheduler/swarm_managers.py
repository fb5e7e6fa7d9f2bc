"""The managers of a Docker Swarm: one of them is asked, and when it fails the next.

Whichever is asked, the one that leads them answers. One without a quorum, or that is no manager,
fails at once or within `TIMEOUT`.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from deis_node.docker.client import Docker

TIMEOUT = 10.0
"""Seconds for a manager to answer; one that has lost its quorum waits for twice as long itself."""


class Managers:
    """Clients of all managers, in the order in which they are asked: `async with`."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._all = [Docker(url, timeout=TIMEOUT) for url in urls]
        self._at = 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for docker in self._all:
            await self._stack.enter_async_context(docker)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def __len__(self) -> int:
        return len(self._all)

    @property
    def asked(self) -> Docker:
        """The manager that is asked now."""
        return self._all[self._at]

    def ask_next(self) -> None:
        """It cannot be used: the next one is asked from now on."""
        self._at = (self._at + 1) % len(self._all)
