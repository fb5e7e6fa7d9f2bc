"""How soon one machine's platform is itself again: a copy, nginx or nobody was killed.

`docker kill` of an app's one copy, from the command until the router does not send it requests
(503, nobody serves the app); nginx' master, a worker, or all of it, from the signal until the app
answers; and `contrib/local/up` once more while everything runs.
"""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import Callable

from deis_node.docker.client import Docker
from tests.fixtures.platform import PROJECT, App, Platform, run, running_platform
from tests.load import busybox_web
from tests.load.prober import status

APPS, ROUNDS = 10, 3
STEADY = 61.0
"""Seconds that a copy must have run, see `bench_endpoints.py`."""
TIMES = 5
AGAIN = 0.002
"""Seconds between two questions to the router."""


def main() -> None:
    """Print medians and the longest in Markdown."""
    with running_platform() as platform:
        series = asyncio.run(killed_copies(platform))
        for victims in ("master", "worker", "all"):
            series[f"nginx' {victims} killed → answers"] = [
                asyncio.run(killed_nginx(platform, victims)) for _ in range(TIMES)
            ]
        series["`up` again while it runs"] = [timed(lambda: again(platform)) for _ in range(TIMES)]
    print("\n| | median, s | max, s | times |\n|---|---|---|---|")
    for name, values in series.items():
        middle, most = statistics.median(values), max(values)
        print(f"| {name} | {middle:.3f} | {most:.3f} | {len(values)} |")


async def killed_copies(platform: Platform) -> dict[str, list[float]]:
    """One copy after the other, in turn over the apps."""
    apps = [busybox_web.make_app(platform, 1) for _ in range(APPS)]
    found: list[float] = []
    async with Docker(platform.facts["docker_host"]) as docker:
        for _ in range(ROUNDS):
            await asyncio.sleep(STEADY)
            for app in apps:
                found.append(await withdrawn(docker, platform, app))
    return {"`docker kill` of a copy → withdrawn": found}


async def withdrawn(docker: Docker, platform: Platform, app: App) -> float:
    """Seconds from the command until the router has nobody to send a request to."""
    (container,) = platform.containers(app.name)
    await reaches(platform, app.host, 200)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        gone = group.create_task(reaches(platform, app.host, 503))
        await docker.kill(container)
    await reaches(platform, app.host, 200)
    return gone.result() - began


async def killed_nginx(platform: Platform, victims: str) -> float:
    """Seconds from the signal until a request is answered."""
    await asyncio.sleep(2)
    for pid in platform.nginx()[victims]:
        os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    return await reaches(platform, "hello.localhost", 200) - began


async def reaches(platform: Platform, host: str, wanted: int) -> float:
    """The moment at which the router gave that status, on the monotonic clock."""
    async with asyncio.timeout(60):
        while await status("127.0.0.1", platform.http_port, host, patience=2.0) != wanted:
            await asyncio.sleep(AGAIN)
    return time.monotonic()


def again(platform: Platform) -> None:
    """The README's command, on a home that is up."""
    done = run([str(PROJECT / "contrib" / "local" / "up"), "--home", str(platform.home)])
    assert "already running" in done.stdout, done.stdout + done.stderr


def timed(action: Callable[[], None]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
