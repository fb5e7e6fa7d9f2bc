"""Everything may be killed at any moment, and the platform puts itself right."""

import asyncio
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import asyncpg
import pytest

from tests.fixtures.load import Load, wait_for
from tests.fixtures.platform import App, poll
from tests.fixtures.seeds import SEED

pytestmark = [pytest.mark.long(240), pytest.mark.usefixtures("rests")]

HUNDRED_A_SECOND = 0.01
PHASES = ("placing", "starting", "published", "routed", "retiring", "done")
"""Not `healthy`, in which no operation stays: a copy is ready and has its endpoint by one write."""
PARTS = ("deis-control", "docker", "registry", "postgres")


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "part", ["deis-control", "deis-node", "etcd", "postgres", "registry", "docker"]
)
def test_killing_a_component_costs_no_request_and_it_comes_back(kept_app: App, part: str) -> None:
    platform = kept_app.platform
    with Load(platform.http_port, kept_app.host, HUNDRED_A_SECOND) as load:
        wait_for(load, 100)
        old = platform.kill(part)
        platform.recovered(part, old)
        wait_for(load, len(load.requests) + 200)
    assert load.failures == []
    kept_app.deploy(f"after {part}")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victims", ["master", "worker", "all"])
def test_killing_nginx_is_mended_within_seconds(kept_app: App, victims: str) -> None:
    for pid in kept_app.platform.nginx()[victims]:
        os.kill(pid, signal.SIGKILL)
    poll(lambda: kept_app.get()[0] == 200, 20, "answers again")
    kept_app.deploy(f"after nginx {victims}")


@pytest.mark.timeout(240)
def test_killing_the_supervisor_stops_nothing_and_up_adopts(kept_app: App) -> None:
    platform = kept_app.platform
    before = {name: platform.pid(name) for name in platform.facts["components"]}
    with Load(platform.http_port, kept_app.host, HUNDRED_A_SECOND) as load:
        platform.kill("supervisor")
        wait_for(load, 100)
        platform.up()
    assert load.failures == []
    after = {name: platform.pid(name) for name in platform.facts["components"]}
    assert after.pop("supervisor") != before.pop("supervisor")
    assert after == before
    old = platform.kill("registry")
    platform.recovered("registry", old)


@pytest.mark.timeout(240)
def test_an_emptied_etcd_stops_nothing_and_is_put_right(app: App) -> None:
    platform = app.platform
    platform.deis("ps:scale", "web=3", "-a", app.name)
    placed = set(platform.etcd("/deis/placements/"))
    containers = platform.containers(app.name)
    old = platform.pid("etcd")
    with Load(platform.http_port, app.host, HUNDRED_A_SECOND) as load:
        shutil.rmtree(platform.home / "data" / "etcd")
        platform.kill("etcd")
        platform.recovered("etcd", old)
        poll(lambda: set(platform.etcd("/deis/placements/")) == placed, 60, "placements are back")
        services = f"/deis/services/{app.name}/"
        poll(lambda: len(platform.etcd(services)) == 3, 60, "endpoints are back")
        poll(lambda: bool(platform.etcd("/deis/control/incarnation")), 60, "incarnation")
        wait_for(load, len(load.requests) + 200)
    assert load.failures == []
    assert platform.containers(app.name) == containers
    app.deploy("after the loss")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_at_a_phase_boundary_of_a_push(kept_app: App, part: str, phase: str) -> None:
    with Phases(kept_app) as phases:
        in_time = push_and_kill(kept_app, part, f"{part} at {phase}", lambda: phases.reached(phase))
        assert in_time or phase == "done"


@pytest.fixture(scope="module")
def usual(kept_app: App) -> float:
    """Seconds that a push takes when nothing is killed."""
    kept_app.commit("as usual")
    began = time.monotonic()
    kept_app.push()
    return time.monotonic() - began


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(10))
def test_a_kill_at_a_random_moment_of_a_push(kept_app: App, usual: float, number: int) -> None:
    part = PARTS[number % len(PARTS)]
    after = random.Random(SEED + number).uniform(0, usual)
    print(f"seed {SEED}: {part} after {after:.2f} of {usual:.2f} s")
    began = time.monotonic()
    push_and_kill(kept_app, part, f"random {number}", lambda: time.monotonic() - began >= after)


def push_and_kill(app: App, part: str, message: str, now: Callable[[], bool]) -> bool:
    """Push a page, kill the component when `now` is true, and look at what came of both.

    True if the push was under way when the component was killed.
    """
    app.commit(message)
    pushing = threading.Thread(target=lambda: app.push(check=False))
    pushing.start()
    while pushing.is_alive() and not now():
        time.sleep(0.002)
    old = app.platform.kill(part)
    in_time = pushing.is_alive()
    print("the push was", "under way" if in_time else "over")
    app.platform.recovered(part, old)
    pushing.join(timeout=120)
    assert not pushing.is_alive()
    check_after_a_kill(app, message)
    return in_time


def check_after_a_kill(app: App, message: str) -> None:
    """Live or failed, never pending; the ref as the release; the same push succeeds."""
    poll(lambda: releases_in_state(app, "pending") == "0", 90, "no pending release")
    head = app.git("rev-parse", "HEAD").stdout.strip()
    live = releases_in_state(app, "live", head[:8]) != "0"
    moved = app.git("ls-remote", "deis", "refs/heads/master").stdout.startswith(head)
    assert moved == live
    pushed = app.push(check=False)
    assert pushed.returncode == 0, pushed.stderr
    poll(lambda: message in app.body(), 30, "new body")


class Phases:
    """What phases the app's operations reach from now on, asked within a millisecond."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        connecting = asyncpg.connect(self._app.platform.database_url)
        self._connection: asyncpg.Connection[Any] = self._runner.run(connecting)
        query = "SELECT max(o.seq) FROM operations o JOIN apps a ON a.uuid = o.app WHERE a.id = $1"
        self._before = self._runner.run(self._connection.fetchval(query, self._app.name))
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.terminate()
        self._runner.close()

    def reached(self, phase: str) -> bool:
        """Whether one of them has had this phase."""
        query = (
            "SELECT EXISTS (SELECT FROM operation_phases p JOIN operations o ON o.id = p.operation "
            "JOIN apps a ON a.uuid = o.app WHERE a.id = $1 AND p.phase = $2 AND o.seq > $3)"
        )
        asking = self._connection.fetchval(query, self._app.name, phase, self._before)
        return bool(self._runner.run(asking))


def releases_in_state(app: App, state: str, sha: str = "") -> str:
    query = (
        "SELECT count(*) FROM releases r JOIN apps a ON a.uuid = r.app "
        "LEFT JOIN builds b ON b.uuid = r.build "
        f"WHERE a.id = '{app.name}' AND r.state = '{state}' AND coalesce(b.sha, '') LIKE '{sha}%'"
    )
    return app.platform.sql(query)
