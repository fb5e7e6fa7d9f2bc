"""The store's last word on this host, over restarts of the agent.

The monotonic clock goes on within a boot, so its times outlive the process. The file is written
without waiting for the disk: what is lost with the power belongs to a boot that is over.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from deis_node.cluster.tenure import Tenure

log = structlog.get_logger()


class Tenures:
    """For how long this host may run what must be alone.

    `ask` answers by the lease, given the last word of which an earlier agent knew.
    """

    def __init__(self, ask: Callable[[float], Tenure], file: Path, boot_id: str) -> None:
        self._ask = ask
        self._file = file
        self._boot_id = boot_id
        self._unknown = time.monotonic()
        self._saved: float | None = None

    def now(self, read: float) -> Tenure:
        """What holds now, the placements having been read at `read`."""
        return replace(self._ask(self._unknown), read=read)

    async def load(self) -> None:
        """Take in what an earlier agent of this boot saved; without it the word is as old as we."""
        try:
            data = json.loads(await asyncio.to_thread(self._file.read_text))
            if data["boot_id"] == self._boot_id:
                self._unknown = min(self._unknown, float(data["confirmed"]))
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as err:
            log.warning("saved tenure is unreadable", error=str(err))

    async def save(self) -> None:
        """Have it on disk if it is news."""
        confirmed = self._ask(self._unknown).confirmed
        if confirmed == self._saved:
            return
        try:
            await asyncio.to_thread(self._write, confirmed)
        except OSError as err:
            log.warning("tenure not saved", error=str(err))
            return
        self._saved = confirmed

    def _write(self, confirmed: float) -> None:
        aside = self._file.with_suffix(".new")
        aside.touch(mode=0o600)
        aside.write_text(json.dumps({"boot_id": self._boot_id, "confirmed": confirmed}))
        aside.replace(self._file)
