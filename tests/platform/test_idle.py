"""An idle platform writes nothing and hardly works."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.fixtures.platform import App, poll

SECONDS = 60.0
LIMIT = 6.0
"""Ten times the promise of 0.6 s of CPU in 60 s; the figure itself is in docs/benchmarks.md."""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_twenty_idle_copies_cost_no_write_and_little_cpu(app: App) -> None:
    platform = app.platform
    platform.deis("config:set", "HEALTHCHECK_URL=/healthz", "-a", app.name)
    platform.deis("ps:scale", "web=20", "-a", app.name)
    poll(lambda: len(platform.etcd(f"/deis/services/{app.name}/")) == 20, 60, "20 endpoints")
    settled(platform.etcd_revision)
    pids = [platform.pid("deis-control"), platform.pid("deis-node")]
    before = platform.etcd_revision(), [cpu_seconds(pid) for pid in pids]
    time.sleep(SECONDS)
    revision, used = platform.etcd_revision(), [cpu_seconds(pid) for pid in pids]
    assert revision == before[0]
    assert all(now - then < LIMIT for now, then in zip(used, before[1], strict=True))


def settled(read: Callable[[], int], pause: float = 3.0) -> None:
    """Wait until a number stands still."""
    last = None
    deadline = time.monotonic() + 60
    while (now := read()) != last:
        assert time.monotonic() < deadline
        last = now
        time.sleep(pause)
