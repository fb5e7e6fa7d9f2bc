"""Failovers without help from outside: the image is there, PostgreSQL is out of reach."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fixtures.cluster import MACHINE, Cluster
from tests.fixtures.invariants import at_rest
from tests.fixtures.platform import App, poll
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import moment

pytestmark = pytest.mark.timeout(600)

ROUTERS = ("local-1", "local-2")


@pytest.fixture
def single(cluster: Cluster) -> Iterator[App]:
    """An app of one copy."""
    made = cluster.create()
    made.deploy()
    yield made
    cluster.heal()
    made.destroy()


def running(cluster: Cluster, app: App) -> dict[str, int]:
    """Host → how many copies run there, as its engine says."""
    return {host: len(names) for host, names in cluster.copies(app.name).items() if names}


def holding(cluster: Cluster, app: App) -> set[str]:
    """The hosts that say that they have the app's image beforehand."""
    wishes = cluster.etcd("/deis/prefetch/")
    mine = {key: wish for key, wish in wishes.items() if key.endswith(f"/{app.name}")}
    return {key.split("/")[3] for key, wish in mine.items() if wish.get("held")}


def test_a_copy_of_a_lost_host_finds_its_image(cluster: Cluster, single: App, seen: Seen) -> None:
    (victim,) = running(cluster, single)
    others = {host for host in cluster.names if host != victim}
    began = moment()
    poll(lambda: holding(cluster, single) == others, 120, "both other hosts have the image")
    seen(f"{sorted(others)} have the image {moment() - began:.0f} s after the deploy")
    reference = next(iter(cluster.etcd(f"/deis/placements/{victim}/").values()))["image"]
    for host in others:
        assert cluster.docker_on(host, "image", "inspect", "-f", "{{.Id}}", reference).strip()
    router = next(host for host in ROUTERS if host != victim)
    began = moment()
    cluster.power_off(victim)
    # Until its lease has ended the router has nobody else to send to, and says 502.
    poll(lambda: cluster.get_through(router, single.host)[0] == 200, 150, "it serves again")
    seen(f"its one copy serves again {moment() - began:.1f} s after its host lost power")
    cluster.heal()
    asyncio.run(at_rest(cluster))


def test_a_new_leader_makes_copies_again_without_postgresql(
    cluster: Cluster, single: App, seen: Seen
) -> None:
    cluster.deis("ps:scale", "web=3", "-a", single.name)
    poll(lambda: len(running(cluster, single)) == 3, 60, "a copy on each host")
    victim, term = cluster.leader()
    for host in cluster.names:
        cluster.partition(host, [MACHINE])
    began = moment()
    cluster.power_off(victim)
    poll(lambda: sum(running(cluster, single).values()) == 3, 200, "three copies again")
    seen(f"no host reached PostgreSQL; {victim}, which led, lost power")
    seen(f"three copies run again after {moment() - began:.1f} s")
    cluster.heal()
    poll(lambda: cluster.leader()[1] > term, 100, "the next leader has raised the epoch")
    asyncio.run(at_rest(cluster))
    single.deploy("after the outage")
