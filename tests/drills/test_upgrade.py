"""Agents of an earlier commit, of which the host's parts are then taken over by this one's."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.cluster import Cluster
from tests.fixtures.invariants import at_rest
from tests.fixtures.platform import PROJECT, App, run
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Traffic, busy_app, count

pytestmark = pytest.mark.timeout(900)

ROUTERS = ["local-1", "local-2"]
EARLIER = os.environ.get("DEIS_FROM", "HEAD~1")
"""The commit of the agents that are upgraded."""


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    with busy_app(cluster) as app:
        yield app


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The agent's package as it was in an earlier commit."""
    words = ["git", "-C", str(PROJECT), "archive", "--format=tar", EARLIER, "deis_node"]
    packed = subprocess.run(words, capture_output=True, check=True, timeout=60).stdout
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=packed, check=True, timeout=60)
    return tmp_path


def test_agents_of_an_earlier_commit_are_upgraded_and_go_back(
    cluster: Cluster, busy: App, earlier: Path, seen: Seen
) -> None:
    commit = run(["git", "-C", str(PROJECT), "log", "-1", "--format=%h %ci", EARLIER]).stdout
    running = births(cluster, busy)
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        for place, text in ((earlier, "earlier"), (PROJECT, "now"), (earlier, "earlier again")):
            for host in cluster.names:
                cluster.run_from(place, f"deis-node@{host}")
                asyncio.run(at_rest(cluster))  # With both beside each other, too.
            agents = pids(cluster)
            assert births(cluster, busy) == running
            busy.deploy(text)
            asyncio.run(at_rest(cluster))
            assert pids(cluster) == agents
            assert {place_of(pid) for pid in agents} == {str(place)}
            running = births(cluster, busy)
    seen(f"from and to {commit.strip()}: {count(traffic)} requests, no copy started anew")
    seen(f"{len(traffic.all_failures())} failed")
    assert traffic.all_failures() == []


def pids(cluster: Cluster) -> list[int]:
    """Of all agents."""
    return [cluster.pid(f"deis-node@{host}") for host in cluster.names]


def place_of(pid: int) -> str:
    """Where a process was told to look for its packages first."""
    environ = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return next(item for item in environ if item.startswith("PYTHONPATH=")).partition("=")[2]


def births(cluster: Cluster, app: App) -> dict[str, str]:
    """Another text for each start of a copy's container."""
    shape = "{{.Id}} {{.State.StartedAt}}"
    return {
        name: cluster.docker_on(host, "inspect", "-f", shape, name)
        for host, names in cluster.copies(app.name).items()
        for name in names
    }
