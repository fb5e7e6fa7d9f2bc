"""Disks that run full under one component alone, and one that breaks under a whole host."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest

from deis_cli.deisctl.local.probes import answers
from tests.fixtures.cluster import Cluster
from tests.fixtures.disks import disk_of_host, disk_under, small_disk
from tests.fixtures.host_faults import forget_losses
from tests.fixtures.invariants import at_rest
from tests.fixtures.platform import App, poll, run
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Traffic, busy_app, moment

pytestmark = pytest.mark.timeout(900)

ROUTERS = ("local-1", "local-2")
VICTIM = "local-3"
"""The host without a router."""
MIB = 1024**2


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    with busy_app(cluster) as app:
        yield app


def test_the_disk_of_postgresql_runs_full(cluster: Cluster, busy: App, seen: Seen) -> None:
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        with disk_under(cluster, "postgres", cluster.home / "data" / "postgres", 512) as disk:
            disk.fill()
            taken = 0
            while not (said := change(cluster, busy, f"FILL{taken}={'x' * 30000}")):
                assert taken < 20, "every change was taken"
                taken += 1
            seen(f"after {taken} changes one was refused: {said!r}")
            traffic.settle(4.0)
            disk.empty()
            began = moment()
            poll(lambda: not change(cluster, busy, "ROOM=1"), 120, "changes again")
            seen(f"there was room again, and a change was taken after {moment() - began:.1f} s")
        asyncio.run(at_rest(cluster))
        busy.deploy("room again")
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]


def test_the_disk_of_one_member_of_etcd_runs_full(cluster: Cluster, busy: App, seen: Seen) -> None:
    member = f"etcd@{VICTIM}"
    place = cluster.hosts.site(VICTIM).data / "etcd"
    address = cluster.facts["components"][member]["address"]
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        with disk_under(cluster, member, place, 400) as disk:
            disk.fill()
            written = 0
            while answers(address, "/health"):
                assert written < 200, "the member goes on writing"
                put(cluster, f"/drill/{written % 50}", b"x" * MIB)
                written += 1
            seen(f"the member was lost after {written} MiB more")
            busy.deploy("with two members")
            seen(f"hosts alive: {cluster.alive()}")
            disk.empty()
            began = moment()
            cluster.wait_ready(member)
            seen(f"there was room again, and it answered after {moment() - began:.1f} s")
        asyncio.run(at_rest(cluster))
    words = ["etcdctl", "--endpoints", cluster.etcd_url, "del", "--prefix", "/drill/"]
    assert run(words, ETCDCTL_API="3").returncode == 0
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]


def test_dockers_root_runs_full_and_is_lost(cluster: Cluster, busy: App, seen: Seen) -> None:
    cluster.power_off(VICTIM)
    disk = small_disk(cluster.hosts.site(VICTIM).data / "docker", 400)
    cluster.power_on(VICTIM)
    forget_losses(cluster, VICTIM)
    asyncio.run(at_rest(cluster))
    cluster.deis("ps:scale", "web=9", "-a", busy.name)
    assert cluster.copies(busy.name)[VICTIM] != []
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        disk.fill()
        busy.commit("no room for it")
        pushed = busy.push(check=False)
        seen(f"a push ended with {pushed.returncode}: {pushed.stderr.strip()[-600:]!r}")
        assert pushed.returncode != 0
        assert "no space left" in pushed.stderr
        traffic.settle(4.0)
        assert "no room for it" not in busy.body()
        disk.empty()
        busy.deploy("room again")
        asyncio.run(at_rest(cluster))
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]
    cluster.power_off(VICTIM)
    cluster.power_on(VICTIM)
    began = moment()
    asyncio.run(at_rest(cluster))
    seen(f"with an empty root at the next start it was at rest after {moment() - began:.0f} s")
    busy.deploy("from an empty root")


def test_the_disk_of_a_host_breaks(cluster: Cluster, busy: App, seen: Seen) -> None:
    with disk_of_host(cluster, VICTIM, 1024) as disk:
        cluster.power_on(VICTIM)
        forget_losses(cluster, VICTIM)
        asyncio.run(at_rest(cluster))
        cluster.deis("ps:scale", "web=9", "-a", busy.name)
        assert cluster.copies(busy.name)[VICTIM] != []
        traffic = Traffic(cluster, busy.host, list(ROUTERS))
        with traffic.flows():
            disk.break_down()
            with pytest.raises(OSError, match="Read-only"):
                (disk.place / "one-more").write_bytes(b"x")
            traffic.settle(10.0)
            busy.commit("a host cannot write")
            began = moment()
            pushed = busy.push(check=False)
            took = moment() - began
            traffic.settle(4.0)
            seen(f"a push ended with {pushed.returncode} after {took:.0f} s:")
            seen(repr(pushed.stderr.strip()[-600:]))
            seen(f"hosts alive: {cluster.alive()}")
        assert [traffic.failures(router) for router in ROUTERS] == [[], []]
        with suppress(OSError):  # Its number of boots cannot be written either.
            cluster.power_off(VICTIM)
        poll(lambda: cluster.alive() == list(ROUTERS), 120, "its lease ends")
        busy.deploy("without the host")
    cluster.power_on(VICTIM)
    asyncio.run(at_rest(cluster))
    busy.deploy("with a disk that is whole again")


def change(cluster: Cluster, app: App, word: str) -> str:
    """Why a change of the config was refused; empty when it was not."""
    try:
        done = cluster.deis("config:set", word, "-a", app.name, check=False)
    except subprocess.TimeoutExpired as err:
        return f"it waits for more than {err.timeout:.0f} s"
    return done.stdout + done.stderr if done.returncode else ""


def put(cluster: Cluster, key: str, value: bytes) -> None:
    """Write through a member that is well."""
    words = ["etcdctl", "--endpoints", cluster.etcd_url, "put", key]
    done = subprocess.run(words, input=value, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
