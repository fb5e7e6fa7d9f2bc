"""LISTEN/NOTIFY as hints: one connection for all channels of a process.

A hint only makes somebody look sooner. It may be lost while PostgreSQL is away, so whoever
waits for one also polls (architecture.md, the life of a change).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

OPERATIONS = "operations"
"""An operation was accepted or its end asked for; the payload is the app's uuid."""

PHASES = "phases"
"""An operation moved on; the payload is the operation's id."""

APPS = "apps"
"""An app was made, or its names or guards changed; the payload is the app's uuid."""

RUNS = "runs"
"""A one-off command was accepted, or its app shall go; the payload is the app's uuid."""

RUN_ENDS = "run_ends"
"""A one-off command ended; the payload is its uuid."""

CHANNELS = (OPERATIONS, PHASES, APPS, RUNS, RUN_ENDS)
_PROBE = 15.0


class Hint:
    """One subscriber's ear on a channel: set by each notice, and whenever one may be lost."""

    def __init__(self, only: str | None) -> None:
        self._only = only
        self._event = asyncio.Event()
        self.payloads: set[str] = set()
        """What was heard since `clear`; empty when the connection was made anew."""

    def notify(self, payload: str | None) -> None:
        """Wake the subscriber if the payload is for it; None (anything may be lost) always is."""
        if payload is None or self._only in (None, payload):
            self.payloads |= {payload} if payload is not None else set()
            self._event.set()

    def clear(self) -> None:
        """Forget what was heard; call before reading, so that nothing is missed."""
        self.payloads.clear()
        self._event.clear()

    async def wait(self, timeout: float) -> bool:
        """Whether something was heard within so many seconds."""
        return await _happens(self._event, timeout)


class Notices:
    """Hands each notice of a channel to its subscribers; `run` keeps the connection."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._hints: dict[str, set[Hint]] = {channel: set() for channel in CHANNELS}

    @asynccontextmanager
    async def subscribe(self, channel: str, only: str | None) -> AsyncIterator[Hint]:
        """A hint that hears the channel, or one payload of it, for as long as the block lasts."""
        hint = Hint(only)
        self._hints[channel].add(hint)
        try:
            yield hint
        finally:
            self._hints[channel].discard(hint)

    async def run(self) -> None:
        """Listen until the connection breaks, then raise: the caller starts this again."""
        async with asyncio.timeout(10):
            connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=5)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            for channel in CHANNELS:
                await connection.add_listener(channel, self._heard)
            self._wake_all()
            while not await _happens(lost, _PROBE):
                await connection.execute("SELECT 1")
            raise ConnectionError("the connection for hints is lost")
        finally:
            connection.terminate()

    def _heard(self, _: Any, __: int, channel: str, payload: object) -> None:
        for hint in self._hints[channel]:
            hint.notify(str(payload))

    def _wake_all(self) -> None:
        """A new connection may have missed anything."""
        for hints in self._hints.values():
            for hint in hints:
                hint.notify(None)


async def _happens(event: asyncio.Event, timeout: float) -> bool:
    """Whether the event is set within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()
    return event.is_set()
