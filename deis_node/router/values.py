"""Readers of single setting values: text in, a typed value out, ValueError with a sentence. PURE.

What they let through cannot mean anything else where it is rendered: numbers, words of a list,
networks, and texts of a narrow alphabet.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import TypeVar

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_T = TypeVar("_T")

_TRUE = frozenset({"true", "1", "on", "yes"})
_FALSE = frozenset({"false", "0", "off", "no", ""})
_SIZE = re.compile(r"([0-9]{1,12})([kKmMgG]?)")
_TIME = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MIME = re.compile(r"\*|[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
_AGENTS = re.compile(r"[A-Za-z0-9 ._*+?^()|/-]{1,200}")


def flag(text: str) -> bool:
    """true/on/yes/1 or false/off/no/0."""
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("is neither true nor false")
    return word in _TRUE


def integer(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two bounds, both allowed."""

    def read(text: str) -> int:
        word = text.strip()
        if not word.isascii() or not word.isdigit() or not least <= int(word[:20]) <= most:
            raise ValueError(f"is not a whole number from {least} to {most}")
        return int(word)

    return read


def word_of(*words: str) -> Callable[[str], str]:
    """One of a few words."""

    def read(text: str) -> str:
        if text.strip() not in words:
            raise ValueError("is none of " + ", ".join(words))
        return text.strip()

    return read


def words_of(*words: str) -> Callable[[str], tuple[str, ...]]:
    """Some of a few words, with blanks or commas between them."""
    one = word_of(*words)
    return lambda text: tuple(one(word) for word in _split(text))


def workers(text: str) -> int:
    """A number of processes; `auto` is 0."""
    return 0 if text.strip() == "auto" else integer(1, 512)(text)


def size(text: str) -> str:
    """A size as nginx writes it: a number with k, m or g."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("is not a size such as 512k, 1m or 2g")
    return f"{int(match[1])}{match[2].lower()}"


def seconds(text: str) -> float:
    """A time: a number of seconds, or with ms, s, m, h or d; above 0, at most a year."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError("is not a time such as 30, 500ms or 20m")
    value = int(match[1]) * _SECONDS[match[2] or "s"]
    if not 0 < value <= 31_536_000:
        raise ValueError("is not above 0 and within a year")
    return value


def mime_types(text: str) -> tuple[str, ...]:
    """Media types, with blanks or commas between them."""
    types = _split(text)
    for kind in types:
        if not _MIME.fullmatch(kind):
            raise ValueError(f"{kind[:80]!r} is not a media type")
    return types


def agents(text: str) -> str:
    """Patterns of user agents: letters, digits and the plainest signs of regular expressions."""
    bare = text.strip().removeprefix('"').removesuffix('"')
    if not _AGENTS.fullmatch(bare):
        raise ValueError("holds more than letters, digits, blanks and ._*+?^()|/-")
    try:
        re.compile(bare)
    except re.error as err:
        raise ValueError(f"is not a regular expression: {err}") from err
    return bare


def network(text: str) -> Network:
    """An address or CIDR block of IPv4 or IPv6; bits beyond the mask are cleared."""
    bare = text.strip()
    if "%" in bare or not bare.isascii():
        raise ValueError(f"{text[:80]!r} is not an address or CIDR block")
    try:
        return ipaddress.ip_network(bare, strict=False)
    except ValueError as err:
        raise ValueError(f"{text[:80]!r} is not an address or CIDR block") from err


def networks(text: str) -> tuple[Network, ...]:
    """Addresses or CIDR blocks, with blanks or commas between them."""
    return tuple(network(word) for word in _split(text))


def guest(text: str) -> Network:
    """An entry of a whitelist: address or CIDR block, with or without `:label` behind it.

    An entry that is an IPv6 address as it stands is taken as one.
    """
    try:
        return network(text)
    except ValueError:
        bare, colon, _ = text.rpartition(":")
        if not colon:
            raise
        return network(bare)


def guests(text: str) -> tuple[Network, ...]:
    """Entries of a whitelist, with commas between them."""
    return tuple(guest(word) for word in text.split(",") if word.strip())


def label(text: str) -> str:
    """One label of a host name, lower case."""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", text.strip()):
        raise ValueError("is not a label of a host name")
    return text.strip()


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())
