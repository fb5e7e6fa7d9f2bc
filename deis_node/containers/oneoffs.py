"""What one-off commands need beside a container: the note that they began, and the way back.

The note is made durable before a container is started. The result goes to the leader through
etcd, its output sealed and in pieces, and every write compares the command's placement: nothing
is put for a command that the leader is done with.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from typing import TypeVar

import structlog

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, Get, Listing, Put, create_revision_is
from deis_node.cluster.oneoffs import open_command, seal_output
from deis_node.cluster.records import (
    Instance,
    Placement,
    PlacementState,
    Record,
    RecordError,
    RunEnd,
)
from deis_node.cluster.seal import Ring
from deis_node.containers.saved import StateFile

log = structlog.get_logger()

_R = TypeVar("_R", bound=Record)


class Word(Enum):
    """What the store says of a command."""

    FREE = auto()
    """It is wanted, and nobody has begun it."""
    BEGUN = auto()
    """This host has told of a container of it before."""
    ENDING = auto()
    """It is wanted no more, but its result is."""
    OVER = auto()
    """Its result has been handed over."""
    GONE = auto()
    """The leader is done with it, or the store does not have it right now."""


@dataclass(frozen=True, slots=True)
class Begun(Record):
    """The commands that this host may have started: container → uuid."""

    runs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What the store holds of a command."""

    word: Word
    made: int = 0
    """The revision at which its placement was made."""


class OneOffs:
    """The host's one-off commands."""

    def __init__(self, etcd: Etcd, ring: Ring, host: str, path: Path, *, limit: int) -> None:
        """`limit` is in bytes of one command's output."""
        self.limit = limit
        self._etcd = etcd
        self._ring = ring
        self._host = host
        self._file = StateFile(path, Begun)
        self._begun: Mapping[str, str] = {}
        self._writing = asyncio.Lock()

    # --- the note ------------------------------------------------------------------------

    async def load(self) -> None:
        """Remember what was begun before."""
        saved, _ = await self._file.load()
        self._begun = saved.runs if saved else {}

    def begun(self, wanted: Placement) -> bool:
        """Whether the command's container may have been started."""
        return self._begun.get(wanted.copy.container) == wanted.uuid

    async def begin(self, wanted: Placement) -> None:
        """Note that the command begins; OSError when that cannot be made durable."""
        async with self._writing:
            await self._write({**self._begun, wanted.copy.container: wanted.uuid})

    async def keep(self, containers: Iterable[str]) -> None:
        """Forget all commands but these."""
        async with self._writing:
            left = {name: self._begun[name] for name in containers if name in self._begun}
            if left == self._begun:
                return
            try:
                await self._write(left)
            except OSError as err:
                log.warning("commands that are over are not forgotten", error=err.strerror)

    async def _write(self, runs: Mapping[str, str]) -> None:
        self._file.put(Begun(runs))
        await self._file.flush()
        self._begun = runs

    # --- the store -----------------------------------------------------------------------

    def opened(self, wanted: Placement) -> Placement:
        """The placement with its arguments; SealError."""
        if wanted.sealed is None:
            return wanted
        command = open_command(self._ring, wanted.copy, wanted.sealed)
        return replace(wanted, command=command)

    async def ask(self, wanted: Placement, stale: str | None = None) -> Found:
        """What the store says of a command now; the errors of etcd.

        `stale` is the id of a container of an earlier command, which is no beginning of this one.
        """
        app, container = wanted.app, wanted.copy.container
        reads = [
            Get(keys.placement(self._host, container)),
            Get(keys.instance(self._host, container)),
            Get(keys.run_end(app, container)),
        ]
        placement, instance, end = (await self._etcd.txn([], reads)).results
        found = _read(Placement, placement)
        if found is None or found.uuid != wanted.uuid or found.state is PlacementState.STOP:
            return Found(Word.GONE)
        assert placement is not None
        told = _read(Instance, instance)
        begun = told is not None and told.container_id not in (None, stale)
        word = _word(found, _read(RunEnd, end), begun=begun)
        return Found(word, placement.items[0].create_revision)

    async def hand_over(self, wanted: Placement, made: int, end: RunEnd, output: bytes) -> bool:
        """Put a result into the store, its end last; the errors of etcd.

        False when the placement that was made at that revision is gone: ask again.
        """
        app, container = wanted.app, wanted.copy.container
        guard = create_revision_is(keys.placement(self._host, container), made)
        pieces = list(seal_output(self._ring, app, wanted.uuid, output))
        puts = [Put(keys.run_output(app, container, n), piece) for n, piece in enumerate(pieces)]
        puts.append(Put(keys.run_end(app, container), replace(end, pieces=len(pieces)).to_bytes()))
        for put in puts:
            if not (await self._etcd.txn([guard], [put])).succeeded:
                return False
        return True


def _word(placement: Placement, end: RunEnd | None, *, begun: bool) -> Word:
    if end is not None and end.uuid == placement.uuid:
        return Word.OVER
    if placement.state is not PlacementState.RUN:
        return Word.ENDING
    return Word.BEGUN if begun else Word.FREE


def _read(kind: type[_R], listing: Listing | None) -> _R | None:
    """The record that was read; one that is unreadable counts as missing."""
    try:
        return kind.from_bytes(listing.items[0].value) if listing and listing.items else None
    except RecordError:
        return None
