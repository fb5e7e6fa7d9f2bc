"""Processes without memory, files or other processes to be had, and clocks that jump meanwhile."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.fixtures.cluster import Cluster
from tests.fixtures.host_faults import (
    clocks_that_jump,
    end_for_want_of_memory,
    few_files,
    idle_connections,
    no_more_processes,
    pids_of,
)
from tests.fixtures.invariants import at_rest
from tests.fixtures.leading import etcd_leader
from tests.fixtures.platform import App, poll
from tests.fixtures.processes import children
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Traffic, busy_app, moment

pytestmark = pytest.mark.timeout(900)

ROUTERS = ("local-1", "local-2")
WHILE = 10.0
"""Seconds without files."""
HELD = ("deis-control", "etcd", "docker", "registry")
"""Those that hold a file for each connection; it can be seen that they refuse one more."""


@pytest.fixture(scope="module")
def busy(cluster_of_three: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    with busy_app(cluster_of_three) as app:
        yield app


@pytest.mark.parametrize(
    "part",
    [
        "deis-control",
        "deis-node",
        "etcd",
        "docker",
        "containerd",
        "postgres",
        "registry",
        "nginx",
    ],
)
def test_memory_runs_out(cluster: Cluster, busy: App, seen: Seen, part: str) -> None:
    component = component_of(cluster, part)
    pids = pids_of(cluster, component)
    # Of those that share the work of one component, one that works.
    pid = children(pids[0])[-1] if part == "postgres" else max(pids)
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        began = moment()
        end_for_want_of_memory(cluster, pid)
        asyncio.run(at_rest(cluster))
        settled = moment() - began
        busy.deploy(f"memory for {part}")
    failed = {router: len(traffic.failures(router)) for router in ROUTERS}
    seen(f"{component}: at rest {settled:.0f} s after the kernel ended it, failed {failed}")
    if part != "nginx":
        assert sum(failed.values()) == 0
    assert all(traffic.failures(router, after=began + 5) == [] for router in ROUTERS)


def nginx_anew(cluster: Cluster, *, faked: bool) -> None:
    """End all of nginx; the one that an agent starts then has that agent's clock."""
    for host in ROUTERS:
        before = pids_of(cluster, f"nginx@{host}")
        for pid in before:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        poll(partial(_has_clock, cluster, host, before, faked), 30, "nginx has its agent's clock")


def _has_clock(cluster: Cluster, host: str, before: list[int], faked: bool) -> bool:
    pids = [pid for pid in pids_of(cluster, f"nginx@{host}") if pid not in before]
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in pids]
    return len(maps) > 1 and all(("libfaketime" in text) == faked for text in maps)


def test_clocks_jump_while_programs_run(cluster: Cluster, busy: App, seen: Seen) -> None:
    parts = [f"{part}@{host}" for part in ("deis-control", "deis-node") for host in cluster.names]
    with clocks_that_jump(cluster, *parts) as clocks:
        nginx_anew(cluster, faked=True)
        poll(lambda: cluster.leader()[0] != "", 60, "somebody leads")
        asyncio.run(at_rest(cluster))
        leader, copies = cluster.leader(), cluster.copies(busy.name)
        traffic = Traffic(cluster, busy.host, list(ROUTERS))
        with traffic.flows():
            for seconds in (300, -300, 0):
                clocks.set(seconds)
                time.sleep(5)
                wrong = float(cluster.sql("SELECT extract(epoch FROM clock_timestamp())"))
                assert abs(wrong - time.time() - seconds) < 2, "PostgreSQL's clock"
                assert cluster.alive() == cluster.names
                assert cluster.copies(busy.name) == copies
                began = moment()
                busy.deploy(f"at {seconds:+d}")
                asyncio.run(at_rest(cluster))
                copies = cluster.copies(busy.name)
                seen(f"{seconds:+d} s: a push took {moment() - began:.1f} s")
        assert cluster.leader() == leader
        assert [traffic.failures(router) for router in ROUTERS] == [[], []]
    nginx_anew(cluster, faked=False)


@pytest.mark.parametrize(
    "part", ["deis-control", "deis-node", "etcd", "docker", "postgres", "registry", "nginx"]
)
def test_files_run_out(cluster: Cluster, busy: App, seen: Seen, part: str) -> None:
    component = component_of(cluster, part)
    pids = pids_of(cluster, component)
    held = [component.partition("@")[2]] if part == "nginx" else []
    traffic = Traffic(cluster, busy.host, [name for name in ROUTERS if name not in held])
    with traffic.flows():
        with few_files(pids):
            refused = part in HELD and refuses(cluster, component)
            began = moment()
            done = cluster.deis("config:set", f"FILES={part}", "-a", busy.name, check=False)
            took = moment() - began
            time.sleep(WHILE)
        back = moment()
        asyncio.run(at_rest(cluster))
        settled = moment() - back
        busy.deploy(f"files for {part}")
    assert refused or part not in HELD
    same = set(pids) <= set(pids_of(cluster, component))
    seen(f"{component}: the same process after it: {same}, at rest {settled:.0f} s after it")
    seen(f"a change meanwhile ended with {done.returncode} after {took:.1f} s")
    seen(repr((done.stdout + done.stderr).strip()[-300:]))
    assert [item for router in traffic.routers for item in traffic.failures(router)] == []


@pytest.mark.parametrize(
    "part", ["deis-control", "deis-node", "etcd", "docker", "containerd", "postgres", "registry"]
)
def test_processes_run_out(cluster: Cluster, busy: App, seen: Seen, part: str) -> None:
    component = component_of(cluster, part)
    pids = pids_of(cluster, component)
    releases, body = busy.releases(), busy.body()
    traffic = Traffic(cluster, busy.host, list(ROUTERS))
    with traffic.flows():
        with no_more_processes(pids) as refused:
            began = moment()
            done = cluster.deis("config:set", f"PIDS={part}", "-a", busy.name, check=False)
            took = moment() - began
            refusals = refused()
        asyncio.run(at_rest(cluster))
        if done.returncode:
            assert (busy.releases(), release_of(busy.body())) == (releases, release_of(body))
        busy.deploy(f"processes for {part}")
    seen(f"{component}: a change meanwhile ended with {done.returncode} after {took:.1f} s")
    seen(f"{refusals} processes or threads were refused")
    seen(repr((done.stdout + done.stderr).strip()[-300:]))
    assert [traffic.failures(router) for router in ROUTERS] == [[], []]
    # Those that make a process for each copy cannot make one.
    assert bool(done.returncode) == (part in ("docker", "containerd"))
    assert refusals or not done.returncode
    assert pids_of(cluster, component) == pids


def release_of(body: str) -> str:
    """The row of the page that names the release."""
    return next(line for line in body.splitlines() if "release" in line)


def refuses(cluster: Cluster, component: str) -> bool:
    """Whether it answers nobody behind connections that take the files which it may still open."""
    there = cluster.part(component)
    with idle_connections(there.address):
        return not there.ready()


def component_of(cluster: Cluster, part: str) -> str:
    """The one that most depends on: of several the one that leads or routes."""
    if part in ("postgres", "registry"):
        return part
    leading = {"deis-control": cluster.leader()[0], "etcd": etcd_leader(cluster)}
    return f"{part}@{leading.get(part, ROUTERS[1])}"
