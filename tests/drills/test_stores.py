"""The stores of a cluster: away for minutes, full, all their leases gone, taken over by another."""

import asyncio
import json
import os
import shutil
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deis_cli.deisctl.local.programs import run as run_program
from tests.fixtures import invariants, stores
from tests.fixtures.cluster import Cluster
from tests.fixtures.platform import App, poll, run
from tests.fixtures.ports import free_port
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Push, Traffic, busy_app, count, rollout_of

pytestmark = pytest.mark.timeout(900)

ROUTERS = ["local-1", "local-2"]
OUTAGE = float(os.environ.get("DEIS_OUTAGE_MINUTES", "5")) * 60
"""Seconds without a majority of etcd's members."""
STORM = 30.0
"""Seconds for which every agent hangs: three times the lease of a host."""


@pytest.fixture(scope="module")
def busy(cluster_of_three: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    with busy_app(cluster_of_three) as app:
        yield app


def test_five_minutes_without_a_majority_of_etcd(cluster: Cluster, busy: App, seen: Seen) -> None:
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        done = stores.lose_majority(cluster, busy, OUTAGE)
        back = time.monotonic()
        asyncio.run(invariants.at_rest(cluster))
        traffic.settle(2.0)
    seen(f"at rest {time.monotonic() - back:.1f} s after what was pushed meanwhile was served")
    said = next(line for line in rollout_of(done) if "etcd" in line)
    seen(f"the push said: {said}")
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert traffic.all_failures() == []


def test_every_agent_hangs_for_three_leases(cluster: Cluster, busy: App, seen: Seen) -> None:
    running = cluster.copies(busy.name)
    agents = [cluster.pid(f"deis-node@{name}") for name in cluster.names]
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        for pid in agents:
            os.kill(pid, signal.SIGSTOP)
        try:
            poll(lambda: cluster.alive() == [], 60, "all leases have ended")
            time.sleep(STORM)
            assert cluster.copies(busy.name) == running
        finally:
            for pid in agents:
                os.kill(pid, signal.SIGCONT)
        began = time.monotonic()
        poll(lambda: cluster.alive() == cluster.names, 60, "all are there again")
        asyncio.run(invariants.at_rest(cluster))
        seen(f"at rest {time.monotonic() - began:.1f} s after the agents went on")
        traffic.settle(2.0)
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert cluster.copies(busy.name) == running
    assert traffic.all_failures() == []
    busy.deploy("after the storm")


def test_a_store_that_is_full(cluster: Cluster, busy: App, seen: Seen) -> None:
    running = cluster.copies(busy.name)
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        alarm(cluster)
        with Push(busy, "into a full store") as push:
            traffic.settle(40.0)
            assert cluster.copies(busy.name) == running
            assert not push.ended
            words = ["etcdctl", "--endpoints", cluster.etcd_url, "alarm", "disarm"]
            assert "NOSPACE" in run(words, ETCDCTL_API="3").stdout
            began = time.monotonic()
            done = push.result()
            asyncio.run(invariants.at_rest(cluster))
            seen(f"there was room again; at rest after {time.monotonic() - began:.1f} s")
    for line in rollout_of(done)[:3]:
        seen(f"the push said: {line}")
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert done.returncode == 0
    assert "etcd takes no writes" in done.stderr
    assert traffic.all_failures() == []
    busy.deploy("with room again")


def alarm(cluster: Cluster) -> None:
    """What a member does when its quota is used up: every write is refused from now on."""
    status = run(
        ["etcdctl", "--endpoints", cluster.etcd_url, "endpoint", "status", "-w", "json"],
        ETCDCTL_API="3",
    )
    member = json.loads(status.stdout)[0]["Status"]["header"]["member_id"]
    body = {"action": "ACTIVATE", "memberID": str(member), "alarm": "NOSPACE"}
    request = urllib.request.Request(
        f"{cluster.etcd_url}/v3/maintenance/alarm", json.dumps(body).encode()
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_postgresql_fails_over_to_its_standby_in_the_middle_of_pushes(
    cluster: Cluster, busy: App, tmp_path: Path, seen: Seen
) -> None:
    traffic = Traffic(cluster, busy.host, ROUTERS)
    standby = Standby(cluster, tmp_path)
    standby.start()
    with traffic.flows():
        with Push(busy, "over a failover") as push:
            poll(lambda: cluster.sql(OPEN) == "1", 60, "the change is accepted")
            began = time.monotonic()
            standby.take_over()
            seen(f"another PostgreSQL answers after {time.monotonic() - began:.1f} s")
            done = push.result()
            assert done.returncode == 0, done.stderr
            poll(lambda: push.message in busy.body(), 60, "what was pushed is served")
            asyncio.run(invariants.at_rest(cluster))
            seen(f"at rest {time.monotonic() - began:.1f} s after the failover began")
        traffic.settle(2.0)
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert cluster.sql("SELECT timeline_id > 1 FROM pg_control_checkpoint()") == "t"
    assert traffic.all_failures() == []
    busy.deploy("on the former standby")


OPEN = "SELECT count(*) FROM operations WHERE phase NOT IN ('done', 'failed')"


class Standby:
    """A PostgreSQL that follows the platform's, without which nothing is committed any more."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._data = folder / "standby"
        self._port = free_port()

    def start(self) -> None:
        """Copy the primary, and follow it from then on."""
        folder = self._data.parent
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(0o755)
        stores.save_database(self._cluster, self._data, "--write-recovery-conf")
        run_program(["chown", "--recursive", "postgres:postgres", str(self._data)])
        self._pg_ctl("start", "-o", f"-p {self._port} -c listen_addresses=127.0.0.1")
        self._together("'*'")
        following = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        poll(lambda: self._cluster.sql(following) == "1", 60, "the standby follows")

    def take_over(self) -> None:
        """The primary dies; what followed it goes on in its place, behind its address."""
        self._cluster.keep_down("postgres")
        self._pg_ctl("promote")
        self._pg_ctl("stop", "-m", "fast")
        data = self._cluster.home / "data" / "postgres"
        shutil.rmtree(data)
        shutil.move(self._data, data)
        self._cluster.let_up("postgres")

    def _together(self, names: str) -> None:
        self._cluster.sql(f"ALTER SYSTEM SET synchronous_standby_names = {names}")
        self._cluster.sql("SELECT pg_reload_conf()")

    def _pg_ctl(self, verb: str, *options: str) -> None:
        log = str(self._data / "standby.log")
        words = ["/usr/lib/postgresql/15/bin/pg_ctl", verb, "-D", str(self._data), "-w", *options]
        done = run(stores.as_postgres(*words, *(["-l", log] if verb == "start" else [])))
        assert done.returncode == 0, done.stdout + done.stderr
