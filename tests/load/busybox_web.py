"""The app of the benchmarks: busybox and its web server, which is up in a moment.

It ends at once when told to, so that a scale down takes no grace.
"""

import shutil

from tests.fixtures.platform import App, Platform, poll

DOCKERFILE = """\
FROM scratch
EXPOSE 5000
STOPSIGNAL SIGKILL
COPY busybox /bin/sh
COPY message.txt /www/index.html
"""


def make_app(platform: Platform, count: int, prefix: str = "bench") -> App:
    """An app with so many copies, pushed and served."""
    app = platform.create(prefix)
    shutil.rmtree(app.copy / "app")
    app.write("Dockerfile", DOCKERFILE)
    app.write("Procfile", "web: exec httpd -f -p 5000 -h /www\n")
    app.deploy("it serves")
    if count != 1:
        scale(app, count)
    return app


def scale(app: App, count: int) -> None:
    """Set the number of copies, and wait until so many run and no other is there."""
    app.platform.deis("ps:scale", f"web={count}", "-a", app.name, timeout=600)
    settled(app, count)


def settled(app: App, count: int) -> None:
    """Wait until so many copies run and nothing is left of others."""
    platform = app.platform
    poll(lambda: len(platform.containers(app.name)) == count, 120, f"{count} containers")
    poll(lambda: placements(app) == count, 120, f"{count} placements")


def placements(app: App) -> int:
    """How many copies of an app etcd knows of, those that leave included."""
    found = app.platform.etcd("/deis/placements/").values()
    return sum(item["app"] == app.name for item in found)
