"""Images that a Dockerfile takes from, and whether one of them is another app's. PURE.

Docker Engines differ in where a line goes on (two backslashes at its end, carriage returns), and
the Dockerfile may choose its escape character. So it is read in each of these ways, and what any
of them finds counts. Quotes and escapes are dropped: no image's name holds one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from deis_control.registry.names import Names

LENGTH = 1024
"""Characters of a word or a value beyond which its variables are not looked into."""
_DEPTH = 10
"""How deep variables may stand in each other's defaults to be looked into."""

_CONTINUED = tuple(
    re.compile(pattern.replace("E", escape))
    for escape in (r"\\", "`")
    for pattern in (r"E[ \t]*\r?$", r"(?<!E)E[ \t]*\r*$")
)
_QUOTES = str.maketrans("", "", "\\`\"'")
_CONTROLS = dict.fromkeys(range(0x1C, 0x20), "?")
"""Characters that are spaces to Python and none to Docker."""
_FROM = re.compile(r"[-,=]from=([^\s,]+)", re.IGNORECASE)
"""`COPY --from=…`, also after ONBUILD, and `RUN --mount=…,from=…`."""
_VARIABLE = re.compile(r"\$(?:([^\W\d]\w*)|\{([^\W\d]\w*)(?:(:?[-+?])([^{}$]*))?\})")


def foreign_base(dockerfile: bytes, app: str, names: Names) -> str | None:
    """The first image that is, or might be, another app's in the platform's registry."""
    text = dockerfile.decode("utf-8-sig", "replace").translate(_CONTROLS)
    for continued in _CONTINUED:
        lines = [line.translate(_QUOTES).split() for line in _joined(text, continued)]
        base = _foreign(lines, app, names)
        if base is not None:
            return base
    return None


def _joined(text: str, continued: re.Pattern[str]) -> Iterator[str]:
    """The instructions, each on one line; comments and empty lines are passed over."""
    parts: list[str] = []
    for line in text.split("\n"):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        end = continued.search(line)
        parts.append(line[: end.start()] if end else line)
        if not end:
            yield "".join(parts)
            parts = []
    yield "".join(parts)


def _foreign(lines: Sequence[Sequence[str]], app: str, names: Names) -> str | None:
    arguments = list(_arguments(lines))
    values = _values(arguments)
    digits = {character for words in arguments for word in words for character in word}
    for word in _operands(lines):
        base = _expand(word, values)
        unknown = "$" in base and set(str(names.port)) <= digits | set(base)
        if unknown or names.is_foreign(app, base):
            return base[:LENGTH]
    return None


def _arguments(lines: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """What stands behind each ARG before the first FROM: no other is known to a FROM."""
    for line in lines:
        if line and line[0].upper() == "FROM":
            return
        if line and line[0].upper() == "ARG":
            yield line[1:]


def _operands(lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """Every word that may name an image."""
    for line in lines:
        if line and line[0].upper() == "FROM":
            yield from line[1:]
        else:
            yield from _FROM.findall(" ".join(line))


def _values(arguments: Iterable[Sequence[str]]) -> Mapping[str, str | None]:
    """What each ARG stands for; None for one that is set twice or not on a line of its own."""
    values: dict[str, str | None] = {}
    for words in arguments:
        for word in words:
            name, _, default = word.partition("=")
            value = _expand(default, values)
            plain = len(words) == 1 and name not in values and len(value) <= LENGTH
            values[name] = value if plain else None
    return values


def _expand(text: str, values: Mapping[str, str | None]) -> str:
    """The text with its variables replaced; a `$` is left where that cannot be told."""
    replace = _replacer(values)
    for _ in range(_DEPTH):
        if len(text) > LENGTH or "$" not in text:
            break
        text = _VARIABLE.sub(replace, text)
    return text


def _replacer(values: Mapping[str, str | None]) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        bare, braced, operator, word = found.groups()
        value = values.get(bare or braced, "")
        if value is None or "$" in value:
            return found[0]
        if operator in ("-", "+") and not value:
            return found[0]  # set to nothing or not set: engines differ
        if operator in ("-", ":-"):
            return value or word
        if operator in ("+", ":+"):
            return word if value else ""
        return value

    return replace
