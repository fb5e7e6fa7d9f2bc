"""Names of apps, process types and copies, and the way back from a name to its parts.

A copy's contract name is `<app>_v<release>.<type>.<num>` (semantics.md section 1). When the
leader makes the copy again it counts the generation up, and from generation 2 on the Docker
name and every key end in `.g<n>`, so that two live copies never share a name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import attrgetter

APP_ID_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
APP_ID_LIMIT = 64
TYPE_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
TYPE_LIMIT = 64

ROUTABLE_TYPES = frozenset({"web", "cmd"})
"""Process types that receive HTTP traffic: exactly these (semantics.md section 15)."""

RUN_TYPE = "run"
"""The process type of one-off commands; it cannot be scaled."""

_CONTAINER = re.compile(
    r"(?P<app>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)_v(?P<release>[1-9][0-9]*)"
    r"\.(?P<type>[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)\.(?P<num>[1-9][0-9]*)"
    r"(?:\.g(?P<generation>[1-9][0-9]*))?"
)


@dataclass(frozen=True, slots=True, order=True)
class CopyName:
    """One copy of an app: which app, release, process type, number and generation.

    Its name and hash are made once: a look at a large app asks for them again and again.
    """

    app: str
    release: int
    type: str
    num: int
    generation: int = 1
    container: str = field(init=False, compare=False, repr=False)
    """The name in Docker and in keys: the job's, with `.g<n>` from generation 2 on."""
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        name = self.job if self.generation == 1 else f"{self.job}.g{self.generation}"
        object.__setattr__(self, "container", name)
        object.__setattr__(self, "_hash", hash(name))

    def __hash__(self) -> int:
        return self._hash

    @property
    def job(self) -> str:
        """The contract's name, as the API, the CLI and the logs show it: `hello_v2.web.1`."""
        return f"{self.app}_v{self.release}.{self.type}.{self.num}"

    @property
    def process(self) -> str:
        """The short form that users type and log lines carry: `web.1`."""
        return f"{self.type}.{self.num}"

    @property
    def routable(self) -> bool:
        """Whether the copy's type receives HTTP traffic."""
        return self.type in ROUTABLE_TYPES

    def next_generation(self) -> "CopyName":
        """The same copy, made again."""
        return replace(self, generation=self.generation + 1)


_ORDER = attrgetter("app", "release", "type", "num", "generation")


def in_order(copies: Iterable[CopyName]) -> list[CopyName]:
    """As `sorted`, which asks each pair of copies: of ten thousand that takes long."""
    return sorted(copies, key=_ORDER)


def parse_container(name: str) -> CopyName | None:
    """Take a container's name apart; None when it is not one of ours."""
    match = _CONTAINER.fullmatch(name)
    if match is None:
        return None
    return CopyName(
        app=match["app"],
        release=int(match["release"]),
        type=match["type"],
        num=int(match["num"]),
        generation=int(match["generation"] or 1),
    )


def is_app_id(text: str) -> bool:
    """Whether the text may name an app (a DNS label and a Docker repository at once)."""
    return len(text) <= APP_ID_LIMIT and APP_ID_PATTERN.fullmatch(text) is not None


def is_process_type(text: str) -> bool:
    """Whether the text may name a process type."""
    return len(text) <= TYPE_LIMIT and TYPE_PATTERN.fullmatch(text) is not None
