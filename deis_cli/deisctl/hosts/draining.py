"""`deisctl hosts drain --wait`: followed until the host is empty, with what its copies wait for."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
_SERVER_ERROR = 500


class Reasons:
    """What copies wait for, each told once when it has stood for a while."""

    def __init__(self) -> None:
        self._looks: Counter[str] = Counter()

    def news(self, found: Sequence[str]) -> list[str]:
        """What of the reasons of a look is to be told now."""
        self._looks = Counter({text: self._looks[text] + 1 for text in found})
        return [text for text in found if self._looks[text] == STANDING]


def lines_of(copies: Iterable[Mapping[str, Any]]) -> list[str]:
    """`hello web.1: host-1 is being drained; …` of each copy that waits for something."""
    return [f"{c['app']} {c['process']}: {c['waits']}" for c in copies if c.get("waits")]


def until_empty(
    controller: Controller, path: str, found: dict[str, Any], timeout: float, *, quiet: bool
) -> dict[str, Any]:
    """Look at the host of that path until nothing is on it; CliError when that takes too long.

    A controller that cannot answer for the moment is asked again.
    """
    host, until = found["name"], time.monotonic() + timeout
    reasons, said = Reasons(), None
    try:
        while found["copies"]:
            found, lines = _look(controller, path, found)
            if found["copies"] != said and found["copies"] and not quiet:
                said = found["copies"]
                output.line(f"{host}: {count_text(said)} left")
            for text in reasons.news(lines) if not quiet else ():
                output.line(output.safe(f"  {text}"))
            _check(found, lines, late=time.monotonic() >= until)
            time.sleep(LOOK if found["copies"] else 0)
    except KeyboardInterrupt:
        output.error(f"\nThe drain goes on; deisctl hosts undrain {host} ends it.")
        sys.exit(INTERRUPTED)
    if not quiet:
        output.line(f"{host} is empty")
    return found


def _look(
    controller: Controller, path: str, before: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The host as it is, and what its copies wait for."""
    try:
        found = controller.get(path).object()
        return found, lines_of(copies_of(controller, path))
    except CliError as err:
        if isinstance(err, ApiError) and err.status < _SERVER_ERROR:
            raise
        text = " ".join(str(err).split())
        return before, [f"the controller cannot say how far it is: {text}"]


def _check(found: Mapping[str, Any], lines: Sequence[str], *, late: bool) -> None:
    """CliError when there is nothing to wait for any more, or the time is up."""
    if found["copies"] and not found["alive"]:
        raise CliError(f"{found['name']} is gone: its copies are made again elsewhere anyway.")
    if found["copies"] and late:
        raise CliError(_too_long(found, lines))


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


def _too_long(found: Mapping[str, Any], lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    head = f"{found['name']} still has {count_text(found['copies'])}; the drain goes on."
    return output.safe("\n".join([head, *lines[:MOST], *more]))
