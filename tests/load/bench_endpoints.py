"""How soon both routers of a cluster serve a copy that is ready, and how soon they do not serve one
that ended.

300 times, one container at a time, in turn over apps of one copy each on three hosts. `docker kill`
ends the copy, the agent starts it again. Meanwhile three askers, each a few milliseconds after its
last answer, see each router go from 200 to 503 (nobody serves the app) to 200, and the copy's own
host port from 200 to nothing to 200. The end and the start are counted from Docker's own time
stamps, readiness from the first answer of the copy's own port.
"""

import asyncio
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from deis_node.docker.client import Docker
from deis_node.docker.model import ContainerInfo
from tests.fixtures.cluster import Cluster, running_cluster
from tests.fixtures.platform import App, poll
from tests.load import busybox_web
from tests.load.prober import status
from tests.load.times import moment, percentile

TIMES = int(os.environ.get("BENCH_RUNS", "300"))
APPS = int(os.environ.get("BENCH_APPS", "60"))
STEADY = 61.0
"""Seconds that a copy must have run: then its earlier ends are forgotten, and it starts again at
once (`runner.restart_steady`)."""
HURRIED = 0.1
"""Seconds that one answer may take: a request that was sent to the dead copy may wait longer."""
AGAIN = 0.005
"""Seconds between two questions of one asker."""
LONGEST = 60.0
"""Seconds for all that follows on an end."""
ROUTERS = ("local-1", "local-2")


@dataclass
class Place:
    """An app's one copy."""

    app: App
    url: str
    """Of its host's Docker Engine."""
    address: str
    container: str
    port: int
    since: float


def main() -> None:
    """Print each series' percentiles in Markdown."""
    with running_cluster(3, "--no-sample") as cluster:
        places = [placed(cluster, app) for app in make_apps(cluster)]
        series = asyncio.run(measure(cluster, places))
    print("\n| | p50, ms | p95, ms | p99, ms | max, ms |\n|---|---|---|---|---|")
    for name, values in series.items():
        values.sort()
        figures = [percentile(values, share) for share in (50, 95, 99, 100)]
        print(f"| {name} | {' | '.join(f'{figure * 1000:.0f}' for figure in figures)} |")


def make_apps(cluster: Cluster) -> list[App]:
    """Apps of one copy each; an image belongs to one app, so each is pushed."""
    made = [busybox_web.make_app(cluster, 1) for _ in range(APPS)]
    for router in ROUTERS:
        for app in made:
            poll(lambda a=app, r=router: cluster.get_through(r, a.host)[0] == 200, 60, app.name)  # type: ignore[misc]
    return made


def placed(cluster: Cluster, app: App) -> Place:
    """Where an app's copy is."""
    (found,) = cluster.etcd(f"/deis/services/{app.name}/").items()
    container, endpoint = found[0].rsplit("/", 1)[1], found[1]
    address, _, port = endpoint["address"].rpartition(":")
    url = cluster.facts["hosts"][endpoint["host"]]["docker_host"]
    return Place(app, url, address, container, int(port), time.time())


async def measure(cluster: Cluster, places: Sequence[Place]) -> dict[str, list[float]]:
    """All times, in seconds, by what they are of."""
    series: dict[str, list[float]] = defaultdict(list)
    for number in range(TIMES):
        place = places[number % len(places)]
        await asyncio.sleep(max(0.0, place.since + STEADY - time.time()))
        for name, value in (await ended_and_started(cluster, place)).items():
            series[name].append(value)
        if (number + 1) % 50 == 0:
            medians = {name: round(statistics.median(values), 3) for name, values in series.items()}
            print(f"{number + 1}: {medians}", flush=True)
    return series


async def ended_and_started(cluster: Cluster, place: Place) -> dict[str, float]:
    """One end and the start that follows it."""
    host = place.app.host
    async with Docker(place.url) as docker, asyncio.TaskGroup() as group:
        doors = [cluster.address(name) for name in ROUTERS]
        routers = [group.create_task(seen(door, cluster.http_port, host)) for door in doors]
        answers: list[float] = []
        own = group.create_task(answering(place, answers))
        await docker.kill(place.container)
        (gone_1, back_1), (gone_2, back_2) = [await task for task in routers]
        own.cancel()
        end, start = stamps(await docker.inspect(place.container))
    place.since, served = start, max(back_1, back_2)
    # The router may be quicker than the one who asks beside it.
    ready = min((at for at in answers if at > start), default=served)
    return {
        "ended → not served by the first": min(gone_1, gone_2) - end,
        "ended → not served by either": max(gone_1, gone_2) - end,
        "ready → served by both": max(0.0, served - ready),
        "started → served by both": served - start,
        "started → ready": ready - start,
    }


async def seen(address: str, port: int, host: str) -> tuple[float, float]:
    """The moments of a router's first 503, and of the first 200 after it."""
    moments = []
    async with asyncio.timeout(LONGEST):
        for wanted in (503, 200):
            while await status(address, port, host, patience=HURRIED) != wanted:
                await asyncio.sleep(AGAIN)
            moments.append(time.time())
    return moments[0], moments[1]


async def answering(place: Place, answers: list[float]) -> None:
    """Note when the copy's own port answers 200, until cancelled."""
    while True:
        if await status(place.address, place.port, "prober", patience=HURRIED) == 200:
            answers.append(time.time())
        await asyncio.sleep(AGAIN)


def stamps(info: ContainerInfo) -> tuple[float, float]:
    """When a container ended last and started last, as Docker has it."""
    assert info.finished_at is not None
    assert info.started_at is not None
    return moment(info.finished_at), moment(info.started_at)


if __name__ == "__main__":
    main()
