"""What an idle platform costs: 20 copies, health checks on, logs followed, for 60 seconds."""

import os
import sys
import time
from pathlib import Path

from tests.fixtures.platform import poll, running_platform

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
        before = {name: cpu(platform.pid(name)) for name in names}
        revision = platform.etcd_revision()
        time.sleep(SECONDS)
        print(f"\netcd's revision: {revision} before, {platform.etcd_revision()} after")
        print("\n| process | CPU s in 60 s | RSS, MB |\n|---|---|---|")
        for name in names:
            pid = platform.pid(name)
            print(f"| {name} | {cpu(pid) - before[name]:.2f} | {rss(pid):.0f} |")


def cpu(pid: int) -> float:
    """User and system seconds of a process (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid: int) -> float:
    """Resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
