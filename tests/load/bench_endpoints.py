"""How soon a copy is served after its container started, and how soon a killed one is not.

30 times, one container at a time, in turn over apps of one copy each: `docker kill` → the router
says 503 for the app; its container started again → the router says 200. Both are counted from
Docker's own time stamps to the first answer of that kind, asked for without a pause.
"""

import statistics
import sys
import time
from datetime import datetime

from tests.fixtures.platform import App, running_platform

TIMES = 30
APPS = 10
"""As many that none dies so often that it counts as crashed."""


def main() -> None:
    """Print medians and maxima in milliseconds."""
    with running_platform() as platform:
        apps = [platform.create("bench").deploy("bench") for _ in range(APPS)]
        withdrawn, served = [], []
        for number in range(TIMES):
            app = apps[number % APPS]
            container = f"{app.name}_v2.web.1"
            platform.docker("kill", container)
            gone = until(app, 503)
            withdrawn.append((gone - moment(app, container, "FinishedAt")) * 1000)
            back = until(app, 200)
            served.append((back - moment(app, container, "StartedAt")) * 1000)
            print(f"{number + 1}: withdrawn {withdrawn[-1]:.0f} ms, served {served[-1]:.0f} ms")
    print("\n| | median, ms | max, ms |\n|---|---|---|")
    for name, values in (("docker kill → withdrawn", withdrawn), ("start → first 200", served)):
        print(f"| {name} | {statistics.median(values):.0f} | {max(values):.0f} |")


def until(app: App, status: int, timeout: float = 60) -> float:
    """The moment of the first answer with this status, in seconds since 1970."""
    deadline = time.monotonic() + timeout
    while app.get()[0] != status:
        assert time.monotonic() < deadline, f"{app.name} does not answer {status}"
    return time.time()


def moment(app: App, container: str, name: str) -> float:
    """One of the times that Docker keeps of a container, in seconds since 1970."""
    text = app.platform.docker("inspect", "-f", f"{{{{.State.{name}}}}}", container).strip()
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


if __name__ == "__main__":
    sys.exit(main())
