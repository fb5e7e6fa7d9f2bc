"""`deisctl hosts drain --wait`: followed until the host is empty, with what its copies wait for."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import ApiError, CliError

LOOK = 1.0
"""Seconds between two looks at a host that is being drained."""

STANDING = 3
"""Looks in a row after which a copy's reason is told: most last for a moment."""

MOST = 5
"""How many reasons an error names."""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

_NOT_FOUND = 404


class Reasons:
    """What copies wait for, each told once when it has stood for a while."""

    def __init__(self) -> None:
        self._looks: Counter[str] = Counter()

    def news(self, copies: Iterable[Mapping[str, Any]]) -> list[str]:
        """What is to be told after a look."""
        found = lines_of(copies)
        self._looks = Counter({text: self._looks[text] + 1 for text in found})
        return [text for text in found if self._looks[text] == STANDING]


def lines_of(copies: Iterable[Mapping[str, Any]]) -> list[str]:
    """`hello web.1: host-1 is being drained; …` of each copy that waits for something."""
    return [f"{c['app']} {c['process']}: {c['waits']}" for c in copies if c.get("waits")]


def until_empty(
    controller: Controller, path: str, found: dict[str, Any], timeout: float, *, quiet: bool
) -> dict[str, Any]:
    """Look at the host of that path until nothing is on it; CliError when that takes too long."""
    host, until = found["name"], time.monotonic() + timeout
    reasons, said = Reasons(), None
    try:
        while found["copies"]:
            copies = copies_of(controller, path)
            if found["copies"] != said and not quiet:
                said = found["copies"]
                output.line(f"{host}: {count_text(said)} left")
            for text in reasons.news(copies) if not quiet else ():
                output.line(output.safe(f"  {text}"))
            if not found["alive"]:
                raise CliError(f"{host} is gone: its copies are made again elsewhere anyway.")
            if time.monotonic() >= until:
                raise CliError(_too_long(found, copies))
            time.sleep(LOOK)
            found = controller.get(path).object()
    except KeyboardInterrupt:
        output.error(f"\nThe drain goes on; deisctl hosts undrain {host} ends it.")
        sys.exit(INTERRUPTED)
    if not quiet:
        output.line(f"{host} is empty")
    return found


def copies_of(controller: Controller, path: str) -> list[dict[str, Any]]:
    """The copies on the host of that path; none from a controller of before."""
    try:
        return list(controller.list(f"{path}copies/", whole=True).results)
    except ApiError as err:
        if err.status == _NOT_FOUND:
            return []
        raise


def count_text(count: int) -> str:
    """`1 copy`, `2 copies`."""
    return "1 copy" if count == 1 else f"{count} copies"


def _too_long(found: Mapping[str, Any], copies: Iterable[Mapping[str, Any]]) -> str:
    lines = lines_of(copies)
    more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    head = f"{found['name']} still has {count_text(found['copies'])}; the drain goes on."
    return output.safe("\n".join([head, *lines[:MOST], *more]))
