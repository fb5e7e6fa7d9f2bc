"""What an agent costs that follows 50 idle containers, and whether it misses an event when all of
them start or end at once.

Memory and CPU of the process `deis-node`; nginx is another one. The events of the Docker Engine are
counted beside the agent by Docker's own client.
"""

import os
import time

from deis_cli.deisctl.local.home import Home
from tests.fixtures.engine_events import heard, recorded
from tests.fixtures.platform import App, Platform, poll, running_platform
from tests.fixtures.processes import cpu_seconds, resident
from tests.load import busybox_web

COPIES = int(os.environ.get("BENCH_COPIES", "50"))
SECONDS = 60.0
SETTLE = 20.0
"""Seconds between the last start and the idle minute."""


def main() -> None:
    """Print both tables in Markdown."""
    with running_platform("--no-sample") as platform:
        app = busybox_web.make_app(platform, 0)
        events(platform, app)
        print("\n| 50 idle containers | RSS, MB | CPU, % of a core |\n|---|---|---|")
        idle(platform, "as they are")
        platform.deis("config:set", "HEALTHCHECK_URL=/", "-a", app.name, timeout=600)
        busybox_web.settled(app, COPIES)
        idle(platform, "with health checks")


def events(platform: Platform, app: App) -> None:
    """Start all at once, end all at once, start all again; compare what was heard."""
    choices = Home(platform.home).load()
    assert choices is not None
    before = heard(choices.metrics_port)
    with recorded(platform, app.name) as recorder:
        for count in (COPIES, 0, COPIES):
            began = time.monotonic()
            busybox_web.scale(app, count)
            print(f"scaled to {count} in {time.monotonic() - began:.1f} s", flush=True)
        wanted = {"start": 2 * COPIES, "die": COPIES}
        poll(lambda: dict(recorder.seen) == wanted, 60, f"the engine tells {wanted}")
    mine = heard(choices.metrics_port) - before
    print("\n| event | told by the engine | heard by the agent |\n|---|---|---|")
    for action, told in recorder.seen.items():
        print(f"| {action} | {told} | {mine[action]} |")


def idle(platform: Platform, name: str) -> None:
    """Measure the agent while nothing happens."""
    time.sleep(SETTLE)
    pid = platform.pid("deis-node")
    before = cpu_seconds(pid)
    time.sleep(SECONDS)
    spent = (cpu_seconds(pid) - before) / SECONDS
    print(f"| {name} | {resident(pid):.0f} | {spent * 100:.2f} |", flush=True)


if __name__ == "__main__":
    main()
