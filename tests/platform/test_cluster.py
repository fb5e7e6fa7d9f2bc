"""Several hosts on one machine: what is left of the platform when one of them is hurt, and what
operators and developers do to it under steady requests.

No request may fail that goes through a router which is alive. The client never tries again.
"""

import asyncio
import json
import shutil
import time
from collections.abc import Callable

import pytest

from tests.fixtures import deeds
from tests.fixtures.cluster import MACHINE, Cluster, running_cluster, steadily
from tests.fixtures.load import Load, wait_for
from tests.fixtures.platform import DEISCTL, App, leftovers, poll, run
from tests.fixtures.traffic import BESIDE_OTHERS, Traffic, moment
from tests.load.bench_endpoints import ended_and_started, placed
from tests.load.etcd_requests import KEEPALIVE, WATCH, requests

pytestmark = [pytest.mark.timeout(600), pytest.mark.long(500)]

FIFTY_A_SECOND = 0.02
ROUTERS = ("local-1", "local-2")
CONVERGED = 3.0
"""Seconds; ten times what 95 of 100 take at most."""
REVISIONS = 100
REQUESTS = 300
"""What a deploy of six copies may cost etcd, its own tests' questions included."""


def serves(cluster: Cluster, app: App, router: str) -> bool:
    return cluster.get_through(router, app.host)[0] == 200


def host_command(cluster: Cluster, *words: str) -> str:
    done = run([str(cluster.home / "bin" / "deisctl"), "local", "host", *words], timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_part_runs_on_its_host_and_is_told_of(cluster: Cluster) -> None:
    assert cluster.names == ["local-1", "local-2", "local-3"]
    assert cluster.alive() == cluster.names
    components = json.loads(cluster.up().stdout.splitlines()[-1])["components"]
    assert components.keys() == cluster.facts["components"].keys()
    assert all(facts["pid"] for facts in components.values())
    for host in cluster.names:
        for part in ("etcd", "containerd", "docker", "deis-control", "deis-node"):
            assert f"{part}@{host}" in cluster.components(host)
    assert [host for host in cluster.names if f"nginx@{host}" in components] == list(ROUTERS)
    roles = [record["roles"] for _, record in sorted(cluster.etcd("/deis/hosts/").items())]
    assert roles == [["control", "router"], ["control", "router"], ["control"]]
    again = json.loads(cluster.up().stdout.splitlines()[-1])
    assert again["components"] == components
    assert cluster.docker_on("local-2", "info", "--format", "{{.Name}}").strip() == "local-2"


def test_copies_are_spread_and_both_routers_lead_to_all_of_them(
    cluster: Cluster, spread: App
) -> None:
    assert [len(names) for names in cluster.copies(spread.name).values()] == [2, 2, 2]
    assert spread.get()[0] == 200
    for router in ROUTERS:
        steadily(lambda: serves(cluster, spread, router), 30, f"{router} serves")  # noqa: B023


def test_a_deploy_asks_little_of_etcd(cluster: Cluster, spread: App) -> None:
    before, revision = requests(cluster.etcd_urls), cluster.etcd_revision()
    spread.deploy("counted")
    poll(lambda: len(cluster.containers(spread.name)) == 6, 60, "six copies")
    asked, written = requests(cluster.etcd_urls) - before, cluster.etcd_revision() - revision
    print(f"a deploy of six copies: {dict(asked)}, revisions {written}")
    assert 0 < written < REVISIONS
    assert sum(count for kind, count in asked.items() if kind not in (KEEPALIVE, WATCH)) < REQUESTS


def test_both_routers_follow_a_copy_that_ends_and_starts_again(cluster: Cluster) -> None:
    app = cluster.create().deploy()
    for router in ROUTERS:
        steadily(lambda: serves(cluster, app, router), 30, f"{router} serves")  # noqa: B023
    for _ in range(3):
        times = asyncio.run(ended_and_started(cluster, placed(cluster, app)))
        assert times["ended → not served by either"] < CONVERGED, times
        assert times["ready → served by both"] < CONVERGED, times
    app.destroy()


def test_a_leader_that_is_killed_is_followed_by_the_next(cluster: Cluster, spread: App) -> None:
    host, term = cluster.leader()
    with Load(cluster.http_port, spread.host, FIFTY_A_SECOND) as load:
        wait_for(load, 50)
        cluster.kill(f"deis-control@{host}")
        poll(lambda: cluster.leader()[1] > term, 60, "another term")
        wait_for(load, len(load.requests) + 50)
    assert load.failures == []
    spread.deploy("after the leader")


def test_an_etcd_member_that_is_killed_costs_nothing(cluster: Cluster, spread: App) -> None:
    with Load(cluster.http_port, spread.host, FIFTY_A_SECOND) as load:
        wait_for(load, 50)
        cluster.keep_down("etcd@local-2")
        spread.deploy("without the member")
        cluster.let_up("etcd@local-2")
        wait_for(load, len(load.requests) + 50)
    assert load.failures == []


def test_a_host_that_hangs_for_a_moment_loses_nothing(cluster: Cluster, spread: App) -> None:
    before = cluster.copies(spread.name)
    pids = {name: cluster.pid(name) for name in cluster.facts["components"]}
    cluster.freeze("local-3")
    assert cluster.hosts.state("local-3") == "frozen"
    cluster.thaw("local-3")
    assert cluster.hosts.state("local-3") == "on"
    for router in ROUTERS:
        steadily(lambda: serves(cluster, spread, router), 60, f"{router} serves")  # noqa: B023
    assert cluster.copies(spread.name) == before
    assert {name: cluster.pid(name) for name in cluster.facts["components"]} == pids


def test_power_off_is_seen_by_nobody_and_on_again_is_another_boot(
    cluster: Cluster, spread: App
) -> None:
    def boot() -> str:
        return str(cluster.etcd("/deis/hosts/local-1")["/deis/hosts/local-1"]["boot_id"])

    before = boot()
    cluster.power_off("local-1")
    listed = host_command(cluster, "list").splitlines()
    assert [line.split()[2] for line in listed] == ["state", "off", "on", "on"]
    assert [cluster.pid(name) for name in cluster.components("local-1")] == [0] * 6
    poll(lambda: cluster.alive() == ["local-2", "local-3"], 60, "its lease ends")
    steadily(lambda: serves(cluster, spread, "local-2"), 60, "the other router serves")
    steadily(lambda: spread.get()[0] == 200, 60, "the relay leads to it")
    again = json.loads(cluster.up().stdout.splitlines()[-1])
    assert again["components"]["etcd@local-1"]["pid"] is None
    deis_answers_at_once(cluster, spread, "local-2")
    spread.deploy("without local-1")
    logs_say_what_is_missing(cluster, spread, "local-1")
    cluster.power_on("local-1")
    poll(lambda: cluster.alive() == cluster.names, 60, "it is back")
    assert boot() != before
    for router in ROUTERS:
        steadily(lambda: serves(cluster, spread, router), 60, f"{router} serves")  # noqa: B023
    poll(lambda: len(cluster.containers(spread.name)) == 6, 60, "six copies")
    spread.deploy("after the power cut")


def deis_answers_at_once(cluster: Cluster, app: App, router: str) -> None:
    """The controllers are asked through a router as if none had ever been on a lost host."""
    name = "deis." + app.host.partition(".")[2]
    began = moment()
    for _ in range(20):
        assert cluster.get_through(router, name, "/healthz")[0] == 200
    # If each of them waited for a silent controller, it would take 40 s (`connect_timeout`).
    assert moment() - began < 20


def logs_say_what_is_missing(cluster: Cluster, app: App, lost: str) -> None:
    """The log has what was deployed without the host, and says whose lines it has not."""

    def there() -> bool:
        text = cluster.deis("logs", "-a", app.name).stdout
        return f"lines that are kept on {lost} are missing" in text and "deployed" in text

    poll(there, 120, "the log")


def test_a_host_without_network_leaves_the_rest_serving(cluster: Cluster, spread: App) -> None:
    host_command(cluster, "cut", "local-3")
    assert cluster.hosts.state("local-3") == "cut"
    poll(lambda: cluster.alive() == ["local-1", "local-2"], 60, "its lease ends")
    for router in ROUTERS:
        steadily(lambda: serves(cluster, spread, router), 60, f"{router} serves")  # noqa: B023
    host_command(cluster, "join", "local-3")
    poll(lambda: cluster.alive() == cluster.names, 60, "it is back")
    spread.deploy("after the cut")


def test_a_partition_cuts_published_ports_as_well(cluster: Cluster, spread: App) -> None:
    def reaches(source: str, target: str) -> bool:
        address = endpoint(cluster, spread, target)
        words = ["curl", "--noproxy", "*", "-s", "-o", "/dev/null", "-m", "2"]
        inside = cluster.hosts.site(source).network
        assert inside is not None
        return run(inside.enter([*words, f"http://{address}/"])).returncode == 0

    assert reaches("local-1", "local-2")
    cluster.partition("local-1", ["local-2"])
    assert not reaches("local-1", "local-2")
    assert not reaches("local-2", "local-1")
    assert reaches("local-3", "local-1")
    assert reaches("local-3", "local-2")
    cluster.heal()
    assert reaches("local-1", "local-2")
    assert reaches("local-2", "local-1")


def endpoint(cluster: Cluster, app: App, host: str) -> str:
    """`ip:port` of one of the app's copies on a host."""
    address = cluster.address(host)
    found = [item["address"] for item in cluster.etcd(f"/deis/services/{app.name}/").values()]
    return next(item for item in found if item.startswith(address + ":"))


def test_loss_is_one_way_or_of_some_packets_only(cluster: Cluster) -> None:
    def answered(source: str, target: str, times: int, patience: float = 3) -> int:
        inside = cluster.hosts.site(source).network
        assert inside is not None
        url = f"http://{cluster.address(target)}:{cluster.http_port}/health-check"
        words = ["curl", "--noproxy", "*", "-s", "-o", "/dev/null", "-m", str(patience), url]
        return sum(run(inside.enter(words)).returncode == 0 for _ in range(times))

    cluster.one_way_loss("local-3", "local-1")
    assert answered("local-3", "local-1", 2) == 0
    assert answered("local-3", "local-2", 2) == 2
    cluster.heal()
    cluster.lossy(30, "local-2")
    # What is lost is sent again after a second.
    some = answered("local-3", "local-2", 40, patience=0.3)
    assert 0 < some < 40
    cluster.heal()
    assert answered("local-3", "local-2", 5) == 5


def test_a_slow_wire_holds_what_a_host_sends_and_what_it_is_sent(cluster: Cluster) -> None:
    def took(router: str) -> float:
        began = time.monotonic()
        assert cluster.get_through(router, "nobody.localhost", "/health-check")[0] == 200
        return time.monotonic() - began

    cluster.delay("local-2", 0.3)
    # A connection and an answer: twice there and back.
    assert took("local-2") > 4 * 0.3
    assert took("local-1") < 4 * 0.3
    cluster.heal()
    assert took("local-2") < 4 * 0.3


def test_a_full_disk_is_one_hosts_own_trouble(cluster: Cluster, spread: App) -> None:
    cluster.fill_disk("local-3")
    root = cluster.hosts.site("local-3").root
    with pytest.raises(OSError, match="No space"):
        (root / "one-more").write_bytes(bytes(8192))
    assert shutil.disk_usage(cluster.hosts.site("local-1").root).free > 0
    for router in ROUTERS:
        steadily(lambda: serves(cluster, spread, router), 60, f"{router} serves")  # noqa: B023
    cluster.heal()
    (root / "one-more").unlink(missing_ok=True)
    spread.deploy("there is room again")


def test_a_clock_that_jumped_stops_no_deploy(cluster: Cluster, spread: App) -> None:
    host, _ = cluster.leader()
    cluster.clock_jump(f"deis-control@{host}", 7200)
    cluster.clock_jump("deis-node@local-3", -7200)
    spread.deploy("at whatever time")
    for router in ROUTERS:
        steadily(lambda: serves(cluster, spread, router), 60, f"{router} serves")  # noqa: B023


def test_a_host_cut_off_from_the_services_beside_the_cluster_goes_on_serving(
    cluster: Cluster, spread: App
) -> None:
    cluster.partition("local-1", [MACHINE])
    assert cluster.hosts.state("local-1") == "on"
    steadily(lambda: spread.get()[0] == 200, 60, "the relay leads to the other router")
    inside = cluster.hosts.site("local-2").network
    assert inside is not None
    url = f"http://{cluster.address('local-1')}:{cluster.http_port}/"
    words = ["curl", "--noproxy", "*", "-sf", "-m", "5", "-H", f"Host: {spread.host}", url]
    assert run(inside.enter(words)).returncode == 0


def test_down_ends_hosts_in_whatever_state_and_leaves_nothing() -> None:
    with running_cluster(2, "--no-sample") as cluster:
        old = cluster.kill("supervisor")
        cluster.up()
        assert cluster.pid("supervisor") not in (0, old)
        cluster.freeze("local-1")
        cluster.power_off("local-2")
        down = [str(DEISCTL), "local", "down", "--home", str(cluster.home)]
        done = run(down, timeout=150)
        assert done.returncode == 0, done.stdout + done.stderr
        # The disks stay, with all that is on them.
        disks = [f" {cluster.home}/hosts/{name} " for name in cluster.names]
        left = [line for line in leftovers(cluster.home) if line != str(cluster.home)]
        assert [line for line in left if not any(disk in line for disk in disks)] == []
        again = json.loads(cluster.up().stdout.splitlines()[-1])
        assert all(facts["pid"] for facts in again["components"].values())


@pytest.mark.parametrize(
    "happens",
    [
        deeds.deploys,
        deeds.scales,
        deeds.restarts,
        deeds.rolls_back,
        deeds.drains_and_rebalances,
        deeds.loses_its_leader,
        deeds.loses_agents,
        deeds.upgrades_agents,
        deeds.loses_the_leader_of_etcd,
    ],
)
def test_no_request_fails_while_a_cluster(
    cluster: Cluster, spread: App, happens: Callable[[Cluster, App], None]
) -> None:
    traffic = Traffic(cluster, spread.host, list(ROUTERS), BESIDE_OTHERS)
    with traffic.flows():
        happens(cluster, spread)
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]
