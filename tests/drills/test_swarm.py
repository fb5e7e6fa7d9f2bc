"""What Docker Swarm's managers suffer, and hosts that it runs copies on."""

from collections.abc import Iterator

import pytest

from deis_cli.deisctl.local.swarm import PORT
from deis_node.cluster.records import SWARM
from tests.fixtures import deeds, faults, invariants
from tests.fixtures.cluster import Cluster, running_cluster
from tests.fixtures.leading import swarm_leader
from tests.fixtures.platform import App, poll
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Traffic, busy_app, count, moment

pytestmark = pytest.mark.timeout(1200)

ROUTERS = ["local-1", "local-2"]
COPIES = 6


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    with running_cluster(3, "--no-sample", "--engine", "swarm") as cluster:
        yield cluster


@pytest.fixture
def swarm(made: Cluster) -> Iterator[Cluster]:
    """Three hosts whose engines are a Swarm; healed after each drill."""
    yield made
    made.heal()


@pytest.fixture
def busy(swarm: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts, all of them Swarm's."""
    with busy_app(swarm, COPIES) as app:
        placed = swarm.etcd("/deis/placements/").values()
        assert {item["engine"] for item in placed if item["app"] == app.name} == {SWARM}
        yield app


def elsewhere(cluster: Cluster, app: App, victim: str) -> bool:
    """Whether all copies are published, none of them on the host."""
    found = cluster.etcd(f"/deis/services/{app.name}/").values()
    return [item["host"] != victim for item in found] == [True] * COPIES


async def test_the_host_of_the_manager_that_leads_loses_its_power(
    swarm: Cluster, busy: App, seen: Seen
) -> None:
    victim = swarm_leader(swarm)
    routers = [name for name in ROUTERS if name != victim]
    traffic = Traffic(swarm, busy.host, routers)
    with traffic.flows():
        began = moment()
        swarm.power_off(victim)
        poll(lambda: elsewhere(swarm, busy, victim), 600, "all copies are published elsewhere")
        seen(f"full strength {moment() - began:.1f} s after {victim} lost its power")
        traffic.settle(4.0)
    gaps = [round(traffic.longest_gap(router, began), 1) for router in routers]
    seen(f"last failed request through a router that lives started after {gaps} s")
    swarm.power_on(victim)
    seen(f"{swarm_leader(swarm)} leads the managers now")
    await invariants.at_rest(swarm)


async def test_managers_without_a_quorum_cost_no_request_and_copies_wait(
    swarm: Cluster, busy: App, seen: Seen
) -> None:
    traffic = Traffic(swarm, busy.host, ROUTERS)
    with traffic.flows():
        for site in map(swarm.hosts.site, swarm.names):
            assert site.network is not None
            faults.drop_service(site.network, PORT)
        failed = swarm.deis("config:set", "A=1", "-a", busy.name, check=False)
        assert failed.returncode != 0
        seen(f"a deploy ends with: {(failed.stdout + failed.stderr).strip().splitlines()[-1]}")
        logged = swarm.deis("logs", "-n", "1000000", "-a", busy.name).stdout
        told = [line for line in logged.splitlines() if "Docker Swarm cannot run" in line]
        assert told
        seen(f"the app's log says: {told[-1]}")
        began = moment()
        for site in map(swarm.hosts.site, swarm.names):
            assert site.network is not None
            faults.forget(site.network)
        swarm.deis("config:set", "A=2", "-a", busy.name)
        seen(f"the next deploy was done {moment() - began:.1f} s after they could talk again")
    failures = [traffic.failures(router) for router in ROUTERS]
    seen(f"{sum(map(len, failures))} requests failed")
    assert failures == [[], []]
    await invariants.at_rest(swarm)


async def test_a_host_that_is_cut_off_for_long_comes_back(
    swarm: Cluster, busy: App, seen: Seen
) -> None:
    victim = "local-3"
    traffic = Traffic(swarm, busy.host, ROUTERS)
    with traffic.flows():
        began = moment()
        swarm.partition(victim)
        poll(lambda: elsewhere(swarm, busy, victim), 600, "all copies are published elsewhere")
        seen(f"full strength {moment() - began:.1f} s after {victim} was cut off")
        joined = moment()
        swarm.hosts.join(victim)
        await invariants.at_rest(swarm)
        seen(f"at rest {moment() - joined:.1f} s after it was joined again")
    for router in ROUTERS:
        after = [item for item in traffic.failures(router) if item.started > joined]
        gap = traffic.longest_gap(router, began)
        seen(f"{router}: {len(after)} requests failed after that, the last of all at {gap:.1f} s")
        assert after == []


async def test_a_host_is_drained_and_the_cluster_rebalanced(
    swarm: Cluster, busy: App, seen: Seen
) -> None:
    traffic = Traffic(swarm, busy.host, ROUTERS)
    with traffic.flows():
        began = moment()
        deeds.drains_and_rebalances(swarm, busy)
        seen(f"a host was empty, and had its copies again, within {moment() - began:.1f} s")
        await invariants.at_rest(swarm)
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert traffic.all_failures() == []
    placed = swarm.etcd("/deis/placements/").values()
    assert {item["engine"] for item in placed if item["app"] == busy.name} == {SWARM}
