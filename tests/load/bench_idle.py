"""What an idle platform costs: 20 copies, health checks on, logs followed, for 60 seconds."""

import time

from tests.fixtures.platform import poll, running_platform
from tests.fixtures.processes import cpu_seconds, resident

SECONDS = 60


def main() -> None:
    """Print CPU seconds, memory, and etcd's revision before and after."""
    with running_platform() as platform:
        app = platform.create("bench")
        app.deploy("bench")
        platform.deis("config:set", "HEALTHCHECK_URL=/healthz", "-a", app.name)
        platform.deis("ps:scale", "web=20", "-a", app.name)
        poll(lambda: len(platform.etcd(f"/deis/services/{app.name}/")) == 20, 60, "endpoints")
        time.sleep(20)
        names = ("deis-control", "deis-node")
        before = {name: cpu_seconds(platform.pid(name)) for name in names}
        revision = platform.etcd_revision()
        time.sleep(SECONDS)
        print(f"\netcd's revision: {revision} before, {platform.etcd_revision()} after")
        print("\n| process | CPU s in 60 s | RSS, MB |\n|---|---|---|")
        for name in names:
            pid = platform.pid(name)
            print(f"| {name} | {cpu_seconds(pid) - before[name]:.2f} | {resident(pid):.0f} |")


if __name__ == "__main__":
    main()
