"""From 0 to 60 copies on three hosts, beside Docker Swarm on three like ones.

The same image, command, environment and host ports, chosen by the engines; the same prober finds
the containers and asks their ports until all answer 200. The clock starts with the command (`deis
ps:scale`, `docker service scale`). Which side begins alternates. The engines differ in one flag,
see `swarm_hosts`.

Only the side that is measured runs: before each of its runs it is started from its disks, scaled up
and down once and left alone for a moment, and after it stopped. An idle platform keeps three etcd
and nine processes of ours awake, an idle Swarm its managers, and what is measured needs every
core. Freezing the other side would make another cluster of it: leases end, hosts count as lost.
"""

import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.fixtures.cluster import Cluster, running_cluster
from tests.fixtures.platform import App, poll, run
from tests.fixtures.processes import cpu_seconds, group_cpu_seconds
from tests.load import busybox_web
from tests.load.prober import Answering
from tests.load.swarm_hosts import SwarmHosts, checked, swarm_hosts
from tests.load.times import moment

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
COPIES = int(os.environ.get("BENCH_COPIES", "60"))
WARM = 6
"""Copies of the scale up that comes before the one that is measured."""
SETTLE = 5.0
"""Seconds in which nothing is done before it."""
IMAGE = "127.0.0.1:5/bench:1"
"""Nobody listens there: Swarm asks in vain, at once, and takes the image that is on the host."""
HOSTS = 3


class Side(Protocol):
    """One of the two that are compared."""

    name: str

    @property
    def label(self) -> tuple[str, str]:
        """The label of the app's containers, and its value."""

    @property
    def urls(self) -> dict[str, str]:
        """The URLs of the Docker Engines by the hosts' addresses."""

    @property
    def groups(self) -> list[str]:
        """The hosts' control groups."""

    def start(self) -> None:
        """Start from the disks, with no copy."""

    def stop(self) -> None:
        """Leave nothing running."""

    def command(self, count: int) -> list[str]:
        """What sets the number of copies."""

    def processes(self) -> dict[str, int]:
        """Pids of what is worth telling apart."""


@dataclass
class Run:
    """What one scale up took; moments in seconds from the command."""

    answered: list[float]
    created: list[float]
    started: list[float]
    waited: list[float]
    """From each container's start to its answer."""
    command: float
    """Until the command came back."""
    cpu: dict[str, float] = field(default_factory=dict)
    """CPU seconds by who used them, until all answered."""


class Deis:
    """The platform."""

    name = "deis"

    def __init__(self, cluster: Cluster, app: App) -> None:
        self.cluster = cluster
        self._app = app
        self.label = ("deis.app", app.name)

    @property
    def urls(self) -> dict[str, str]:
        hosts = self.cluster.facts["hosts"].values()
        return {host["address"]: host["docker_host"] for host in hosts}

    @property
    def groups(self) -> list[str]:
        networks = (self.cluster.hosts.site(name).network for name in self.cluster.names)
        return [network.name for network in networks if network is not None]

    def start(self) -> None:
        cluster = self.cluster
        cluster.up()
        poll(lambda: cluster.alive() == cluster.names and cluster.leader()[1] > 0, 120, "all there")

    def stop(self) -> None:
        down = str(self.cluster.home / "bin" / "deisctl")
        checked([down, "local", "down", "--home", str(self.cluster.home)])

    def command(self, count: int) -> list[str]:
        program = str(self.cluster.home / "bin" / "deis")
        return [program, "ps:scale", f"web={count}", "-a", self._app.name]

    def processes(self) -> dict[str, int]:
        return {name: self.cluster.pid(name) for name in self.cluster.facts["components"]}


class Swarm:
    """Docker's own."""

    name = "swarm"
    label = ("com.docker.swarm.service.name", "bench")

    def __init__(self, hosts: SwarmHosts) -> None:
        self._hosts = hosts
        self.urls = hosts.urls
        self.groups = [engine.layout.cgroup for engine in hosts.engines]

    def start(self) -> None:
        self._hosts.start()

    def stop(self) -> None:
        self._hosts.stop()

    def command(self, count: int) -> list[str]:
        url = self._hosts.engines[0].url
        return ["docker", "--host", url, "service", "scale", "--detach", f"bench={count}"]

    def processes(self) -> dict[str, int]:
        return {f"docker@{engine.layout.cgroup}": engine.pid for engine in self._hosts.engines}

    def make_service(self, image: Path, config: Mapping[str, Any]) -> None:
        """The service without copies, of an image and as a container of the platform's is."""
        self._hosts.load(image)
        self._hosts.docker(*create("bench", IMAGE, config))


def create(name: str, image: str, config: Mapping[str, Any]) -> list[str]:
    """The words that have Docker's client make a service without copies, each as a container is.

    `config` is the container's, as `docker inspect` tells it; the engine chooses the host port.
    """
    words = ["service", "create", "--detach", "--no-resolve-image", "--name", name]
    words += ["--replicas", "0", "--endpoint-mode", "dnsrr", "--publish", "mode=host,target=5000"]
    for text in config["Env"]:
        words += ["--env", text]
    entry, *rest = config["Entrypoint"] or [""]
    if entry:
        words += ["--entrypoint", entry]
    return [*words, image, *rest, *(config["Cmd"] or ())]


def main() -> None:
    """Print a line for each run, and the medians and the ratio in Markdown."""
    with running_cluster(HOSTS, "--no-sample") as cluster, swarm_hosts(HOSTS) as hosts:
        app = busybox_web.make_app(cluster, HOSTS)
        deis, swarm = Deis(cluster, app), Swarm(hosts)
        share(cluster, app, swarm)
        busybox_web.scale(app, 0)
        deis.stop()
        swarm.stop()
        sides: list[Side] = [deis, swarm]
        runs: dict[str, list[Run]] = {side.name: [] for side in sides}
        for number in range(RUNS):
            for side in sides if number % 2 == 0 else reversed(sides):
                runs[side.name].append(measured(side))
                tell(side.name, number, runs[side.name][-1])
        for side in sides:  # They are taken down as they were made, and looked at for remains.
            side.start()
    report(runs)


def share(cluster: Cluster, app: App, swarm: Swarm) -> None:
    """Have Swarm run what the platform runs: the same image and command."""
    host, (name, *_) = next(iter(cluster.copies(app.name).items()))
    config = json.loads(cluster.docker_on(host, "inspect", name))[0]["Config"]
    cluster.docker_on(host, "tag", config["Image"], IMAGE)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.tar"
        cluster.docker_on(host, "save", "--output", str(file), IMAGE)
        swarm.make_service(file, config)
    cluster.docker_on(host, "rmi", IMAGE)


def measured(side: Side) -> Run:
    """One scale up of a side that nothing else runs beside."""
    side.start()
    try:
        for count in (WARM, 0):
            checked(side.command(count))
            poll(lambda n=count: len(containers(side)) == n, 120, f"{count} containers")  # type: ignore[misc]
        time.sleep(SETTLE)
        made = scale_up(side)
        checked(side.command(0))
        poll(lambda: containers(side) == [], 300, "no containers")
        return made
    finally:
        side.stop()


def scale_up(side: Side) -> Run:
    """From no copy to all."""
    answering = Answering(side.urls, *side.label)
    before = used(side)
    began = time.time()
    with subprocess.Popen(
        side.command(COPIES), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as command:
        asyncio.run(answering.wait(COPIES))
        after = used(side)
        _, error = command.communicate(timeout=300)
        assert command.returncode == 0, error
    ended = time.time()
    found = {item["Id"]: item for item in containers(side)}
    created = {name: moment(item["Created"]) for name, item in found.items()}
    started = {name: moment(item["State"]["StartedAt"]) for name, item in found.items()}
    answered = answering.seen
    return Run(
        answered=sorted(at - began for at in answered.values()),
        created=sorted(at - began for at in created.values()),
        started=sorted(at - began for at in started.values()),
        waited=sorted(at - started[name] for name, at in answered.items()),
        command=ended - began,
        cpu={name: after[name] - before[name] for name in before},
    )


def containers(side: Side) -> list[dict[str, Any]]:
    """What Docker's own client says about all containers of the app."""
    found: list[dict[str, Any]] = []
    for url in side.urls.values():
        docker = ["docker", "--host", url]
        wanted = "=".join(side.label)
        ids = checked([*docker, "ps", "--all", "--quiet", "--filter", f"label={wanted}"]).split()
        if ids:
            # One may be removed between the two questions.
            found += json.loads(run([*docker, "inspect", *ids]).stdout or "[]")
    return found


def used(side: Side) -> dict[str, float]:
    """CPU seconds so far: of the whole machine, of parts of the hosts, of single processes."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    idle = ticks[3] + ticks[4]
    found = {"machine": (sum(ticks[:8]) - idle) / os.sysconf("SC_CLK_TCK")}
    for part in ("engine", "containers", "parts"):
        found[part] = sum(group_cpu_seconds(f"{group}/{part}") for group in side.groups)
    for name, pid in side.processes().items():
        part = name.partition("@")[0]
        found[part] = found.get(part, 0.0) + (cpu_seconds(pid) if pid else 0.0)
    return found


def tell(name: str, number: int, made: Run) -> None:
    """One run in a few lines."""
    print(f"run {number + 1}, {name}: {made.answered[-1]:.2f} s; command {made.command:.2f} s")
    for what, moments in (
        ("created", made.created),
        ("started", made.started),
        ("answered", made.answered),
        ("from start to answer", made.waited),
    ):
        first, half, last = moments[0], statistics.median(moments), moments[-1]
        print(f"    {what:20} first {first:.2f}, median {half:.2f}, last {last:.2f} s")
    costs = ", ".join(f"{part} {spent:.1f}" for part, spent in made.cpu.items() if spent > 0.05)
    print(f"    CPU s: {costs}", flush=True)


def report(runs: Mapping[str, list[Run]]) -> None:
    """Medians as docs/benchmarks.md holds them."""
    print("\n| | median, s | runs, s |\n|---|---|---|")
    medians = {}
    for name, made in runs.items():
        took = [item.answered[-1] for item in made]
        medians[name] = statistics.median(took)
        print(f"| {name} | {medians[name]:.2f} | {', '.join(f'{item:.2f}' for item in took)} |")
    print(f"\nratio {medians['deis'] / medians['swarm']:.2f}")


if __name__ == "__main__":
    main()
