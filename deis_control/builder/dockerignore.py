"""Which files of the tree a `.dockerignore` keeps out of the build context. PURE.

The rules are those of the `docker build` command: one pattern a line, `#` begins a comment, `!`
takes a path back in, `*` and `?` stay within one part, `**` stands for any number of parts, a
matched folder takes what is below it along, and the last pattern that matches decides.

Patterns come from users, so they are matched by two pointers (time grows with the product of the
lengths), never by a regular expression, which a pattern such as `*a*a*a*b` could make hang.
"""

from collections.abc import Callable, Sequence
from posixpath import normpath
from typing import TypeAlias, TypeVar

PATTERNS_LIMIT = 200
"""Patterns beyond these are not read."""

_Item = TypeVar("_Item")
_Token: TypeAlias = str | tuple[bool, str]
"""`*`, `?`, a backslash and the character it stands for, or (negated, members) of a set."""
_STAR = "*"
_PARTS: list[_Token] = ["**"]


def keeps(data: bytes) -> Callable[[str], bool]:
    """Whether a path (relative, `/` between its parts) belongs to the context."""
    rules = _rules(data.decode("utf-8-sig", "replace"))

    def kept(path: str) -> bool:
        parts = path.rstrip("/").split("/")
        answer = True
        for pattern, takes_back in rules:
            if answer != takes_back and _covers(pattern, parts):
                answer = takes_back
        return answer

    return kept


def _rules(text: str) -> Sequence[tuple[list[list[_Token]], bool]]:
    rules = []
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        takes_back = bare.startswith("!")
        path = normpath(bare.removeprefix("!").strip()).lstrip("/")
        if path not in ("", "."):
            pattern = [_PARTS if part == "**" else _tokens(part) for part in path.split("/")]
            rules.append(([*pattern, _PARTS], takes_back))
    return rules[:PATTERNS_LIMIT]


def _covers(pattern: list[list[_Token]], parts: list[str]) -> bool:
    """Whether the pattern matches the path or a folder above it."""
    return _match(pattern, parts, lambda item: item is _PARTS, _match_part)


def _match_part(tokens: list[_Token], part: str) -> bool:
    return _match(tokens, list(part), lambda item: item == _STAR, _match_character)


def _match_character(wanted: _Token, character: str) -> bool:
    if isinstance(wanted, tuple):
        negated, members = wanted
        return (character in members) != negated
    return wanted == "?" or wanted[-1] == character


def _match(
    pattern: list[_Item],
    items: list[str],
    is_any: Callable[[_Item], bool],
    matches: Callable[[_Item, str], bool],
) -> bool:
    """Match a sequence with wildcards for any number of items, without recursion."""
    at = item = 0
    star, resume = -1, 0
    while item < len(items):
        if at < len(pattern) and is_any(pattern[at]):
            star, resume = at, item
            at += 1
        elif at < len(pattern) and matches(pattern[at], items[item]):
            at += 1
            item += 1
        elif star >= 0:
            resume += 1
            at, item = star + 1, resume
        else:
            return False
    return all(is_any(rest) for rest in pattern[at:])


def _tokens(part: str) -> list[_Token]:
    """One part of a pattern, character by character."""
    tokens: list[_Token] = []
    at = 0
    while at < len(part):
        character = part[at]
        end = part.find("]", at + 2)
        if character == "[" and end > 0:
            tokens.append(_set(part[at + 1 : end]))
            at = end
        elif character == "\\" and at + 1 < len(part):
            at += 1
            tokens.append("\\" + part[at])
        elif character in "*?":
            if not (character == "*" and tokens and tokens[-1] == _STAR):
                tokens.append(character)
        else:
            tokens.append("\\" + character)
        at += 1
    return tokens


def _set(text: str) -> tuple[bool, str]:
    """`a-cx` → the characters a, b, c and x; a leading `^` negates."""
    negated = text.startswith("^")
    inner = text[1:] if negated else text
    members = []
    at = 0
    while at < len(inner):
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            low, high = ord(inner[at]), ord(inner[at + 2])
            members += [chr(code) for code in range(low, min(high, low + 255) + 1)]
            at += 3
        else:
            members.append(inner[at])
            at += 1
    return negated, "".join(members)
