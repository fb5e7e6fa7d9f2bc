"""What git prints about objects, taken apart. PURE."""

from dataclasses import dataclass

from deis_control.builder.errors import BuilderError


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object as `git cat-file --batch` prints it."""

    id: str
    type: str
    """`commit`, `tree`, `blob` or `tag`."""
    content: bytes


def parse_batch(data: bytes) -> tuple[GitObject | None, ...]:
    """The answers of `git cat-file --batch --follow-symlinks`, in the order of the questions.

    None is an object that is not there: missing, or behind a link that leads nowhere or outside.
    """
    answers: list[GitObject | None] = []
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        if end < 0:
            raise BuilderError("git cat-file broke off")
        head = data[at:end].decode("utf-8", "replace")
        at = end + 1
        first, _, rest = head.rpartition(" ")
        if rest in ("missing", "ambiguous"):
            answers.append(None)
            continue
        size = int(rest)
        if at + size >= len(data):
            raise BuilderError("git cat-file broke off")
        answers.append(_found(first, data[at : at + size]))
        at += size + 1
    return tuple(answers)


def _found(head: str, content: bytes) -> GitObject | None:
    identity, _, kind = head.partition(" ")
    if kind not in ("commit", "tree", "blob", "tag"):
        return None  # `symlink`, `dangling`, `loop` and `notdir` have one word before their size
    return GitObject(identity, kind, content)
