"""How many copies run, who gets the requests, and what happens when one dies."""

import statistics
import time
from collections import Counter

from tests.fixtures.platform import App, poll


def copies(app: App) -> list[str]:
    listed = app.platform.deis("ps", "-a", app.name).stdout.splitlines()
    return [line.split(" ")[0] for line in listed if " up " in line]


def test_five_copies_share_the_requests(app: App) -> None:
    app.platform.deis("ps:scale", "web=5", "-a", app.name)
    names = {f"{app.name}_v2.web.{number}" for number in range(1, 6)}
    assert set(app.platform.containers(app.name)) == names
    assert len(app.platform.etcd(f"/deis/services/{app.name}/")) == 5
    assert sorted(copies(app)) == [f"web.{number}" for number in range(1, 6)]
    bodies = [app.body() for _ in range(100)]
    shares = Counter(next(name for name in names if name in body) for body in bodies)
    assert len(shares) == 5
    assert min(shares.values()) >= 10


def test_scaled_to_zero_the_router_answers_503(app: App) -> None:
    app.platform.deis("ps:scale", "web=0", "-a", app.name)
    assert app.get()[0] == 503
    poll(lambda: app.platform.containers(app.name) == [], 60, "no container")
    app.platform.deis("ps:scale", "web=1", "-a", app.name)
    assert app.get()[0] == 200


def test_a_killed_copy_leaves_the_router_and_comes_back(app: App) -> None:
    app.platform.deis("ps:scale", "web=5", "-a", app.name)
    services = f"/deis/services/{app.name}/"
    withdrawn = []
    for number in (1, 2, 3, 4, 5, 1, 2, 3, 4, 5):
        began = time.monotonic()
        app.platform.docker("kill", f"{app.name}_v2.web.{number}")
        poll(lambda: len(app.platform.etcd(services)) == 4, 10, "endpoint gone")
        withdrawn.append(time.monotonic() - began)
        poll(lambda: len(app.platform.etcd(services)) == 5, 60, "copy back")
    assert statistics.median(withdrawn) < 5
    poll(lambda: app.get()[0] == 200, 10, "answers")


def test_a_restart_makes_new_containers_under_the_same_names(app: App) -> None:
    before = app.platform.docker("ps", "-q", "--filter", f"label=deis.app={app.name}")
    said = app.platform.deis("ps:restart", "web.1", "-a", app.name).stdout
    assert "web.1 up (v2)" in said
    after = app.platform.docker("ps", "-q", "--filter", f"label=deis.app={app.name}")
    assert before != after
    assert app.get()[0] == 200


def test_a_destroyed_app_leaves_nothing(app: App) -> None:
    other = app.platform.create("gone")
    other.deploy()
    other.destroy()
    assert other.get()[0] == 404
    poll(lambda: app.platform.containers(other.name) == [], 60, "no container")
    keys = app.platform.etcd("/deis/")
    assert [key for key in keys if other.name in key] == []
