"""The host's own record in etcd, under the host's lease.

A restart of the agent keeps the lease, so that nobody takes it for a loss of the host. A lease
file holds the lease and the boot it was taken in: after another boot the old lease is ended
first, because nothing that ran under it runs any more.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import structlog

from deis_node.cluster import keys
from deis_node.cluster.etcd import Etcd, EtcdError
from deis_node.cluster.lease import Lease
from deis_node.cluster.records import Host
from deis_node.cluster.tenure import Tenure
from deis_node.runtime.backoff import Backoff
from deis_node.runtime.tasks import spawn

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SavedLease:
    """What the lease file holds."""

    lease: int
    boot_id: str


class Heartbeat:
    """Holds the host's lease and keeps its record under it."""

    def __init__(self, etcd: Etcd, host: Host, ttl: int, state_dir: Path) -> None:
        self._etcd = etcd
        self._host = host
        self._file = state_dir / "lease.json"
        self.lease = Lease(etcd, ttl, name=f"host {host.name}")
        self._recorded = (0, 0.0)
        """Under which lease the record was written last, and when that was done."""
        self._confirmed: float | None = None

    def current_lease(self) -> int:
        """The lease's id, 0 while none is held."""
        return self.lease.id if self.lease.is_held else 0

    def tenure(self, unknown: float) -> Tenure:
        """What the host may run by its lease; `unknown` counts as the store's last word as long
        as there was none.
        """
        lease, at = self._recorded
        there = lease != 0 and lease == self.lease.id
        if there:
            self._confirmed = self.lease.confirmed
        confirmed = unknown if self._confirmed is None else self._confirmed
        return Tenure(self.lease.ttl, confirmed, at if there and self.lease.is_held else None)

    async def run(self) -> None:
        """Keep lease and record until cancelled; both stay, for the agent's next start."""
        await self._take_over()
        changed = self.lease.subscribe()
        async with asyncio.TaskGroup() as group:
            spawn(group, "host lease", self.lease.run())
            written = 0
            pause = Backoff(initial=0.1, maximum=2.0)
            while True:
                await changed.wait()
                changed.clear()
                current = self.current_lease()
                if current and current != written:
                    if await self._put(current):
                        written = current
                        pause.reset()
                    else:
                        await pause.wait()
                        changed.set()

    async def _put(self, lease: int) -> bool:
        try:
            await self._etcd.put(keys.host(self._host.name), self._host.to_bytes(), lease)
        except EtcdError as err:
            log.warning("host record not written", error=str(err))
            return False
        self._recorded = (lease, asyncio.get_running_loop().time())
        self._save(SavedLease(lease, self._host.boot_id))
        return True

    async def _take_over(self) -> None:
        saved = self._load()
        if saved is None:
            return
        if saved.boot_id == self._host.boot_id:
            self.lease.adopt(saved.lease)
            return
        try:
            await self._etcd.revoke(saved.lease)
        except EtcdError as err:
            log.info("lease of the last boot not ended", error=str(err))

    def _load(self) -> SavedLease | None:
        try:
            data = json.loads(self._file.read_text())
            return SavedLease(int(data["lease"]), str(data["boot_id"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _save(self, saved: SavedLease) -> None:
        """Keep the lease for the next start. A disk that is full or broken costs no host its
        agent: without the file the next one takes a new lease.
        """
        aside = self._file.with_suffix(".new")
        try:
            aside.touch(mode=0o600)
            aside.write_text(json.dumps({"lease": saved.lease, "boot_id": saved.boot_id}))
            aside.replace(self._file)
        except OSError as err:
            log.warning("host lease not saved", error=str(err))


def boot_id(file: Path) -> str:
    """The name of the host's present boot."""
    return file.read_text().strip()
