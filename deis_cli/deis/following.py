"""An operation's progress: read as an event stream, taken up again when the line breaks."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from deis_cli.deis.client import Controller
from deis_cli.deis.errors import ApiError, CliError

EVENTS = "text/event-stream"

SILENCE = 45.0
"""Seconds without a byte after which a stream is dead; it says `: alive` every 15 s."""

PATIENCE = 60.0
"""Seconds that a lost controller is tried again."""

PAUSE = 1.0
"""Seconds between two tries, and between two looks where no stream is to be had."""

SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Phase:
    """A step of an operation, or a line of progress within it."""

    seq: int
    name: str
    text: str
    at: str

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Phase":
        """From the API's object."""
        return cls(
            int(data["seq"]), str(data["phase"]), str(data.get("text") or ""), str(data["at"])
        )


@dataclass(frozen=True, slots=True)
class End:
    """The operation as it ended."""

    operation: dict[str, Any]


def path_of(number: str) -> str:
    """An operation's path."""
    return f"/v1/operations/{quote(number, safe='')}/"


def follow(controller: Controller, number: str) -> Iterator[Phase | End]:
    """Each phase once, then the end; CliError when the controller stays away."""
    seen = 0
    lost: float | None = None
    while True:
        try:
            for event in _events(controller, number, seen):
                lost = None
                if event is None:
                    continue
                yield event
                if isinstance(event, End):
                    return
                seen = event.seq
            lost = None
        except CliError as err:
            if isinstance(err, ApiError) and err.status < SERVER_ERROR:
                raise
            lost = time.monotonic() if lost is None else lost
            if time.monotonic() - lost > PATIENCE:
                raise CliError(f"{err}\n{goes_on(number)}", err.hint) from None
        time.sleep(PAUSE)


def goes_on(number: str) -> str:
    """How somebody who leaves comes back."""
    return (
        f"Operation {number} goes on.\n"
        f"  deis operations:watch {number}     to watch it\n"
        f"  deis operations:cancel {number}    to cancel it"
    )


def _events(controller: Controller, number: str, seen: int) -> Iterator[Phase | End | None]:
    """What one connection tells after phase `seen`; None is a sign of life."""
    headers = {"Accept": EVENTS}
    if seen:
        headers["Last-Event-ID"] = str(seen)
    fields: dict[str, str] = {}
    whole = b""
    for kind, line in controller.stream(path_of(number), headers, timeout=SILENCE):
        if kind != EVENTS:
            whole += line
            continue
        text = line.decode(errors="replace").rstrip("\r\n")
        if text:
            name, _, value = text.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        yield _event(fields)
        fields = {}
    if whole:
        yield from _looked_up(json.loads(whole), seen)


def _event(fields: dict[str, str]) -> Phase | End | None:
    if fields.get("event") == "phase":
        return Phase.of(json.loads(fields["data"]))
    if fields.get("event") == "end":
        return End(json.loads(fields["data"]))
    return None


def _looked_up(operation: dict[str, Any], seen: int) -> Iterator[Phase | End]:
    for phase in operation.get("phases", ()):
        if phase["seq"] > seen:
            yield Phase.of(phase)
    if operation.get("outcome") is not None:
        yield End(operation)
