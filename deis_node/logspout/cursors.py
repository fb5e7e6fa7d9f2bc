"""The file of cursors: how far each container's log has arrived at the logger. Blocking.

Written aside and swapped in, readable by its owner only. A file that is missing or unreadable
means that logs are sent from their beginning: lines may come twice, none is lost.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from deis_node.logspout.position import Position

log = structlog.get_logger()

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a container's log goes on."""

    epoch: str
    """Which numbering of the log's lines `position.seq` belongs to."""
    position: Position


def load(file: Path) -> dict[str, Cursor]:
    """The cursors by container id."""
    try:
        data = json.loads(file.read_bytes())
        return {str(key): _read(entry) for key, entry in data["cursors"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        log.error("log cursors are unreadable, logs are sent again", file=str(file), error=str(err))
        return {}


def save(file: Path, cursors: Mapping[str, Cursor]) -> None:
    """Replace the file; OSError when that fails, and the old one stays."""
    entries = {key: _write(cursor) for key, cursor in cursors.items()}
    text = json.dumps({"format": _FORMAT, "cursors": entries})
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fdatasync(descriptor)
    fresh.replace(file)


def _write(cursor: Cursor) -> list[Any]:
    place = cursor.position.sealed()
    return [cursor.epoch, place.time, place.nth, place.seq, place.digest]


def _read(entry: Any) -> Cursor:
    epoch, time, nth, seq, digest = entry
    if not (isinstance(nth, int) and isinstance(seq, int) and nth > 0 and seq >= 0):
        raise ValueError("a cursor is senseless")
    return Cursor(str(epoch), Position(str(time), nth, seq, str(digest)))
