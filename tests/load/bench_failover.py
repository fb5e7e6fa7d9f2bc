"""What requests notice of what developers, operators and faults do to a cluster of three hosts.

An app of six copies; 200 requests a second through two routers, half of them on kept connections,
and through each router one more a second that takes 5 s. Nobody tries again; whatever is not
answered 200 has failed. Then the power-off of hosts, the clients on the router that is left, and
how long nobody leads when the leading control plane is killed or loses its power.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from deis_control.scheduler.liveness import FLAPS
from tests.fixtures import deeds
from tests.fixtures.cluster import Cluster, running_cluster
from tests.fixtures.leading import lead_etcd
from tests.fixtures.platform import App, poll
from tests.fixtures.traffic import Traffic, busy_app, moment

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
"""Of what is a matter of seconds: power-offs of either kind, and takeovers."""
DEPLOYS = 10
ROUTERS = ["local-1", "local-2"]
NEITHER, ROUTER = "leads neither", "leads neither, has a router"
PLATFORM, ETCD, BOTH = "leads the platform", "leads etcd", "leads both"
ROLES = (NEITHER, ROUTER, PLATFORM, ETCD, BOTH)
"""Of the hosts that lose their power."""
OFTEN = 0.02


@dataclass(frozen=True)
class PowerOff:
    """What came of one, in seconds from it."""

    role: str
    whole: float
    """Until six copies were published on other hosts."""
    failed: int
    """Requests started after it that failed."""
    last: float
    """When the last of these was started; 0 for none."""
    led: float
    """Until another control plane led; 0 when the one that did was not there."""


def ten_deploys(cluster: Cluster, app: App) -> None:
    """As many as the promise says."""
    deeds.deploys(cluster, app, DEPLOYS)


DEEDS: dict[str, Callable[[Cluster, App], None]] = {
    f"{DEPLOYS} deploys": ten_deploys,
    "scale 6 → 12 → 3 → 6": deeds.scales,
    "rolling restart": deeds.restarts,
    "deploy and rollback": deeds.rolls_back,
    "drain of a host, then rebalance": deeds.drains_and_rebalances,
    "kill -9 of the leading control plane": deeds.loses_its_leader,
    "kill -9 of the agent on every host": deeds.loses_agents,
    "upgrade of the agent on every host, and back": deeds.upgrades_agents,
    "kill -9 of etcd's leader": deeds.loses_the_leader_of_etcd,
}


def main() -> None:
    """Print the tables in Markdown."""
    began = time.monotonic()
    with running_cluster(3, "--no-sample") as cluster:
        print(f"three hosts came up in {time.monotonic() - began:.1f} s", flush=True)
        with busy_app(cluster) as app:
            print("\n| | s | requests | a second | failed |\n|---|---|---|---|---|")
            for name, deed in DEEDS.items():
                print(f"| {name} | {under_requests(cluster, app, deed)} |", flush=True)
            gone = sorted(takeover(cluster) for _ in range(RUNS))
    offs = [off for role in ROLES for off in power_offs(role)]
    print(
        "\n| power off | another leads, s | full strength, s | failed | the last one started, s |"
        "\n|---|---|---|---|---|"
    )
    for off in offs:
        print(f"| {off.role} | {off.led:.1f} | {off.whole:.1f} | {off.failed} | {off.last:.1f} |")
    print(f"\ntakeover after kill -9, s: {', '.join(f'{seconds:.1f}' for seconds in gone)}")


def under_requests(cluster: Cluster, app: App, deed: Callable[[Cluster, App], None]) -> str:
    """One row: seconds, requests, how many a second, failed ones."""
    traffic = Traffic(cluster, app.host, ROUTERS)
    with traffic.flows():
        began = moment()
        deed(cluster, app)
        seconds = moment() - began
        all_loads = [load for loads in traffic.loads.values() for load in loads]
        rate = sum(len(load.started_after(began)) for load in all_loads) / seconds
    requests = sum(len(load.requests) for load in all_loads)
    return f"{seconds:.1f} | {requests} | {rate:.0f} | {len(traffic.all_failures())}"


def arranged(cluster: Cluster, role: str) -> str:
    """The host of that role, which is arranged by who leads etcd."""
    platform = cluster.leader()[0]
    others = [name for name in cluster.names if name != platform]
    victim, etcd = {
        NEITHER: (others[-1], platform),
        ROUTER: (next(name for name in others if name in ROUTERS), platform),
        PLATFORM: (platform, others[-1]),
        ETCD: (others[-1], others[-1]),
        BOTH: (platform, platform),
    }[role]
    lead_etcd(cluster, etcd)
    return victim


def power_offs(role: str) -> list[PowerOff]:
    """On a cluster of their own: a host that is lost more often than that counts as flapping."""
    assert RUNS <= FLAPS
    with running_cluster(3, "--no-sample") as cluster, busy_app(cluster) as app:
        return [power_off(cluster, app, role) for _ in range(RUNS)]


def power_off(cluster: Cluster, app: App, role: str) -> PowerOff:
    """Pull the plug of a host, and put it back when all that is promised has come."""
    victim, (leader, term) = arranged(cluster, role), cluster.leader()
    # What an earlier one moved away comes back, or there would be nothing to lose.
    deeds.hosts(cluster, "rebalance")
    poll(lambda: len(cluster.copies(app.name)[victim]) >= 2, 120, "copies to lose")
    traffic = Traffic(cluster, app.host, [name for name in ROUTERS if name != victim])
    with traffic.flows():
        began = moment()
        cluster.power_off(victim)
        led = took(began, lambda: cluster.leader()[1] > term) if leader == victim else 0.0
        whole = took(began, partial(deeds.serve_elsewhere, cluster, app, victim))
        traffic.settle(4.0)
    failed = [item.started - began for item in traffic.all_failures() if item.started > began]
    cluster.power_on(victim)
    poll(lambda: len(cluster.containers(app.name)) == deeds.WEB, 120, "nothing runs twice")
    return PowerOff(role, whole, len(failed), max(failed, default=0.0), led)


def takeover(cluster: Cluster) -> float:
    """Seconds from the death of the control plane that leads to the next term."""
    host, term = cluster.leader()
    began = moment()
    old = cluster.kill(f"deis-control@{host}")
    seconds = took(began, lambda: cluster.leader()[1] > term)
    cluster.wait_back(f"deis-control@{host}", old)
    return seconds


def took(began: float, done: Callable[[], bool]) -> float:
    """Seconds from a moment until something is true."""
    while not done():
        time.sleep(OFTEN)
    return moment() - began


if __name__ == "__main__":
    main()
