"""Ways from a commit to an image; which one is taken depends on what lies in the tree's root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from deis_control.builder.repositories import Repository

Show = Callable[[str], Awaitable[None]]
"""Takes a line that the build prints."""


@dataclass(frozen=True, slots=True)
class Source:
    """A commit to be built."""

    app: str
    commit: str
    repository: Repository
    dockerfile: bytes | None
    """The root's Dockerfile, None without one."""
    dockerignore: bytes
    """The root's `.dockerignore`, empty without one."""


class Strategy(Protocol):
    """One way to build."""

    def takes(self, source: Source) -> bool:
        """Whether this commit is built this way."""
        ...

    async def build(self, source: Source, tag: str, show: Show) -> None:
        """Make the image under its tag; Declined with the reason when it cannot be made."""
        ...
