"""What copies and their Docker Engines do wrong, on a cluster that serves another app meanwhile."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.fixtures import invariants
from tests.fixtures.cluster import Cluster
from tests.fixtures.platform import App, poll
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Push, Traffic, busy_app, count, rollout_of

pytestmark = pytest.mark.timeout(900)

ROUTERS = ["local-1", "local-2"]


@pytest.fixture(scope="module")
def busy(cluster_of_three: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts, that nothing here may disturb."""
    with busy_app(cluster_of_three) as app:
        yield app


@pytest.fixture
def other(cluster: Cluster) -> Iterator[App]:
    """Another app, with one copy."""
    app = cluster.create("other").deploy()
    yield app
    cluster.heal()
    app.destroy()


@contextmanager
def serving(cluster: Cluster, app: App, seen: Seen) -> Iterator[Traffic]:
    """Requests to an app, of which none may fail; in the end all is as it shall be."""
    traffic = Traffic(cluster, app.host, ROUTERS)
    with traffic.flows():
        yield traffic
        asyncio.run(invariants.at_rest(cluster))
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert traffic.all_failures() == []


def place_of(cluster: Cluster, app: App) -> tuple[str, str]:
    """Host and name of one of its copies."""
    return next((host, names[0]) for host, names in cluster.copies(app.name).items() if names)


def test_an_image_is_deleted_under_its_copy(
    cluster: Cluster, busy: App, other: App, seen: Seen
) -> None:
    host, name = place_of(cluster, other)
    image = cluster.docker_on(host, "inspect", "-f", "{{.Image}}", name).strip()
    agent = cluster.pid(f"deis-node@{host}")
    with serving(cluster, busy, seen):
        for verb, what in ((["rm", "--force"], "removed"), (["kill"], "killed")):
            before = birth(cluster, host, name)
            os.kill(agent, signal.SIGSTOP)
            try:
                cluster.docker_on(host, *verb, name)
                # What runs keeps Docker from it: the agent must not be the first.
                cluster.docker_on(host, "rmi", "--force", image)
            finally:
                os.kill(agent, signal.SIGCONT)
            began = time.monotonic()
            poll(lambda b=before: born_again(cluster, host, name, b), 120, f"{what}: it is back")  # type: ignore[misc]
            seen(f"{what} with its image, the copy ran after {time.monotonic() - began:.1f} s")
            poll(lambda: other.get()[0] == 200, 60, "it serves")
    other.deploy("with the image fetched again")


def birth(cluster: Cluster, host: str, name: str) -> str:
    """Another one for each container and each start of it; empty when it does not run."""
    words = ("inspect", "-f", "{{.State.Running}} {{.Id}} {{.State.StartedAt}}", name)
    with suppress(AssertionError):
        found = cluster.docker_on(host, *words)
        return found if found.startswith("true") else ""
    return ""


def born_again(cluster: Cluster, host: str, name: str, before: str) -> bool:
    """Whether it runs, and not as before."""
    return birth(cluster, host, name) not in ("", before)


def test_an_engine_hangs_while_copies_are_stopped(
    cluster: Cluster, busy: App, other: App, seen: Seen
) -> None:
    cluster.deis("ps:scale", "web=6", "-a", other.name)
    poll(lambda: len(cluster.containers(other.name)) == 6, 60, "six copies")
    engine = cluster.pid("docker@local-3")
    with serving(cluster, busy, seen):
        os.kill(engine, signal.SIGSTOP)
        try:
            began = time.monotonic()
            cluster.deis("ps:scale", "web=1", "-a", other.name)
            seen(f"scaled down after {time.monotonic() - began:.1f} s, though one engine hung")
            gone = ("local-1", "local-2")
            poll(lambda: sum(map(len, _copies(cluster, other, gone))) <= 1, 120, "others stop")
        finally:
            os.kill(engine, signal.SIGCONT)
        poll(lambda: len(cluster.containers(other.name)) == 1, 120, "one copy")


def _copies(cluster: Cluster, app: App, hosts: tuple[str, ...]) -> list[list[str]]:
    words = ("ps", "--filter", f"label=deis.app={app.name}", "--format", "{{.Names}}")
    return [cluster.docker_on(host, *words).split() for host in hosts]


def command(app: App, web: str) -> None:
    """The app with another command."""
    app.write("Procfile", f"web: {web}\n")


def test_a_copy_opens_its_port_and_closes_it(
    cluster: Cluster, busy: App, other: App, seen: Seen
) -> None:
    command(other, "httpd -f -p 5000 -h /app/www & sleep 8; kill $!; sleep 100000")
    with serving(cluster, busy, seen):
        other.commit("opens and closes")
        pushed = other.push(check=False)
        seen(f"without a health check the push ended with {pushed.returncode}")
        poll(lambda: other.get()[0] in (502, 503), 60, "nobody answers")
        seen(f"when the port was closed the router answered {other.get()[0]}")
        cluster.deis("config:set", "HEALTHCHECK_URL=/healthz", "-a", other.name)
        began = time.monotonic()
        poll(lambda: not cluster.etcd(f"/deis/services/{other.name}/"), 120, "it is withdrawn")
        seen(
            f"with a health check it was withdrawn {time.monotonic() - began:.1f} s after it served"
        )
        command(other, "exec /app/serve")
        other.deploy("well again")


def test_a_copy_ends_every_five_seconds(
    cluster: Cluster, busy: App, other: App, seen: Seen
) -> None:
    command(other, "httpd -f -p 5000 -h /app/www & sleep 5; exit 7")
    with serving(cluster, busy, seen):
        other.commit("ends every five seconds")
        pushed = other.push(check=False)
        seen(f"the push ended with {pushed.returncode}")
        began = time.monotonic()
        poll(lambda: "crashed" in cluster.deis("ps", "-a", other.name).stdout, 180, "it crashed")
        seen(f"it counted as crashed {time.monotonic() - began:.1f} s after the push")
        why = cluster.deis("ps:explain", "web.1", "-a", other.name).stdout
        seen(" ".join(why.split()))
        command(other, "exec /app/serve")
        other.deploy("well again")


def test_a_copy_never_opens_its_port_in_a_push(
    cluster: Cluster, busy: App, other: App, seen: Seen
) -> None:
    cluster.deis("config:set", "DEIS_DEPLOY_TIMEOUT=20", "-a", other.name)
    before = other.releases()
    body = other.body()
    command(other, "sleep 100000")
    with serving(cluster, busy, seen):
        with Push(other, "never opens") as push:
            done = push.result()
        assert done.returncode != 0
        for line in rollout_of(done):
            seen(f"the push said: {line}")
        assert other.body() == body
        assert other.releases() == before
        poll(lambda: len(cluster.containers(other.name)) == 1, 60, "the new copy is removed")


def test_a_copy_does_not_end_when_it_is_asked_to(
    cluster: Cluster, busy: App, other: App, seen: Seen
) -> None:
    cluster.deis("config:set", "DEIS_STOP_GRACE=8", "-a", other.name)
    command(other, "trap '' TERM; httpd -f -p 5000 -h /app/www & while :; do sleep 1; done")
    other.commit("does not end")
    other.push()
    poll(lambda: len(cluster.containers(other.name)) == 1, 60, "one copy")
    host, name = place_of(cluster, other)
    key = f"/deis/placements/{host}/{name}"
    command(other, "exec /app/serve")
    with serving(cluster, busy, seen), Push(other, "well again") as push:
        poll(lambda: cluster.etcd(key)[key]["state"] == "stop", 60, "it is asked to")
        asked = time.monotonic()
        poll(lambda: name not in cluster.docker_on(host, "ps", "--format", "{{.Names}}"), 60, "end")
        took = time.monotonic() - asked
        seen(f"it was ended {took:.1f} s after it was asked to, its grace is 8 s")
        assert push.result().returncode == 0
    assert 7 < took < 15


def test_a_copy_forks_without_end(cluster: Cluster, busy: App, other: App, seen: Seen) -> None:
    cluster.deis("config:set", "DEIS_PIDS_LIMIT=60", "-a", other.name)
    before = cluster.containers(other.name)
    # The first shell forks no more: one that cannot would end.
    forks = "f() { while :; do f & sleep 1; done; }; f & httpd -f -p 5000 -h /app/www"
    command(other, forks)
    with serving(cluster, busy, seen):
        other.commit("forks without end")
        seen(f"the push ended with {other.push(check=False).returncode}")
        poll(lambda: len(cluster.containers(other.name)) == 1, 60, "one copy")
        assert cluster.containers(other.name) != before
        host, name = place_of(cluster, other)
        counts = []
        for _ in range(10):
            words = ("stats", "--no-stream", "--format", "{{.PIDs}}", name)
            counts.append(int(cluster.docker_on(host, *words)))
        seen(f"its copy has up to {max(counts)} of 60 processes")
        assert 50 < max(counts) <= 60
        command(other, "exec /app/serve")
        other.deploy("well again")


def test_a_hosts_ports_are_used_up(cluster: Cluster, busy: App, other: App, seen: Seen) -> None:
    host = "local-3"
    file = cluster.hosts.site(host).etc / "node.toml"
    settings = file.read_text()
    cluster.deis("config:set", "DEIS_DEPLOY_TIMEOUT=30", "-a", other.name)
    with serving(cluster, busy, seen):
        file.write_text(few_ports(cluster, settings, host))
        try:
            cluster.restart(f"deis-node@{host}")
            done = cluster.deis("ps:scale", "web=12", "-a", other.name, check=False)
            said = (done.stdout + done.stderr).strip().splitlines()[-1]
            seen(f"scaled beyond its ports, `deis ps:scale` ended with {done.returncode}: {said}")
            assert done.returncode != 0
            assert "no host port is free" in said
        finally:
            file.write_text(settings)
            cluster.restart(f"deis-node@{host}")
        cluster.deis("ps:scale", "web=12", "-a", other.name)
        poll(lambda: len(cluster.containers(other.name)) == 12, 120, "twelve copies")
        seen("with more ports all twelve run")


def few_ports(cluster: Cluster, settings: str, host: str) -> str:
    """The agent's settings with one port more than those that are in use."""
    address = cluster.address(host)
    used = [str(item["address"]) for item in cluster.etcd("/deis/services/").values()]
    last = max(int(item.rpartition(":")[2]) for item in used if item.startswith(f"{address}:"))
    kept = [line for line in settings.splitlines() if not line.startswith("port_")]
    at = kept.index("[runner]") + 1
    return "\n".join([*kept[:at], f"port_low = {last + 1}", f"port_high = {last + 1}", *kept[at:]])
