"""A Docker Swarm of three hosts: an app changes over to it and back while it serves, and copies of
a host that loses its power are made again elsewhere, once each.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from deis_node.cluster.records import NATIVE, SWARM
from tests.fixtures.cluster import Cluster, running_cluster, steadily
from tests.fixtures.invariants import at_rest
from tests.fixtures.leading import swarm_leader
from tests.fixtures.platform import App, poll, run
from tests.fixtures.traffic import BESIDE_OTHERS, Traffic, busy_app
from tests.load import bench_scale, busybox_web
from tests.load.prober import Answering

pytestmark = [pytest.mark.timeout(600), pytest.mark.long(120)]

ROUTERS = ["local-1", "local-2"]
COPIES = 3
MANY = 12
"""Copies of a scale up that is compared."""
RATIO = 1.1
"""How many times as long as Docker Swarm's own it may take, alone on the machine."""


@pytest.fixture(scope="module")
def swarm() -> Iterator[Cluster]:
    """Three hosts whose engines are a Swarm; new copies are its own."""
    with running_cluster(3, "--no-sample", "--engine", "swarm") as made:
        assert nodes(made) == dict.fromkeys(made.names, "ready"), "a push now is not refused"
        yield made


@pytest.fixture(scope="module")
def app(swarm: Cluster) -> Iterator[App]:
    """An app with a copy of Swarm's on each host."""
    with busy_app(swarm, COPIES) as made:
        assert engines(swarm, made) == [SWARM] * COPIES
        yield made


def engines(cluster: Cluster, app: App) -> list[str]:
    """Which engines the app's placements name."""
    placements = cluster.etcd("/deis/placements/").values()
    return [item["engine"] for item in placements if item["app"] == app.name]


def asked(cluster: Cluster, *words: str) -> list[str]:
    """The words that the Swarm's manager on some host that is well answers."""
    host = next(name for name in cluster.names if cluster.hosts.state(name) == "on")
    return cluster.docker_on(host, *words).split()


def services(cluster: Cluster) -> int:
    return len(asked(cluster, "service", "ls", "-q"))


def nodes(cluster: Cluster) -> dict[str, str]:
    """What the leader has noted of the nodes."""
    (noted,) = cluster.etcd("/deis/control/swarm").values()
    return dict(noted["nodes"])


def numbers(cluster: Cluster, app: App) -> list[str]:
    """The number of each copy that runs on a host that is well."""
    words = ("ps", "--filter", f"label=deis.app={app.name}", "--format", '{{.Label "deis.num"}}')
    well = (name for name in cluster.names if cluster.hosts.state(name) == "on")
    return sorted(number for name in well for number in cluster.docker_on(name, *words).split())


def set_engine(cluster: Cluster, engine: str) -> None:
    """The operator's word on new copies."""
    words = ["config", "scheduler", "set", f"engine={engine}"]
    done = run([str(cluster.home / "bin" / "deisctl"), *words])
    assert done.returncode == 0, done.stdout + done.stderr


def change_over(cluster: Cluster, app: App, engine: str) -> None:
    """As docs/operators.md says: the setting, then a restart of the app."""
    set_engine(cluster, engine)
    cluster.deis("ps:restart", "-a", app.name)

    def over() -> bool:
        return engines(cluster, app) == [engine] * COPIES

    poll(over, 120, f"only copies of {engine}")
    poll(lambda: services(cluster) == (COPIES if engine == SWARM else 0), 120, "its services alone")


def test_no_request_fails_while_an_app_changes_its_engine_and_back(
    swarm: Cluster, app: App
) -> None:
    traffic = Traffic(swarm, app.host, ROUTERS, BESIDE_OTHERS)
    with traffic.flows():
        change_over(swarm, app, NATIVE)
        change_over(swarm, app, SWARM)
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]
    asyncio.run(at_rest(swarm))


def test_what_swarms_copies_print_is_in_the_apps_log(swarm: Cluster, app: App) -> None:
    assert engines(swarm, app) == [SWARM] * COPIES
    mark = f"/mark-{time.monotonic_ns()}"

    def each_has_told() -> bool:
        for _ in range(COPIES):
            swarm.get_through(ROUTERS[0], app.host, mark)
        lines = swarm.deis("logs", "-n", "10000", "-a", app.name).stdout.splitlines()
        told = [line for line in lines if mark in line]
        return all(any(f"[web.{n}]" in line for line in told) for n in range(1, COPIES + 1))

    poll(each_has_told, 60, "a request's line of each copy")


@pytest.fixture
def quick(swarm: Cluster) -> Iterator[App]:
    """An app of the platform's own engine that serves as soon as it starts, on all hosts."""
    set_engine(swarm, NATIVE)
    app = busybox_web.make_app(swarm, COPIES, "quick")
    assert engines(swarm, app) == [NATIVE] * COPIES
    yield app
    set_engine(swarm, SWARM)
    app.destroy()


def test_a_scale_up_keeps_pace_with_docker_swarms_own(swarm: Cluster, quick: App) -> None:
    host, (name, *_) = next(iter(swarm.copies(quick.name).items()))
    config = json.loads(swarm.docker_on(host, "inspect", name))[0]["Config"]
    busybox_web.scale(quick, 0)
    side = bench_scale.Deis(swarm, quick)
    with subprocess.Popen(side.command(MANY), stdout=subprocess.DEVNULL) as child:
        ours = until_all_answer(side.urls, side.label)
        assert child.wait(timeout=120) == 0
    busybox_web.scale(quick, 0)
    swarm.docker_on(host, *bench_scale.create(quick.name, config["Image"], config))
    try:
        scale_service(swarm, host, quick.name)
        theirs = until_all_answer(side.urls, ("com.docker.swarm.service.name", quick.name))
    finally:
        swarm.docker_on(host, "service", "rm", quick.name)
    print(f"{MANY} copies answer after {ours:.1f} s, Docker Swarm's own after {theirs:.1f} s")
    assert ours < 10 * RATIO * theirs


def until_all_answer(urls: dict[str, str], label: tuple[str, str]) -> float:
    """Seconds from now until `MANY` copies with this label answer at their host ports.

    `urls` has those of the Docker Engines by the hosts' addresses.
    """
    began = time.monotonic()
    asyncio.run(Answering(urls, *label).wait(MANY))
    return time.monotonic() - began


def scale_service(cluster: Cluster, host: str, name: str) -> None:
    """Have the Swarm scale a service of its own up; back when it has taken the change.

    It refuses one that it has itself overtaken: it gives a service that was just made its ports.
    """
    url = cluster.facts["hosts"][host]["docker_host"]
    argv = ["docker", "--host", url, "service", "scale", "--detach", f"{name}={MANY}"]

    def taken() -> bool:
        done = run(argv)
        print(done.stderr, end="")
        return done.returncode == 0

    poll(taken, 60, "the Swarm takes the scale")


def test_copies_of_a_host_without_power_are_made_again_elsewhere_and_never_twice(
    swarm: Cluster, app: App
) -> None:
    leads = swarm.leader()[0], swarm_leader(swarm)
    victim = next(name for name in reversed(swarm.names) if name not in leads)
    assert nodes(swarm) == dict.fromkeys(swarm.names, "ready")
    swarm.power_off(victim)

    def elsewhere() -> bool:
        found = swarm.etcd(f"/deis/services/{app.name}/").values()
        return sorted(item["host"] != victim for item in found) == [True] * COPIES

    poll(elsewhere, 200, "all copies are published on other hosts")
    assert numbers(swarm, app) == ["1", "2", "3"]
    steadily(lambda: app.get()[0] == 200, 60, "the app serves")
    poll(lambda: nodes(swarm)[victim] == "down", 200, "the planner knows it")
    swarm.power_on(victim)
    poll(lambda: nodes(swarm)[victim] == "ready", 200, "the Swarm has it again")
    poll(lambda: len(engines(swarm, app)) == COPIES, 120, "the host has confirmed")
    steadily(lambda: numbers(swarm, app) == ["1", "2", "3"], 60, "each copy once")
    asyncio.run(at_rest(swarm))
    assert services(swarm) == COPIES
