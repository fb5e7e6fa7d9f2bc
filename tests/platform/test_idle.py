"""Fifty copies that start at once are all heard of; idle, they cost no write and little work."""

import time
from collections.abc import Callable

import pytest

from deis_cli.deisctl.local.home import Home
from tests.fixtures.engine_events import heard, recorded
from tests.fixtures.platform import App, poll
from tests.fixtures.processes import cpu_seconds, resident

pytestmark = pytest.mark.long(75)

COPIES = 50
SECONDS = 30.0
LIMIT = 3.0
"""Ten times the promise of 1 % of a core; the figure itself is in docs/benchmarks.md."""
MEMORY = 160.0
"""MiB; twice the promise, for memory depends on no other work."""


def test_fifty_copies_start_unmissed_and_cost_no_write_and_little_cpu(app: App) -> None:
    platform = app.platform
    choices = Home(platform.home).load()
    assert choices is not None
    platform.deis("config:set", "HEALTHCHECK_URL=/healthz", "-a", app.name)
    app.only_container()
    before = heard(choices.metrics_port)
    with recorded(platform, app.name) as recorder:
        platform.deis("ps:scale", f"web={COPIES}", "-a", app.name, timeout=300)
        services = f"/deis/services/{app.name}/"
        poll(lambda: len(platform.etcd(services)) == COPIES, 60, "all endpoints")
        poll(lambda: recorder.seen["start"] == COPIES - 1, 60, "the engine tells of all starts")
    assert heard(choices.metrics_port) - before == recorder.seen
    settled(platform.etcd_revision)
    pids = [platform.pid("deis-control"), platform.pid("deis-node")]
    revision, used = platform.etcd_revision(), [cpu_seconds(pid) for pid in pids]
    time.sleep(SECONDS)
    assert platform.etcd_revision() == revision
    spent = [cpu_seconds(pid) - then for pid, then in zip(pids, used, strict=True)]
    assert max(spent) < LIMIT, spent
    assert resident(platform.pid("deis-node")) < MEMORY


def settled(read: Callable[[], int], pause: float = 3.0) -> None:
    """Wait until a number stands still."""
    last = None
    deadline = time.monotonic() + 60
    while (now := read()) != last:
        assert time.monotonic() < deadline
        last = now
        time.sleep(pause)
