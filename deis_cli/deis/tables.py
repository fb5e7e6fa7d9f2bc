"""Tables that fit a terminal. PURE but for `terminal_width`."""

import re
import shutil
import unicodedata
from collections.abc import Container, Iterable, Sequence

GAP = "  "
NARROWEST = 8
"""Columns that a table never squeezes a column below."""

CUT = "…"

WHOLE = frozenset({"id"})
"""Columns that are copied into other commands: never cut."""

_FRACTION = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$")


def terminal_width() -> int:
    """How many columns the terminal has."""
    return shutil.get_terminal_size().columns


def layout(columns: Sequence[str], rows: Iterable[Sequence[object]], width: int) -> list[str]:
    """The heading and one line a row; the widest columns give way when the width is short."""
    cells = [[column.upper() for column in columns]]
    cells += [["" if cell is None else visible(brief(str(cell))) for cell in row] for row in rows]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    whole = {index for index, column in enumerate(columns) if column in WHOLE}
    widths = squeezed(widths, width - len(GAP) * (len(columns) - 1), whole)
    return [
        GAP.join(fitted(cell, room) for cell, room in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def brief(text: str) -> str:
    """A time to the second; any other text as it is."""
    return _FRACTION.sub(r"\1Z", text)


def squeezed(widths: Sequence[int], room: int, whole: Container[int] = frozenset()) -> list[int]:
    """Widths whose sum is at most `room`, as far as none is squeezed below NARROWEST, and those
    of the columns `whole` not at all.
    """
    made = list(widths)
    while sum(made) > room:
        able = [index for index in range(len(made)) if index not in whole]
        widest = max(able, key=lambda index: made[index], default=-1)
        if widest < 0 or made[widest] <= NARROWEST:
            break
        made[widest] -= 1
    return made


def fitted(text: str, width: int) -> str:
    """Text cut or filled to a width."""
    return cut(text, width) + " " * max(0, width - display_width(text))


def cut(text: str, width: int) -> str:
    """Text that takes no more than so many columns; what was longer ends in `…`."""
    if display_width(text) <= width:
        return text
    taken, used = "", 0
    for letter in text:
        used += display_width(letter)
        if used > width - 1:
            break
        taken += letter
    return taken + CUT


def visible(text: str) -> str:
    """Text without what could move a terminal's cursor or span lines."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def display_width(text: str) -> int:
    """How many columns a terminal takes for a text."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )
