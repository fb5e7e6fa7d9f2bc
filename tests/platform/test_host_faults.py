"""What a cluster keeps of its promises while a host is cut off, and after all have lost power.

After each of these everything is again as it should be: tests/fixtures/invariants.py.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from deis_cli.deisctl.local.sites import published_ports
from tests.fixtures.cluster import Cluster, steadily
from tests.fixtures.docker_events import recorded
from tests.fixtures.host_faults import cut_from_store, kept_down, own_settings, running_copies
from tests.fixtures.invariants import at_rest
from tests.fixtures.leading import leaders
from tests.fixtures.load import Load, wait_for
from tests.fixtures.platform import App, poll, run
from tests.fixtures.seeds import SEED
from tests.fixtures.traffic import moment

pytestmark = [pytest.mark.timeout(600), pytest.mark.long(190)]

ROUTERS = ("local-1", "local-2")
FIFTY_A_SECOND = 0.02
WORKER = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"
PORTS = 9
"""As many host ports have hosts where they are scarce."""

Make = Callable[[], App]


@pytest.fixture
def make(cluster: Cluster) -> Iterator[Make]:
    """Deploys an app with one web process, and a worker type that nobody has scaled yet."""
    made: list[App] = []

    def deployed() -> App:
        app = cluster.create()
        made.append(app)
        app.write("Procfile", f"web: exec /app/serve\nworker: {WORKER}\n")
        return app.deploy(app.name)

    yield deployed
    cluster.heal()
    for app in made:
        app.destroy()


def test_while_the_host_of_a_single_worker_is_cut_off_there_are_never_two(
    cluster: Cluster, make: Make
) -> None:
    app = make()
    cluster.deis("config:set", "DEIS_SINGLE=worker", "DEIS_STOP_GRACE=1", "-a", app.name)
    # A lead that changes hands as well takes longer, and is another test's.
    leading = leaders(cluster)
    on_hosts(cluster, "cordon", leading)
    cluster.deis("ps:scale", "worker=1", "-a", app.name)
    on_hosts(cluster, "uncordon", leading)
    (lost,) = hosts_of(cluster, app, "worker")
    with recorded(cluster, app) as recording:
        cluster.partition(lost)
        poll(lambda: hosts_of(cluster, app, "worker") not in ([], [lost]), 300, "made again")
        cluster.heal()
        asyncio.run(at_rest(cluster))
        (heir,) = hosts_of(cluster, app, "worker")
    assert heir != lost
    assert recording.most_at_once("worker.1") == 1
    assert [item.host for item in recording.of("worker.1") if item.action == "die"] == [lost]


def test_all_hosts_lose_their_power_and_come_back_in_any_order_without_the_database(
    cluster: Cluster, make: Make
) -> None:
    app = make()
    cluster.deis("ps:scale", "web=6", "worker=2", "-a", app.name)
    chance = random.Random(SEED)
    off, on = (chance.sample(cluster.names, 3) for _ in range(2))
    print(f"seed {SEED}: off {off}, on {on}")
    with kept_down(cluster, "postgres"):
        for host in off:
            cluster.power_off(host)
        for host in on:
            cluster.hosts.on(host)
        for router in ROUTERS:
            poll(lambda: serves(cluster, app, router), 120, f"{router} serves")  # noqa: B023
        poll(lambda: running_copies(cluster, app) == 8, 120, "every copy runs")
    asyncio.run(at_rest(cluster))
    for router in ROUTERS:
        steadily(lambda: serves(cluster, app, router), 60, f"{router} serves")  # noqa: B023
    app.deploy("after the dark")


def test_a_router_that_is_cut_off_serves_what_it_knew_and_nobody_elses_copies(
    cluster: Cluster, make: Make
) -> None:
    leading = leaders(cluster)
    cut = next((name for name in ROUTERS if name not in leading), ROUTERS[0])
    (well,) = (name for name in ROUTERS if name != cut)
    others = [name for name in cluster.names if name != cut]
    with scarce_ports(cluster, others):
        app, greedy = make(), make()
        cluster.deis("ps:scale", "web=6", "-a", app.name)
        with (
            recorded(cluster, app) as mine,
            recorded(cluster, greedy) as its,
            through(cluster, app, cut) as old,
            through(cluster, app, well) as new,
        ):
            wait_for(old, 50)
            cut_from_store(cluster, cut)
            poll(lambda: cluster.alive() == others, 60, "its lease ends")
            cluster.deis("config:set", "A=1", "-a", app.name)
            poll(lambda: "_v3." in new.requests[-1].body, 60, "the other serves the new release")
            poll(lambda: not old_copies(cluster, app, others), 300, "the old ones have ended")
            ended = moment()
            said = cluster.deis("ps:scale", "web=12", "-a", greedy.name, check=False)
            assert said.returncode != 0
            assert "no host port is free" in said.stdout + said.stderr
            for load in (old, new):
                wait_for(load, len(load.requests) + 100)
            cluster.heal()
            poll(lambda: "_v3." in old.requests[-1].body, 60, "it serves the new release too")
        assert new.failures == []
        # Nobody waits for what is under way through a router that counts no more; but it loses
        # nothing when it is back, and while it leads to copies that have ended.
        assert [item for item in old.failures if item.status != 502 or item.started > ended] == []
        answers = [item.body for load in (old, new) for item in load.requests if not item.failed]
        assert [body for body in answers if app.name not in body] == []
        for host in others:
            assert mine.ports(host)
            assert not mine.ports(host) & its.ports(host)
    asyncio.run(at_rest(cluster))


def serves(cluster: Cluster, app: App, router: str) -> bool:
    return cluster.get_through(router, app.host)[0] == 200


def through(cluster: Cluster, app: App, router: str) -> Load:
    """Requests through one router, each 50 a second."""
    return Load(cluster.http_port, app.host, FIFTY_A_SECOND, address=cluster.address(router))


def hosts_of(cluster: Cluster, app: App, kind: str) -> list[str]:
    """The hosts on which copies of a type run, once for each."""
    copies = cluster.copies(app.name)
    return [host for host, names in copies.items() for name in names if f".{kind}." in name]


def old_copies(cluster: Cluster, app: App, hosts: list[str]) -> list[str]:
    """The copies of the release before the newest on these hosts."""
    copies = cluster.copies(app.name)
    return [name for host in hosts for name in copies[host] if "_v2." in name]


def on_hosts(cluster: Cluster, verb: str, hosts: set[str]) -> None:
    for host in hosts:
        done = run([str(cluster.home / "bin" / "deisctl"), "hosts", verb, host])
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def scarce_ports(cluster: Cluster, hosts: list[str]) -> Iterator[None]:
    """Hosts that may publish containers on a few ports only, which nobody has used yet."""
    _, high = published_ports(cluster.hosts.choices)
    settings = {
        "DEIS_NODE_RUNNER_PORT_LOW": str(high - PORTS + 1),
        "DEIS_NODE_RUNNER_PORT_HIGH": str(high),
    }
    with own_settings(cluster, settings, *(f"deis-node@{host}" for host in hosts)):
        yield
