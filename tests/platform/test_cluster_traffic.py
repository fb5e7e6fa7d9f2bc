"""What operators and developers do to a cluster, and what breaks in it, under steady requests.

No request may fail that goes through a router which is alive. The client never tries again.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.fixtures.cluster import Cluster
from tests.fixtures.platform import App, poll, run
from tests.fixtures.traffic import Traffic, make_app, moment

pytestmark = [pytest.mark.timeout(600), pytest.mark.long]

ROUTERS = ["local-1", "local-2"]
TTL = 10.0
"""Of a host's lease, in seconds."""
DEPLOYS = 10


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    app = make_app(cluster)
    yield app
    cluster.heal()
    app.destroy()


def deisctl(cluster: Cluster, *words: str) -> str:
    done = run([str(cluster.home / "bin" / "deisctl"), "hosts", *words], timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def deploys(cluster: Cluster, app: App) -> None:
    for number in range(DEPLOYS):
        app.deploy(f"deploy {number}")


def scales(cluster: Cluster, app: App) -> None:
    for count in (12, 3, 6):
        cluster.deis("ps:scale", f"web={count}", "-a", app.name)
        poll(lambda n=count: len(cluster.containers(app.name)) == n, 90, f"{count} copies")  # type: ignore[misc]


def restarts(cluster: Cluster, app: App) -> None:
    cluster.deis("ps:restart", "-a", app.name)


def rolls_back(cluster: Cluster, app: App) -> None:
    app.deploy("to be undone")
    cluster.deis("rollback", "-a", app.name)


def drains_and_rebalances(cluster: Cluster, app: App) -> None:
    deisctl(cluster, "drain", "local-3", "--wait")
    assert cluster.copies(app.name)["local-3"] == []
    deisctl(cluster, "undrain", "local-3")
    deisctl(cluster, "rebalance")
    poll(lambda: len(cluster.copies(app.name)["local-3"]) == 2, 120, "copies on every host")
    poll(lambda: len(cluster.containers(app.name)) == 6, 90, "six copies")


def loses_its_leader(cluster: Cluster, app: App) -> None:
    host, term = cluster.leader()
    cluster.kill(f"deis-control@{host}")
    poll(lambda: cluster.leader()[1] > term, 60, "another term")


def loses_agents(cluster: Cluster, app: App) -> None:
    for host in cluster.names:
        cluster.restart(f"deis-node@{host}")


def loses_the_leader_of_etcd(cluster: Cluster, app: App) -> None:
    cluster.restart(f"etcd@{etcd_leader(cluster)}")


@pytest.mark.parametrize(
    "happens",
    [
        deploys,
        scales,
        restarts,
        rolls_back,
        drains_and_rebalances,
        loses_its_leader,
        loses_agents,
        loses_the_leader_of_etcd,
    ],
)
def test_no_request_fails_while_a_cluster(
    cluster: Cluster, busy: App, happens: Callable[[Cluster, App], None]
) -> None:
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        happens(cluster, busy)
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]


@pytest.mark.parametrize("leads", [False, True])
def test_a_host_that_loses_power_is_replaced(cluster: Cluster, busy: App, leads: bool) -> None:
    leaders = {cluster.leader()[0], etcd_leader(cluster)}
    victim = next(name for name in reversed(cluster.names) if (name in leaders) == leads)
    routers = [name for name in ROUTERS if name != victim]
    traffic = Traffic(cluster, busy.host, routers)
    patience = 2 * TTL + 5 if leads else TTL + 2
    with traffic.flows():
        began = moment()
        cluster.power_off(victim)
        poll(lambda: _whole(cluster, busy, victim), 10 * (patience + 5), "six copies serve")
        took = moment() - began
        traffic.settle(200)
    gaps = {router: traffic.longest_gap(router, began) for router in routers}
    print(f"power off, leading {leads}: full strength after {took:.1f} s, last failures {gaps}")
    assert all(gap < 10 * patience for gap in gaps.values()), gaps
    cluster.power_on(victim)
    poll(lambda: len(cluster.containers(busy.name)) == 6, 120, "nothing runs twice")


def _whole(cluster: Cluster, app: App, without: str) -> bool:
    """Whether as many copies as wanted are published on other hosts."""
    found = cluster.etcd(f"/deis/services/{app.name}/").values()
    return sum(endpoint["host"] != without for endpoint in found) == 6


def etcd_leader(cluster: Cluster) -> str:
    """The host of the member that leads, once there is one."""
    found: list[str] = []

    def known() -> bool:
        found[:] = _leading_members(cluster)
        return len(found) == 1

    poll(known, 60, "etcd has a leader")
    return found[0]


def _leading_members(cluster: Cluster) -> list[str]:
    leading = []
    for host in cluster.names:
        if cluster.hosts.state(host) != "on":
            continue
        url = "http://" + str(cluster.facts["components"][f"etcd@{host}"]["address"])
        words = ["etcdctl", "--endpoints", url, "endpoint", "status", "-w", "json"]
        for member in json.loads(run(words, ETCDCTL_API="3").stdout or "[]"):
            status = member["Status"]
            if status["header"]["member_id"] == status.get("leader"):
                leading.append(host)
    return leading
