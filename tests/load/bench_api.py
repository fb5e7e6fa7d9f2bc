"""The API with a big platform's database, beside bare handlers; logins; and four times too much.

10,000 apps with ten releases each, 1,000 users. The server (one process, the API and the bare
handlers on the same pool) has one core, the load another; PostgreSQL runs where it may. Each
figure is the median of several interleaved rounds. `python -m tests.load.bench_api [PART...]`; with
BENCH_TENFOLD=1 the comparison also with ten times the apps.
"""

import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.fixtures.ports import free_port
from tests.fixtures.postgres import PostgresServer
from tests.load.api_world import ADMIN_TOKEN, TOKEN, fill, paths
from tests.load.open_loop import OpenLoop, Result, percentile

APPS = int(os.environ.get("BENCH_APPS", "10000"))
USERS = 1000
ROUNDS = 5
SECONDS = 4
CONNECTIONS = 16
OVERLOAD = 4
"""Times the measured capacity."""


@dataclass
class Figures:
    """What one run of the load measured."""

    rate: float
    p50: float
    p99: float
    bad: int


@dataclass
class Served:
    """The server's two ports and its process."""

    port: int
    bare: int
    pid: int


def wrk(url: str, token: str, *, connections: int = CONNECTIONS, script: str = "") -> Figures:
    """One closed-loop run on the second core."""
    argv = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
    argv += ["-H", f"Authorization: token {token}"] if token else []
    argv += ["-s", script] if script else []
    text = subprocess.run([*argv, url], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    assert rate is not None, text
    return Figures(
        float(rate[1]),
        _milliseconds(text, "50%"),
        _milliseconds(text, "99%"),
        int(bad[1]) if bad else 0,
    )


def _milliseconds(text: str, name: str) -> float:
    match = re.search(rf"{name}\s+([\d.]+)(us|ms|s)", text)
    assert match is not None, text
    return float(match[1]) * {"us": 0.001, "ms": 1, "s": 1000}[match[2]]


@contextmanager
def database(apps: int) -> Iterator[str]:
    """A PostgreSQL with a full database; its address."""
    server = PostgresServer()
    server.create()
    server.start()
    try:
        asyncio.run(fill(server.dsn, apps, USERS))
        yield server.dsn
    finally:
        server.remove()


@contextmanager
def serving(dsn: str) -> Iterator[Served]:
    """The API and the bare handlers, on the first core."""
    ports = free_port(), free_port()
    argv = ["taskset", "-c", "0", sys.executable, "-m", "tests.load.api_server", dsn]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*argv, *map(str, ports)], stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n", "the server does not start"
            yield Served(*ports, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def compare(served: Served, apps: int) -> None:
    """Both in turn, for each endpoint; prints medians and the ratio."""
    print(
        f"\n{apps} apps; requests/s, p50 and p99 in ms, {CONNECTIONS} connections, "
        f"medians of {ROUNDS} rounds of {SECONDS} s"
    )
    print(f"{'':42} {'deis':>22}   {'bare':>22}   ratio")
    for name, path in paths(apps, USERS):
        token = ADMIN_TOKEN if "superuser" in name else TOKEN
        rounds = [
            [wrk(f"http://127.0.0.1:{port}{path}", token) for port in (served.port, served.bare)]
            for _ in range(ROUNDS)
        ]
        ours, bare = (median([pair[side] for pair in rounds]) for side in (0, 1))
        ratio = statistics.median(pair[0].rate / pair[1].rate for pair in rounds)
        print(f"{name:42} {shown(ours)}   {shown(bare)}   {ratio:.2f}")


def median(runs: list[Figures]) -> Figures:
    """Of each figure; every answer must have been good."""
    assert not any(run.bad for run in runs), "answers were not 200"
    return Figures(
        *(statistics.median(getattr(run, name) for run in runs) for name in ("rate", "p50", "p99")),
        0,
    )


def shown(figures: Figures) -> str:
    return f"{figures.rate:7.0f} {figures.p50:6.1f} {figures.p99:7.1f}"


def logins(served: Served) -> None:
    """Logins a second: argon2 on one core, by design."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        body = '{"username":"user-1","password":"secret"}'
        script.write(f"wrk.method='POST' wrk.body='{body}'\n")
        script.write("wrk.headers['Content-Type']='application/json'\n")
        script.flush()
        url = f"http://127.0.0.1:{served.port}/v1/auth/login/"
        runs = [wrk(url, "", connections=4, script=script.name) for _ in range(3)]
    assert not any(run.bad for run in runs)
    print(f"{'logins':42} {shown(median(runs))}")


def flood(port: int, path: str, rate: float, seconds: float) -> str:
    """What a process of its own on the second core sent in open loop, and what came of it."""
    argv = ["taskset", "-c", "1", sys.executable, "-m", "tests.load.flood"]
    argv += [str(port), str(rate), str(seconds)]
    ran = subprocess.run(argv, input=request(path, TOKEN), capture_output=True, check=True)
    told = json.loads(ran.stdout)
    answers = ", ".join(
        f"{count} x {status} (p50 {told['p50'][status] * 1000:.0f}, "
        f"p99 {told['p99'][status] * 1000:.0f} ms)"
        for status, count in told["answers"].items()
    )
    return f"{told['sent']} sent, {told['rate']:.0f}/s: {answers}, {told['lost']} lost"


def request(path: str, token: str = "") -> bytes:
    header = f"Authorization: token {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode()


WATCHED = 50
"""Requests a second of those who look on: enough for a p99 in ten seconds, and no load."""


async def overload(served: Served, apps: int, capacity: float) -> None:
    """Four times too much, with an eye on health and on those who are let in; and how it is
    five seconds later.
    """
    path = next(path for name, path in paths(apps, USERS) if name == "app info")
    print(f"\nOpen loop, new connections; capacity {capacity:.0f}/s in closed loop")
    for name, times in (("normal", 0.5), ("flood", OVERLOAD), ("after", 0.5)):
        health = OpenLoop(served.port, request("/healthz"), WATCHED, fresh=True)
        ours = OpenLoop(served.port, request(path, TOKEN), WATCHED, fresh=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(health.run(10))
            group.create_task(ours.run(10))
            told = await asyncio.to_thread(flood, served.port, path, capacity * times, 10)
        print(f"{name:8} {told}")
        print(f"{'':8} /healthz: {_told(health.results)}")
        print(f"{'':8} a client beside: {_told(ours.results)}")
        await asyncio.sleep(5)


def _told(results: list[Result]) -> str:
    statuses = sorted({result.status for result in results})
    counts = ", ".join(f"{s or 'none'}: {sum(r.status == s for r in results)}" for s in statuses)
    good = [result for result in results if result.status == 200]
    p50, p99 = (percentile(good, share) * 1000 for share in (0.5, 0.99))
    return f"of {len(results)}: {counts}; 200s in p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def capacity(served: Served, apps: int) -> float:
    """Requests a second for one app's info, in closed loop."""
    path = next(path for name, path in paths(apps, USERS) if name == "app info")
    url = f"http://127.0.0.1:{served.port}{path}"
    return statistics.median(wrk(url, TOKEN).rate for _ in range(3))


def flooded(served: Served, apps: int) -> None:
    """The overload, watched from the second core."""
    most = capacity(served, apps)
    os.sched_setaffinity(0, {1})
    uvloop.run(overload(served, apps, most))
    os.sched_setaffinity(0, {0, 1})


PARTS: dict[str, Callable[[Served, int], None]] = {
    "compare": compare,
    "logins": lambda served, apps: logins(served),
    "overload": flooded,
}


def run(apps: int, parts: Sequence[str]) -> None:
    """These parts, each with a server of its own."""
    with database(apps) as dsn:
        for part in parts:
            with serving(dsn) as served:
                PARTS[part](served, apps)


def main() -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    assert Path("deis_control").is_dir(), "run it in the project's folder"
    parts = sys.argv[1:] or list(PARTS)
    unknown = set(parts) - set(PARTS)
    if unknown:
        sys.exit(f"unknown parts: {sorted(unknown)}; there are {', '.join(PARTS)}")
    run(APPS, parts)
    if os.environ.get("BENCH_TENFOLD") == "1":
        run(APPS * 10, ["compare"])


if __name__ == "__main__":
    main()
