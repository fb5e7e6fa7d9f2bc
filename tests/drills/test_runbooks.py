"""The operators' runbooks (docs/operators.md), step by step, while an app serves."""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deis_cli.deisctl.local import processes
from tests.fixtures import deeds, invariants, stores
from tests.fixtures.cluster import Cluster, running_cluster
from tests.fixtures.platform import App, poll, run
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Traffic, busy_app, count, moment

pytestmark = pytest.mark.timeout(900)

ROUTERS = ["local-1", "local-2"]
HOST = "local-3"
"""The host whose member loses its data; it has no router."""
OLD, NEW = "local-4", "local-5"
"""The host that is replaced, and the one that comes for it. Neither has a member or a router."""

LONG_AGO = 35.0
"""Seconds after which one more lost host makes no loss of many at once: three leases, and a bit."""


def etcdctl(cluster: Cluster, *words: str) -> str:
    """What etcd's own client says, asking the members that run."""
    argv = ["etcdctl", "--endpoints", ",".join(cluster.etcd_urls), *words]
    done = run(argv, ETCDCTL_API="3")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_member_of_etcd_that_lost_its_data_is_replaced(cluster: Cluster, seen: Seen) -> None:
    member = f"etcd@{HOST}"
    with busy_app(cluster) as app:
        traffic = Traffic(cluster, app.host, ROUTERS)
        with traffic.flows():
            cluster.keep_down(member)
            shutil.rmtree(cluster.hosts.site(HOST).data / "etcd")
            app.deploy("with two members")
            began = moment()
            listed = json.loads(etcdctl(cluster, "member", "list", "-w", "json"))["members"]
            lost = next(item["ID"] for item in listed if item["name"] == HOST)
            etcdctl(cluster, "member", "remove", f"{lost:x}")
            with started_as_new(cluster, member):
                seen(f"the new member answered {moment() - began:.1f} s after the first step")
            cluster.let_up(member)
            asyncio.run(invariants.at_rest(cluster))
            # With the new one there are two of three again when another one is lost.
            cluster.keep_down("etcd@local-1")
            app.deploy("with the new member")
            cluster.let_up("etcd@local-1")
        asyncio.run(invariants.at_rest(cluster))
        seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
        assert traffic.all_failures() == []


@contextmanager
def started_as_new(cluster: Cluster, member: str) -> Iterator[None]:
    """Add a member and start it as `member add` says, on the old one's host and address.

    It is ended again behind the block: its own supervisor starts it from its data from then on.
    """
    part = cluster.part(member)
    argv = list(part.argv)
    peer = argv[argv.index("--initial-advertise-peer-urls") + 1]
    said = etcdctl(cluster, "member", "add", HOST, f"--peer-urls={peer}")
    told = dict(line.split("=", 1) for line in said.splitlines() if line.startswith("ETCD_"))
    argv[argv.index("--initial-cluster") + 1] = told["ETCD_INITIAL_CLUSTER"].strip('"')
    argv += ["--initial-cluster-state", told["ETCD_INITIAL_CLUSTER_STATE"].strip('"')]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as child:
        try:
            poll(part.ready, 60, "the new member answers")
            yield
        finally:
            child.terminate()
            assert processes.wait_until(lambda: child.poll() is not None, 30)


def test_all_members_of_etcd_lose_their_data(cluster: Cluster, seen: Seen) -> None:
    with busy_app(cluster) as app:
        (before,) = cluster.etcd("/deis/control/incarnation").values()
        running, placed = cluster.copies(app.name), set(cluster.etcd("/deis/placements/"))
        traffic = Traffic(cluster, app.host, ROUTERS)
        with traffic.flows():
            cluster.keep_down(*stores.MEMBERS)
            for name in cluster.names:
                shutil.rmtree(cluster.hosts.site(name).data / "etcd")
            cluster.let_up(*stores.MEMBERS)
            began = moment()
            poll(lambda: stores.new_life(cluster, before["id"]), 120, "the store begins a new life")
            poll(lambda: set(cluster.etcd("/deis/placements/")) == placed, 60, "all is placed")
            seen(f"what belongs there was back after {moment() - began:.1f} s")
            asyncio.run(invariants.at_rest(cluster))
            seen(f"at rest after {moment() - began:.1f} s")
            assert cluster.copies(app.name) == running
            app.deploy("in the new life")
        asyncio.run(invariants.at_rest(cluster))
        seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
        assert traffic.all_failures() == []


@pytest.fixture
def four() -> Iterator[Cluster]:
    """A cluster of four hosts; the fifth is a machine that nobody has ever seen."""
    with running_cluster(5, "--no-sample") as cluster:
        gone(cluster, NEW)
        assert NEW not in deeds.hosts(cluster, "list")
        data = cluster.hosts.site(NEW).data
        shutil.rmtree(data)
        data.mkdir()
        time.sleep(LONG_AGO)
        yield cluster
        cluster.heal()


def gone(cluster: Cluster, host: str) -> None:
    """A host has no power, and everybody has noticed."""
    cluster.power_off(host)
    poll(lambda: host not in cluster.alive(), 60, "its lease ends")


def test_a_host_is_replaced_by_a_new_one(four: Cluster, seen: Seen) -> None:
    for number, name in enumerate(four.names[:4], 1):
        deeds.hosts(four, "tags", name, f"zone=z{number}")
    with busy_app(four, 8) as app:
        assert len(four.copies(app.name)[OLD]) == 2
        traffic = Traffic(four, app.host, ROUTERS)
        with traffic.flows():
            replaced(four, app, seen)
        asyncio.run(invariants.at_rest(four))
        seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
        assert traffic.all_failures() == []
        app.deploy("on the new one as well")


def replaced(cluster: Cluster, app: App, seen: Seen) -> None:
    """The steps of "Replace a host"."""
    began = moment()
    deeds.hosts(cluster, "drain", OLD, "--wait")
    seen(f"{OLD} was empty after {moment() - began:.1f} s")
    assert cluster.copies(app.name)[OLD] == []
    gone(cluster, OLD)
    listed = deeds.hosts(cluster, "list").splitlines()
    assert "gone" in next(line for line in listed if OLD in line)
    deeds.hosts(cluster, "forget", OLD)
    assert OLD not in deeds.hosts(cluster, "list")
    cluster.power_on(NEW)
    poll(lambda: NEW in cluster.alive(), 60, "it is there")
    seen(f"{NEW} was there after {moment() - began:.1f} s")
    deeds.hosts(cluster, "tags", NEW, "zone=z4")
    assert NEW in deeds.hosts(cluster, "rebalance", "--plan")
    assert cluster.copies(app.name)[NEW] == []
    deeds.hosts(cluster, "rebalance")
    poll(lambda: len(cluster.copies(app.name)[NEW]) == 2, 120, "it has its share")
    seen(f"and had its share after {moment() - began:.1f} s")
    poll(lambda: len(cluster.containers(app.name)) == 8, 120, "as many copies as before")
    seen(f"all of it took {moment() - began:.1f} s")
