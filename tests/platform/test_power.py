"""Hosts of a cluster that lose their power under steady requests, those that lead among them.

In a file of its own, with a cluster of its own: of the tests in `test_cluster` some lose the same
hosts, see `fixtures/spread`.
"""

from functools import partial

import pytest

from tests.fixtures import deeds
from tests.fixtures.cluster import Cluster
from tests.fixtures.leading import leaders
from tests.fixtures.platform import App, poll
from tests.fixtures.traffic import BESIDE_OTHERS, Traffic, moment

pytestmark = [pytest.mark.timeout(600), pytest.mark.long(100)]

ROUTERS = ("local-1", "local-2")
TTL = 10.0
"""Of a host's lease, in seconds."""
TAKEOVER = 7.0
"""Seconds until another control plane leads, as is promised."""


@pytest.mark.parametrize("leads", [False, True])
def test_a_host_that_loses_power_is_replaced(cluster: Cluster, spread: App, leads: bool) -> None:
    leading, (leader, term) = leaders(cluster), cluster.leader()
    # Of those that lead something the platform's host, for another one must lead it soon.
    victim = leader if leads else next(n for n in reversed(cluster.names) if n not in leading)
    routers = [name for name in ROUTERS if name != victim]
    traffic = Traffic(cluster, spread.host, routers, BESIDE_OTHERS)
    patience, strength = (2 * TTL + 5, 2 * TTL + 10) if leads else (TTL + 2, TTL + 5)
    with traffic.flows():
        began = moment()
        cluster.power_off(victim)
        if leads:
            poll(lambda: cluster.leader()[1] > term, 10 * TAKEOVER, "another one leads")
            print(f"another one leads after {moment() - began:.1f} s")
        whole = partial(deeds.serve_elsewhere, cluster, spread, victim)
        poll(whole, 10 * strength, "six copies serve")
        serve = moment()
        traffic.settle(4.0)
    gaps = {router: round(traffic.longest_gap(router, began), 1) for router in routers}
    print(f"power off, leading {leads}: whole after {serve - began:.1f} s, last failures {gaps}")
    assert all(gap < 10 * patience for gap in gaps.values()), gaps
    assert [traffic.failures(router, after=serve) for router in routers] == [[]] * len(routers)
