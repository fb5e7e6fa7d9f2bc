"""What an SSH client may ask for, parsed from the text of its `exec` request. PURE.

The rules are the contract's (builder.md section 2): a `$` is dropped, a backquote becomes a quote,
the repository's name loses its quotes, its leading slashes and its trailing `.git`.
"""

from dataclasses import dataclass
from enum import StrEnum

_SHOWN = 64


class Service(StrEnum):
    """The two programs of git that a client may run."""

    RECEIVE = "git-receive-pack"
    UPLOAD = "git-upload-pack"


@dataclass(frozen=True, slots=True)
class Ping:
    """A question whether the builder lives."""


@dataclass(frozen=True, slots=True)
class GitCommand:
    """One of git's programs on an app's repository; `repo` is empty when none was named."""

    service: Service
    repo: str


Command = Ping | GitCommand


def parse(text: str) -> Command | None:
    """Read the text of an `exec` request; None is anything that is refused."""
    cleaned = text.replace("$", "").replace("`", "'").strip()
    if cleaned == "ping":
        return Ping()
    verb, _, rest = cleaned.partition(" ")
    if verb not in tuple(Service):
        return None
    return GitCommand(Service(verb), repo_name(rest))


def repo_name(text: str) -> str:
    """The app that a repository's path names; empty when the path names none.

    The name is only ever compared with app ids, never used as a path.
    """
    bare = text.replace("'", "").replace('"', "").strip()
    name = bare.lstrip("/").removesuffix(".git")
    return "" if ".." in name else name


def shown(name: str) -> str:
    """A name from outside as it may be printed on a terminal: one line, bounded, harmless."""
    text = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
    return "".join(c if c.isprintable() else "?" for c in text)
