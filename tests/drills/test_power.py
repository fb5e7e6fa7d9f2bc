"""Hosts that lose their power, hang, flap and return, under load."""

import asyncio
import random
import time
from collections.abc import Iterator

import pytest

from tests.fixtures.cluster import Cluster
from tests.fixtures.host_faults import forget_losses, kept_down, running_copies
from tests.fixtures.invariants import at_rest
from tests.fixtures.leading import leaders
from tests.fixtures.platform import App, poll, run
from tests.fixtures.seeds import SEED
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Traffic, busy_app, moment

pytestmark = pytest.mark.timeout(900)

ROUTERS = ("local-1", "local-2")
VICTIM = "local-3"
"""The host without a router."""
TTL = 10.0
PAUSE = 60.0


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    with busy_app(cluster) as app:
        yield app


def test_all_hosts_lose_their_power_and_come_back_in_any_order_without_etcd(
    cluster: Cluster, busy: App, seen: Seen
) -> None:
    chance = random.Random(SEED)
    off, on = (chance.sample(cluster.names, 3) for _ in range(2))
    for host in off:
        cluster.power_off(host)
    with kept_down(cluster, *(f"etcd@{host}" for host in cluster.names)):
        began = moment()
        for host in on:
            cluster.hosts.on(host)
        for router in ROUTERS:
            poll(lambda: serves(cluster, busy, router), 300, f"{router} serves")  # noqa: B023
        poll(lambda: running_copies(cluster, busy) == 6, 300, "every copy runs")
        took = moment() - began
    back = moment()
    asyncio.run(at_rest(cluster))
    settled = moment() - back
    busy.deploy("after the dark")
    seen(f"seed {SEED}: off {off}, on {on}: all copies serve without etcd after {took:.0f} s")
    seen(f"at rest {settled:.0f} s after etcd may start")


def test_a_host_hangs_for_a_minute_and_goes_on(cluster: Cluster, busy: App, seen: Seen) -> None:
    leads = VICTIM in leaders(cluster)
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        began = moment()
        cluster.freeze(VICTIM)
        poll(lambda: whole_without(cluster, busy, VICTIM), 300, "six copies serve elsewhere")
        took = moment() - began
        time.sleep(max(0.0, began + PAUSE - moment()))
        thawed = moment()
        cluster.thaw(VICTIM)
        asyncio.run(at_rest(cluster))
        settled = moment() - thawed
        traffic.settle(4.0)
    gaps = {router: round(traffic.longest_gap(router, began), 1) for router in ROUTERS}
    count = {router: len(traffic.failures(router)) for router in ROUTERS}
    seen(f"leading {leads}: full strength after {took:.1f} s, at rest {settled:.0f} s after it")
    seen(f"failed requests {count}, the last one started after {gaps} s")
    assert all(traffic.failures(router, after=thawed) == [] for router in ROUTERS)
    assert all(gap < 10 * (TTL + 2) for gap in gaps.values())


def test_a_host_returns_under_load(cluster: Cluster, busy: App, seen: Seen) -> None:
    cluster.power_off(VICTIM)
    poll(lambda: whole_without(cluster, busy, VICTIM), 300, "six copies serve elsewhere")
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        began = moment()
        cluster.power_on(VICTIM)
        asyncio.run(at_rest(cluster))
        took = moment() - began
        traffic.settle(4.0)
    seen(f"at rest {took:.0f} s after the power was back, no failed request")
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]
    assert cluster.copies(busy.name)[VICTIM] == []


def test_a_host_flaps(cluster: Cluster, busy: App, seen: Seen) -> None:
    forget_losses(cluster, VICTIM)
    for _ in range(3):
        cluster.partition(VICTIM)
        poll(lambda: VICTIM not in cluster.alive(), 120, "its lease ends")
        poll(lambda: whole_without(cluster, busy, VICTIM), 120, "six copies serve elsewhere")
        cluster.heal()
    asyncio.run(at_rest(cluster))
    cluster.deis("ps:scale", "web=12", "-a", busy.name)
    counts = {host: len(names) for host, names in cluster.copies(busy.name).items()}
    seen(f"after three losses twelve copies run on {counts}")
    assert counts[VICTIM] == 0
    forget_losses(cluster, VICTIM)
    cluster.deis("ps:scale", "web=15", "-a", busy.name)
    assert cluster.copies(busy.name)[VICTIM] != []
    asyncio.run(at_rest(cluster))


def test_a_host_is_lost_while_the_registry_is_away(cluster: Cluster, busy: App, seen: Seen) -> None:
    others = [host for host in cluster.names if host != VICTIM]
    operator(cluster, "cordon", *others)
    lonely = cluster.create().deploy("only here")
    operator(cluster, "uncordon", *others)
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        with kept_down(cluster, "registry"):
            began = moment()
            cluster.power_off(VICTIM)
            poll(lambda: whole_without(cluster, busy, VICTIM), 300, "six copies serve elsewhere")
            took = moment() - began
            traffic.settle(4.0)
            there = lonely.get()[0]
            why = cluster.deis("ps:explain", "-a", lonely.name).stdout
        back = moment()
        poll(lambda: lonely.get()[0] == 200, 120, "the other app serves")
        waited = moment() - back
    gaps = {router: round(traffic.longest_gap(router, began), 1) for router in ROUTERS}
    seen(f"full strength without the registry after {took:.1f} s, last failures after {gaps} s")
    waits = [line for line in why.splitlines() if line.startswith("error:")]
    seen(f"an app whose image was on the lost host only answered {there}: {waits}")
    seen(f"it served {waited:.1f} s after the registry might start")
    assert all(gap < 10 * (TTL + 2) for gap in gaps.values())
    cluster.heal()
    asyncio.run(at_rest(cluster))
    lonely.destroy()


def serves(cluster: Cluster, app: App, router: str) -> bool:
    return cluster.get_through(router, app.host)[0] == 200


def whole_without(cluster: Cluster, app: App, host: str) -> bool:
    """Whether six copies are published on other hosts."""
    found = cluster.etcd(f"/deis/services/{app.name}/").values()
    return [endpoint["host"] != host for endpoint in found].count(True) == 6


def operator(cluster: Cluster, verb: str, *hosts: str) -> None:
    for host in hosts:
        done = run([str(cluster.home / "bin" / "deisctl"), "hosts", verb, host])
        assert done.returncode == 0, done.stdout + done.stderr
