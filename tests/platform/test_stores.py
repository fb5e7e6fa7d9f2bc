"""Both stores of a cluster are lost, or brought back as they were earlier, while an app serves.

No request may fail through any router; nothing that runs is ended by it.
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fixtures import invariants, stores
from tests.fixtures.cluster import Cluster
from tests.fixtures.platform import App, poll
from tests.fixtures.traffic import BESIDE_OTHERS, Traffic, busy_app

pytestmark = [pytest.mark.timeout(600), pytest.mark.long(250)]

ROUTERS = ["local-1", "local-2"]
OUTAGE = 60.0
"""Seconds without a majority of etcd's members."""


@pytest.fixture(scope="module")
def busy(cluster_of_three: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    with busy_app(cluster_of_three) as app:
        yield app


@pytest.fixture
def changed(cluster: Cluster) -> Iterator[App]:
    """The same, for a test that leaves traces on it."""
    with busy_app(cluster) as app:
        yield app


def test_apps_serve_and_a_push_waits_while_etcd_has_no_majority(
    cluster: Cluster, busy: App
) -> None:
    traffic = Traffic(cluster, busy.host, ROUTERS, BESIDE_OTHERS)
    with traffic.flows():
        said = stores.lose_majority(cluster, busy, OUTAGE).stderr
        traffic.settle(2.0)
    assert "etcd does not answer" in said
    assert traffic.all_failures() == []
    asyncio.run(invariants.at_rest(cluster))


def test_a_snapshot_of_etcd_from_earlier_stops_nothing(
    cluster: Cluster, busy: App, tmp_path: Path
) -> None:
    cluster.deis("ps:scale", "web=5", "-a", busy.name)
    poll(lambda: len(cluster.containers(busy.name)) == 5, 60, "five copies")
    stores.save_snapshot(cluster, tmp_path / "snapshot")
    (before,) = cluster.etcd("/deis/control/incarnation").values()
    traffic = Traffic(cluster, busy.host, ROUTERS, BESIDE_OTHERS)
    with traffic.flows():
        busy.deploy("after the snapshot")
        cluster.deis("ps:scale", "web=6", "-a", busy.name)
        poll(lambda: len(cluster.containers(busy.name)) == 6, 60, "six copies")
        running = cluster.copies(busy.name)
        placed = set(cluster.etcd("/deis/placements/"))
        stores.restore_snapshot(cluster, tmp_path / "snapshot")
        poll(lambda: stores.new_life(cluster, before["id"]), 60, "the store begins a new life")
        poll(lambda: set(cluster.etcd("/deis/placements/")) == placed, 60, "placements are back")
        poll(lambda: len(cluster.etcd(f"/deis/services/{busy.name}/")) == 6, 60, "endpoints too")
        assert cluster.copies(busy.name) == running
        traffic.settle(2.0)
    assert traffic.all_failures() == []
    assert cluster.copies(busy.name) == running
    busy.deploy("in the new life")
    asyncio.run(invariants.at_rest(cluster))


def test_a_backup_of_postgresql_from_earlier_stops_nothing(
    cluster: Cluster, changed: App, tmp_path: Path
) -> None:
    stores.save_database(cluster, tmp_path / "backup")
    younger = cluster.create("younger")
    younger.deploy("not in the backup")
    traffic = Traffic(cluster, changed.host, ROUTERS, BESIDE_OTHERS)
    with traffic.flows():
        cluster.deis("config:set", "AFTER=the backup", "-a", changed.name)
        poll(lambda: len(cluster.containers(changed.name)) == 6, 60, "old copies are gone")
        running = cluster.containers(changed.name)
        told = told_of_a_database_behind(cluster)
        stores.restore_database(cluster, tmp_path / "backup")
        poll(lambda: told_of_a_database_behind(cluster) > told, 60, "the operator is told")
        changed.deploy("with an older database")
        assert set(cluster.containers(changed.name)) >= set(running)
        assert younger.get()[0] == 200
        traffic.settle(2.0)
        told_first = stores.accept_database(cluster)
        assert f"{younger.name}: is removed, for PostgreSQL does not know it" in told_first
        poll(lambda: len(cluster.containers(changed.name)) == 6, 120, "six copies")
    assert traffic.all_failures() == []
    poll(lambda: cluster.containers(younger.name) == [], 120, "what nobody knows of has ended")
    changed.deploy("with the database accepted")
    gap = f"{changed.name}: its releases are"
    found: list[str] = []

    def all_but_the_gap() -> bool:
        found[:] = asyncio.run(invariants.broken(cluster))
        return [line.startswith(gap) for line in found] == [True]

    with suppress(AssertionError):
        poll(all_but_the_gap, 120, "all is as it shall be")
    # The numbers of the releases that were lost are used up.
    assert [line for line in found if not line.startswith(gap)] == []
    assert len(found) == 1
    shutil.rmtree(younger.copy.parent)


def told_of_a_database_behind(cluster: Cluster) -> int:
    """How often a leader has said in its log that the database is behind the store."""
    logs = (
        Path(cluster.facts["components"][f"deis-control@{name}"]["log"]) for name in cluster.names
    )
    return sum(log.read_text().count("the database is behind the store") for log in logs)
