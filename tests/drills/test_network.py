"""A network that loses packets, in one direction or by chance, or takes its time; and name servers
that are dead.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.fixtures import faults
from tests.fixtures.cluster import Cluster
from tests.fixtures.host_faults import forget_losses
from tests.fixtures.invariants import at_rest
from tests.fixtures.leading import lead_etcd, leaders
from tests.fixtures.platform import App, poll
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Traffic, busy_app, moment

pytestmark = pytest.mark.timeout(900)

ROUTERS = ("local-1", "local-2")
Term = tuple[str, int]
"""A leader and its epoch."""
MINUTE = 60.0
DELAY = 0.15
"""Seconds that a packet takes longer, each way: an answer comes 300 ms later."""


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts, also when drills before this one have lost some."""
    for host in set(cluster.names) - set(ROUTERS):
        forget_losses(cluster, host)
    with busy_app(cluster) as app:
        yield app


@pytest.mark.parametrize(("source", "target"), [("local-3", "local-1"), ("local-1", "local-3")])
def test_what_one_host_sends_to_another_is_lost(
    cluster: Cluster, busy: App, seen: Seen, source: str, target: str
) -> None:
    leading, copies = leaders(cluster), cluster.copies(busy.name)
    assert all(copies.values())
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        cluster.one_way_loss(source, target)
        began = moment()
        time.sleep(MINUTE)
        alive = cluster.alive()
        cluster.deis("config:set", "LOSS=one-way", "-a", busy.name)
        changed = moment() - began - MINUTE
        cluster.heal()
        asyncio.run(at_rest(cluster))
        traffic.settle(4.0)
    # Requests that were under way at that moment wait for an answer that is lost.
    late = {router: traffic.failures(router, after=began) for router in ROUTERS}
    count = {router: len(traffic.failures(router)) for router in ROUTERS}
    seen(f"from {source} to {target}, leading {sorted(leading)}, copies {_counts(copies)}")
    seen(f"hosts alive after a minute: {alive}; a change took {changed:.1f} s")
    seen(f"failed requests {count}, of those begun after the loss {_counts(late)}")
    assert late == {router: [] for router in ROUTERS}


def test_one_packet_of_twenty_is_lost(cluster: Cluster, busy: App, seen: Seen) -> None:
    led = cluster.leader()
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        began = moment()
        cluster.lossy(5)
        alive, terms = _watched(cluster, began + MINUTE, led=led)
        busy.deploy("with losses")
        changed = moment() - began - MINUTE
        cluster.heal()
        asyncio.run(at_rest(cluster))
    slowest = max(item.ended - item.started for item in traffic.loads[ROUTERS[0]][0].requests)
    count = {router: len(traffic.failures(router)) for router in ROUTERS}
    seen(f"always alive {sorted(alive)}, terms {len(terms)}, a push took {changed:.1f} s")
    seen(f"failed requests {count}, the slowest took {slowest:.1f} s")
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]


def _watched(cluster: Cluster, until: float, *, led: Term) -> tuple[set[str], set[Term]]:
    """The hosts that held their lease at every look until a moment, and all terms since one."""
    alive, terms = set(cluster.names), {led}
    while moment() < until:
        alive &= set(cluster.alive())
        terms.add(cluster.leader())
        time.sleep(0.5)
    return alive, terms


@pytest.mark.parametrize(
    ("host", "delay"), [("local-3", DELAY), ("local-1", DELAY), ("local-3", 2 * DELAY)]
)
def test_all_packets_of_a_host_come_late(
    cluster: Cluster, busy: App, seen: Seen, host: str, delay: float
) -> None:
    lead_etcd(cluster, host)
    leading, copies = leaders(cluster), cluster.copies(busy.name)
    led = cluster.leader()
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        cluster.delay(host, delay)
        began = moment()
        alive, terms = _watched(cluster, began + MINUTE, led=led)
        busy.deploy("with delays")
        changed = moment() - began - MINUTE
        slow = [_median(traffic, router, began) for router in ROUTERS]
        cluster.heal()
        asyncio.run(at_rest(cluster))
    count = {router: len(traffic.failures(router)) for router in ROUTERS}
    seen(
        f"{host} is late by {2 * delay:.1f} s, leading {sorted(leading)}, copies {_counts(copies)}"
    )
    seen(f"always alive {sorted(alive)}, terms {len(terms)}, a push took {changed:.1f} s")
    seen(f"median request by router {slow[0]:.2f} s, {slow[1]:.2f} s; failed {count}")
    assert host not in ROUTERS or slow[ROUTERS.index(host)] > 2 * delay
    assert alive == set(cluster.names)
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]


def _median(traffic: Traffic, router: str, began: float) -> float:
    """Seconds that a request for the page took since a moment."""
    asked = traffic.loads[router][0].started_after(began)
    return statistics.median(item.ended - item.started for item in asked)


def test_nobody_answers_for_names(cluster: Cluster, busy: App, seen: Seen) -> None:
    networks = {host: cluster.hosts.site(host).network for host in cluster.names}
    for network in networks.values():
        assert network is not None
        faults.drop_questions(network)
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        for part in ("deis-node", "deis-control"):
            for host in cluster.names:
                cluster.restart(f"{part}@{host}")
        poll(lambda: cluster.leader()[0] != "", 60, "somebody leads")
        began = moment()
        busy.deploy("without names")
        took = moment() - began
        cluster.deis("ps:scale", "web=8", "-a", busy.name)
        cluster.deis("run", "true", "-a", busy.name)
    asked = {host: faults.lost(network) for host, network in networks.items() if network}
    cluster.heal()
    asyncio.run(at_rest(cluster))
    seen(f"questions that hosts asked a name server: {asked}; a push took {took:.1f} s")
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]


def _counts(found: Mapping[str, Sequence[object]]) -> dict[str, int]:
    return {name: len(items) for name, items in found.items()}
