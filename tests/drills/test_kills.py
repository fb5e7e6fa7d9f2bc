"""kill -9 of each part of a cluster twice, of all at once, and in the middle of every change."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.fixtures import invariants
from tests.fixtures.cluster import Cluster
from tests.fixtures.host_faults import pids_of
from tests.fixtures.leading import etcd_leader
from tests.fixtures.platform import App, poll
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Traffic, busy_app, count, moment

pytestmark = pytest.mark.timeout(1800)

ROUTERS = ["local-1", "local-2"]
PARTS = ("etcd", "containerd", "docker", "deis-control", "deis-node", "postgres", "registry")
VICTIMS = ("deis-control", "deis-node", "etcd", "docker", "postgres")
PHASES = ("placing", "starting", "healthy", "published", "routed", "retiring")
EARLY = ("placing", "starting")
"""Phases after which a change goes on for long enough to be hit in any case."""
BACK = 2.0
"""Seconds within which a router answers again."""
OPEN = "SELECT count(*) FROM operations WHERE phase NOT IN ('done', 'failed')"


@pytest.fixture(scope="module")
def busy(cluster_of_three: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts, with a release to go back to."""
    with busy_app(cluster_of_three) as app:
        app.deploy("second")
        asyncio.run(invariants.at_rest(cluster_of_three))
        yield app


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_killed_twice_on_every_host(
    cluster: Cluster, busy: App, part: str, seen: Seen
) -> None:
    running = cluster.copies(busy.name)
    names = [name for name in components(cluster) if name.partition("@")[0] == part]
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        began = time.monotonic()
        for name in names:
            for _ in range(2):
                old = cluster.kill(name)
                poll(lambda n=name, o=old: cluster.pid(n) not in (0, o), 60, f"{name} again")  # type: ignore[misc]
            cluster.wait_ready(name)
        asyncio.run(invariants.at_rest(cluster))
        traffic.settle(2.0)
    seen(f"{', '.join(names)}: at rest {time.monotonic() - began:.1f} s after the first kill")
    assert traffic.all_failures() == []
    # An agent that is away for longer than its lease is a lost host, from which copies move.
    assert cluster.copies(busy.name) == running or part == "deis-node"
    busy.deploy(f"after {part}, twice")
    asyncio.run(invariants.at_rest(cluster))


def test_everything_is_killed_at_once(cluster: Cluster, busy: App, seen: Seen) -> None:
    running = cluster.copies(busy.name)
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        began = time.monotonic()
        old = {name: cluster.kill(name) for name in components(cluster)}
        for name in old:
            cluster.wait_ready(name)
        assert all(cluster.pid(name) != pid for name, pid in old.items())
        seen(f"all {len(old)} processes answer again after {time.monotonic() - began:.1f} s")
        asyncio.run(invariants.at_rest(cluster))
        seen(f"at rest after {time.monotonic() - began:.1f} s")
        traffic.settle(2.0)
    assert traffic.all_failures() == []
    assert cluster.copies(busy.name) == running
    busy.deploy("after everything")
    asyncio.run(invariants.at_rest(cluster))


@pytest.mark.parametrize("host", ROUTERS)
def test_all_of_nginx_is_killed_twice(cluster: Cluster, busy: App, host: str, seen: Seen) -> None:
    other = next(name for name in ROUTERS if name != host)
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        killed = []
        for _ in range(2):
            pids = pids_of(cluster, f"nginx@{host}")
            assert len(pids) > 1
            killed.append(moment())
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            traffic.settle(BACK + 2.0)
        asyncio.run(invariants.at_rest(cluster))
    failed = traffic.failures(host)
    seen(f"{len(failed)} of {count(traffic)} requests failed, all of them through {host}")
    # From the last kill before its end; below 0 it was under way then.
    gaps = [item.started - max(kill for kill in killed if kill <= item.ended) for item in failed]
    seen(f"the last one was started {max(gaps, default=0):.2f} s after a kill")
    assert traffic.failures(other) == []
    assert all(gap < BACK for gap in gaps)
    busy.deploy("after nginx, twice")


@pytest.mark.parametrize("part", VICTIMS)
@pytest.mark.parametrize("change", ["scale", "rollback"])
def test_a_part_is_killed_at_each_phase_of_a_change(
    cluster: Cluster, busy: App, part: str, change: str, seen: Seen
) -> None:
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        for phase in PHASES:
            words, count = scaling(cluster, busy, phase) if change == "scale" else (["rollback"], 6)
            hit = while_changing(cluster, busy, words, at(cluster, busy, phase), part)
            asyncio.run(invariants.at_rest(cluster))
            assert len(cluster.containers(busy.name)) == count
            assert hit or phase not in EARLY
            seen(f"{change}, {part} at {phase}: {'hit' if hit else 'over before'}")
        if change == "scale":
            cluster.deis("ps:scale", "web=6", "-a", busy.name)
        traffic.settle(2.0)
    assert traffic.all_failures() == []
    poll(lambda: len(cluster.containers(busy.name)) == 6, 120, "six copies")


@pytest.mark.parametrize("part", VICTIMS)
def test_a_part_is_killed_while_an_app_is_made(cluster: Cluster, part: str, seen: Seen) -> None:
    chance = random.Random(part)
    for number in range(4):
        name = f"brief-{part.removeprefix('deis-')}-{number}"
        create = ["apps:create", name, "--no-remote"]
        _, done = while_running(cluster, create, after(chance.uniform(0, 0.8)), part)
        there = name in apps(cluster)
        seen(f"{part}: the client was told {done.returncode}, the app is {there and 'there'}")
        assert there or done.returncode
        if not there:
            cluster.deis(*create)
        assert "v1" in cluster.deis("releases", "-a", name).stdout
        cluster.deis("apps:destroy", "-a", name, f"--confirm={name}")
    asyncio.run(invariants.at_rest(cluster))


@pytest.mark.parametrize("part", VICTIMS)
def test_a_part_is_killed_while_an_app_is_destroyed(
    cluster: Cluster, part: str, seen: Seen
) -> None:
    chance = random.Random(part)
    for _ in range(3):
        app = cluster.create("brief").deploy()
        cluster.deis("ps:scale", "web=3", "-a", app.name)
        destroy = ["apps:destroy", "-a", app.name, f"--confirm={app.name}"]
        _, done = while_running(cluster, destroy, after(chance.uniform(0, 1.5)), part)
        poll(lambda: cluster.sql(OPEN) == "0", 300, "no operation is open")
        left = app.name in apps(cluster)
        seen(
            f"{part}: the client was told {done.returncode}, the app is "
            f"{'left' if left else 'gone'}"
        )
        if left:
            cluster.deis(*destroy)
        poll(lambda a=app: cluster.containers(a.name) == [], 120, "its copies have ended")  # type: ignore[misc]
        asyncio.run(invariants.at_rest(cluster))
        shutil.rmtree(app.copy.parent)


def scaling(cluster: Cluster, app: App, phase: str) -> tuple[list[str], int]:
    """A scale that comes to this phase, and how many copies run after it."""
    before, after = (6, 3) if phase == "retiring" else (3, 6)
    cluster.deis("ps:scale", f"web={before}", "-a", app.name)
    asyncio.run(invariants.at_rest(cluster))
    return ["ps:scale", f"web={after}"], after


def apps(cluster: Cluster) -> list[str]:
    """The names of all apps."""
    return cluster.deis("apps:list").stdout.split()


def after(seconds: float) -> Callable[[], bool]:
    """Whether so many seconds have passed."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def components(cluster: Cluster) -> list[str]:
    """Everything that the supervisor keeps running, but what stands before the routers."""
    every = cluster.facts["components"]
    beside = ("supervisor", "relay", "nginx")
    return [name for name in every if name.partition("@")[0] not in beside]


def victim(cluster: Cluster, part: str) -> str:
    """The one whose death hurts most: a leader where there is one."""
    if part == "postgres":
        return part
    if part == "etcd":
        return f"etcd@{etcd_leader(cluster)}"
    host = cluster.leader()[0] if part == "deis-control" else "local-3"
    return f"{part}@{host}"


def while_running(
    cluster: Cluster, words: list[str], now: Callable[[], bool], part: str
) -> tuple[bool, subprocess.CompletedProcess[str]]:
    """Run a command, kill a part when `now` is true; whether it ran still, and what it said."""
    name = victim(cluster, part)
    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(cluster.deis, *words, check=False, timeout=300)
        while not (changing.done() or now()):
            time.sleep(0.002)
        hit = not changing.done()
        cluster.restart(name)
        return hit, changing.result()


def while_changing(
    cluster: Cluster, app: App, words: list[str], now: Callable[[], bool], part: str
) -> bool:
    """The same for a change of an app, which succeeds all the same, once; whether it was hit."""
    before = cluster.sql(newest(app))
    hit, _ = while_running(
        cluster,
        [*words, "-a", app.name],
        lambda: cluster.sql(newest(app)) != before and now(),
        part,
    )
    poll(lambda: cluster.sql(OPEN) == "0", 300, "no operation is open")
    assert int(cluster.sql(newest(app))) == int(before) + 1
    assert cluster.sql(newest(app, "phase")) == "done"
    return hit


def newest(app: App, column: str = "seq") -> str:
    """Asks for what the app's newest operation has there."""
    return (
        f"SELECT o.{column} FROM operations o JOIN apps a ON a.uuid = o.app "
        f"WHERE a.id = '{app.name}' ORDER BY o.seq DESC LIMIT 1"
    )


def at(cluster: Cluster, app: App, phase: str) -> Callable[[], bool]:
    """Whether the app's newest operation has come to a phase."""
    return lambda: reached(cluster, app, phase)


def reached(cluster: Cluster, app: App, phase: str) -> bool:
    """Whether the app's newest operation has had this phase."""
    query = (
        "SELECT count(*) FROM operation_phases p JOIN operations o ON o.id = p.operation "
        f"JOIN apps a ON a.uuid = o.app WHERE a.id = '{app.name}' AND p.phase = '{phase}' "
        "AND o.seq = (SELECT max(seq) FROM operations WHERE app = a.uuid)"
    )
    return cluster.sql(query) not in ("0", "")
