"""What a route change costs a router with 10,000 apps: etcd's event → nginx serves it.

The table and nginx are the real ones; etcd is left out, so that its fsync does not drown the
figures. Run by hand or by contrib/local/bench: `python -m tests.load.bench_router_table`.
"""

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue, Listing
from deis_node.cluster.records import Endpoint, Host, Record, Route
from deis_node.router.admin import Admin, State
from deis_node.router.folder import Folder
from deis_node.router.intake import TABLE_PREFIXES, Intake
from deis_node.router.loop import stop
from deis_node.router.nginx import Nginx
from deis_node.router.platform import PlatformSettings
from deis_node.router.processes import find_all
from deis_node.router.render import Limits, render
from deis_node.router.settings import RouterSettings
from deis_node.router.table import Table
from tests.fixtures.ports import free_port

APPS = int(os.environ.get("BENCH_APPS", "10000"))
COPIES = 2
CHANGES = 500


def stored(key: str, record: Record, revision: int) -> KeyValue:
    return KeyValue(key, record.to_bytes(), revision, revision, 1, 0)


def listings() -> dict[str, Listing]:
    """Hosts, routes and endpoints of all apps."""
    hosts = [stored(keys.host("h1"), Host("h1", "10.0.0.1"), 1)]
    routes, services = [], []
    for number in range(APPS):
        app = f"app-{number}"
        domains = (f"www.{app}.example.com",)
        routes.append(stored(keys.route(app), Route(app, {"1": 100}, domains), 1))
        for copy in range(COPIES):
            name = f"{app}_v1.web.{copy + 1}"
            endpoint = Endpoint(f"10.0.0.1:{20000 + copy}", "h1", 1)
            services.append(stored(keys.service(app, name), endpoint, 1))
    found: dict[str, list[KeyValue]] = {keys.HOSTS: hosts, keys.ROUTES: routes}
    found[keys.SERVICES] = services
    return {prefix: Listing(1, tuple(found.get(prefix, ()))) for prefix in TABLE_PREFIXES}


async def change(intake: Intake, admin: Admin, state: State, number: int) -> State:
    """One copy of one app moves to another port."""
    app = f"app-{number * 37 % APPS}"
    endpoint = Endpoint(f"10.0.0.1:{21000 + number}", "h1", 1)
    intake.put(stored(keys.service(app, f"{app}_v1.web.1"), endpoint, number + 2))
    return await admin.change(intake.table.take(), state)


async def measure(admin: Admin, intake: Intake) -> None:
    found = listings()
    started = time.perf_counter()
    digest = intake.digest(found, anew=False)
    read = time.perf_counter()
    intake.full(found, digest, carry=False)
    intake.table.take()
    made = time.perf_counter()
    intake.full(found, intake.digest(found, anew=False), carry=False)
    intake.table.take()
    again = (time.perf_counter() - made) * 1000
    begun = time.perf_counter()
    state = await admin.load(intake.table.rows, 1)
    loaded = time.perf_counter()
    times, alone = [], []
    for number in range(CHANGES):
        begin = time.perf_counter()
        state = await change(intake, admin, state, number)
        times.append((time.perf_counter() - begin) * 1000)
    for number in range(CHANGES):
        begin = time.perf_counter()
        app = f"app-{number * 41 % APPS}"
        intake.table.set_host("h2", None)
        intake.delete(keys.service(app, f"{app}_v1.web.2"), number + CHANGES + 2)
        intake.table.take()
        alone.append((time.perf_counter() - begin) * 1000)
    times.sort()
    print(f"apps {APPS}, rows {len(intake.table.rows)}")
    print(f"all routes read, in a thread: {(read - started) * 1000:.0f} ms")
    print(f"all rows made: {(made - read) * 1000:.0f} ms; again, nothing new: {again:.0f} ms")
    print(f"whole table → nginx: {(loaded - begun) * 1000:.0f} ms")
    print(
        f"one change → nginx confirms: median {statistics.median(times):.2f} ms, "
        f"p99 {times[int(len(times) * 0.99)]:.2f} ms, max {times[-1]:.2f} ms"
    )
    print(f"of that our own rows: median {statistics.median(alone):.3f} ms")


def memory(folder: Path) -> str:
    sizes = []
    for process in find_all(folder):
        status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        rss = next(line.split()[1] for line in status if line.startswith("VmRSS"))
        sizes.append(f"{'master' if process.is_master else 'worker'} {int(rss) // 1024}")
    return ", ".join(sorted(sizes))


async def main() -> None:
    """Start an nginx, fill it, change it, print the figures."""
    with tempfile.TemporaryDirectory() as directory:
        state_dir = Path(directory)
        settings = RouterSettings(listen=(f"127.0.0.1:{free_port()}",))
        folder = Folder(state_dir / "router" / "nginx")
        folder.make()
        folder.write_aside(render(settings, PlatformSettings(), Limits(True, 20000)))
        folder.swap()
        nginx = Nginx(settings, folder, lambda: None)
        await nginx.start()
        try:
            async with Admin(folder.path) as admin:
                await measure(admin, Intake(Table()))
                print(f"RSS of nginx, MB: {memory(folder.path)}")
        finally:
            nginx.let_go()
            await stop(settings, state_dir, patience=0.1)


if __name__ == "__main__":
    asyncio.run(main())
