"""Storage below etcd that flushes slowly, and storage below the registry that fails or is slow."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fixtures.cluster import Cluster
from tests.fixtures.invariants import at_rest
from tests.fixtures.leading import etcd_leader
from tests.fixtures.platform import App, poll
from tests.fixtures.seen import Seen
from tests.fixtures.tampering import tampered
from tests.fixtures.traffic import Push, Traffic, busy_app, count, moment

pytestmark = pytest.mark.timeout(900)

ROUTERS = ["local-1", "local-2"]
WHILE = 60.0
"""Seconds for which etcd flushes slowly."""
FLUSHES = "fsync,fdatasync"
PUBLISHES = "renameat"
"""How the registry puts a blob in its place."""


@pytest.fixture(scope="module")
def busy(cluster_of_three: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    with busy_app(cluster_of_three) as app:
        yield app


@pytest.mark.parametrize("whose", ["leader", "every member"])
@pytest.mark.parametrize("delay", [0.5, 3.0])
def test_etcd_flushes_slowly(
    cluster: Cluster, busy: App, whose: str, delay: float, seen: Seen
) -> None:
    hosts = [etcd_leader(cluster)] if whose == "leader" else cluster.names
    members = [cluster.pid(f"etcd@{host}") for host in hosts]
    leaders = who_leads(cluster)
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        with tampered(members, FLUSHES, f"delay_exit={delay * 1e6:.0f}") as tampering:
            began = moment()
            with Push(busy, f"{whose} {delay}") as push:
                took = 0.0
                while moment() - began < WHILE:
                    traffic.settle(1.0)
                    took = took or (moment() - began if push.ended else 0.0)
                how = f"ended after {took:.0f} s" if took else "went on"
                seen(f"{whose}, {delay:g} s: a push {how}; alive: {alive(cluster)}")
                seen(repr(push.said.strip().splitlines()[-1]))
                seen(f"{leaders}; in the end {who_leads(cluster)}")
                seen(f"{tampering.hits} flushes took longer")
                assert tampering.hits > 0
                # When no majority is quick enough nobody can lead.
                assert not took or (whose, delay) != ("every member", 3.0)
                tampering.close()
                began = moment()
                done = push.result()
        assert done.returncode == 0, done.stderr
        poll(lambda: push.message in busy.body(), 60, "what was pushed is served")
        asyncio.run(at_rest(cluster))
        seen(f"served, and at rest, {moment() - began:.1f} s after it flushed as before")
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert traffic.all_failures() == []
    busy.deploy("fast again")


def alive(cluster: Cluster) -> str:
    """The hosts that hold their lease, as far as etcd says so."""
    try:
        return " ".join(cluster.alive())
    except AssertionError:
        return "etcd does not answer"


def who_leads(cluster: Cluster) -> str:
    """Of etcd's members and of the control planes, as far as etcd says so."""
    try:
        return f"etcd led by {etcd_leader(cluster)}, the platform by {cluster.leader()}"
    except AssertionError:
        return "nobody is known to lead"


@pytest.mark.parametrize(
    ("how", "what", "succeeds"),
    [
        ("fails each time", "error=EIO", False),
        ("fails once in each thread", "error=ENOSPC:when=1", True),
        ("takes 8 s longer", "delay_exit=8000000", True),
    ],
)
def test_the_registrys_storage(
    cluster: Cluster, busy: App, how: str, what: str, succeeds: bool, seen: Seen
) -> None:
    releases, branch = busy.releases(), busy.branch()
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        registry = [cluster.pid("registry")]
        with tampered(registry, PUBLISHES, what) as tampering, Push(busy, how) as push:
            began = moment()
            done = push.result(400)
            seen(f"it {how}: a push ended with {done.returncode} after {moment() - began:.1f} s")
            assert tampering.hits > 0
        assert (done.returncode == 0) == succeeds, done.stderr
        if not succeeds:
            assert "The image could not be pushed" in done.stderr
            seen(next(line for line in done.stderr.splitlines() if "could not be pushed" in line))
            assert how not in busy.body()
            assert (busy.releases(), busy.branch()) == (releases, branch)
            busy.push()
        poll(lambda: how in busy.body(), 60, "what was pushed is served")
        asyncio.run(at_rest(cluster))
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert traffic.all_failures() == []
