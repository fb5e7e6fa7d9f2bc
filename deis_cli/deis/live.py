"""An operation's progress on the screen: one line a phase, with the time it took."""

import sys
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from deis_cli.deis import output, tables
from deis_cli.deis.following import End, Phase

TICK = 0.2
"""Seconds between two drawings of the line that moves."""


ENDS = ("done", "failed")


class Screen:
    """The line at the bottom, that tells what goes on and for how long."""

    def __init__(self) -> None:
        self._text = "waiting for the controller"
        self._since = time.monotonic()
        self._at: str | None = None
        self._name = ""
        self._bare = False
        """Whether the phase has no text yet: its first one takes the line over."""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Screen":
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticker.join()
        output.part(output.CLEAR)

    def begin(self, phase: Phase) -> None:
        """A phase has begun; the one before is over."""
        with self._lock:
            if not self._bare or phase.name != self._name:
                self._keep(phase.at, good=phase.name != "failed")
                self._since, self._at = time.monotonic(), phase.at
            if phase.name in ENDS:
                self._at = None  # what follows says it
            self._text, self._name, self._bare = words(phase), phase.name, not phase.text

    def end(self, operation: dict[str, Any]) -> None:
        """The operation is over; nothing moves any more."""
        self._ended.set()
        self._ticker.join()
        with self._lock:
            self._keep(None, good=operation["outcome"] == "done")

    def _keep(self, until: str | None, *, good: bool) -> None:
        """Let the line stay as it is, with a mark for how it went."""
        mark, colour = ("✓", output.GREEN) if good else ("✗", output.RED)
        if self._at is not None:
            took = seconds_between(self._at, until) if until else self._elapsed()
            output.part(output.CLEAR + self._line(output.styled(mark, colour), took) + "\n")
        self._at = None

    def _tick(self) -> None:
        frames = output.FRAMES
        while not self._ended.wait(TICK):
            with self._lock:
                mark = frames[int(time.monotonic() / output.FRAME_TIME) % len(frames)]
                output.part(output.CLEAR + self._line(output.styled(mark, output.YELLOW)))

    def _line(self, mark: str, took: float | None = None) -> str:
        elapsed = f"{self._elapsed() if took is None else took:.1f}s"
        room = max(10, tables.terminal_width() - 12)
        text = tables.cut(tables.visible(self._text), room)
        return f" {mark} {text}  {output.styled(elapsed, output.DIM)}"

    def _elapsed(self) -> float:
        return time.monotonic() - self._since


def show(events: Iterable[Phase | End]) -> dict[str, Any]:
    """Print the events as they come; the operation as it ended."""
    return _moving(events) if output.terminal() else _plain(events)


def words(phase: Phase) -> str:
    """A phase in words."""
    if not phase.text or phase.text.startswith(phase.name):
        return phase.text or phase.name
    return f"{phase.name}: {phase.text}"


def seconds_between(start: str, end: str) -> float:
    """Seconds from one RFC 3339 time to another."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _moving(events: Iterable[Phase | End]) -> dict[str, Any]:
    with Screen() as screen:
        for event in events:
            if isinstance(event, End):
                screen.end(event.operation)
                return event.operation
            screen.begin(event)
    raise AssertionError("events end with an End")


def _plain(events: Iterable[Phase | End]) -> dict[str, Any]:
    for event in events:
        if isinstance(event, End):
            return event.operation
        output.line(f"{event.at} {words(event)}")
        sys.stdout.flush()
    raise AssertionError("events end with an End")
