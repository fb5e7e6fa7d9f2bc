"""Pushes that say nothing for minutes, and pushes whose builders are killed."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.fixtures.cluster import Cluster
from tests.fixtures.invariants import at_rest
from tests.fixtures.platform import App, poll
from tests.fixtures.proxy import relay
from tests.fixtures.seen import Seen
from tests.fixtures.traffic import Push, Traffic, busy_app, count, moment

pytestmark = pytest.mark.timeout(900)

ROUTERS = ["local-1", "local-2"]
SILENT = 290
"""Seconds for which a build says nothing."""
PATIENCE = 240.0
"""Seconds of silence after which a balancer ends a connection."""
BLOB = 100
"""MiB that are pushed."""
MIB = 1024**2


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[App]:
    """An app of six copies on three hosts."""
    with busy_app(cluster) as app:
        yield app


async def test_a_build_is_silent_for_longer_than_a_balancer_waits(
    cluster: Cluster, busy: App, seen: Seen
) -> None:
    slow_build(busy, SILENT)
    traffic = Traffic(cluster, busy.host, ROUTERS, rate=25.0)
    port = cluster.facts["builder_port"]
    longest = 0.0
    async with relay(f"ssh://127.0.0.1:{port}") as balancer:
        before = urlsplit(balancer.endpoint).port
        busy.git("remote", "set-url", "deis", f"ssh://git@127.0.0.1:{before}/{busy.name}.git")
        alias = f"{cluster.ssh_command()} -o HostKeyAlias=[127.0.0.1]:{port}"
        busy.git("config", "core.sshCommand", alias)
        with traffic.flows(), Push(busy, "after a long silence") as push:
            began = moment()
            while not push.ended and moment() - began < 2 * SILENT:
                await asyncio.sleep(0.5)
                longest = max(longest, balancer.silence)
                if balancer.silence > PATIENCE:
                    balancer.cut()
            done = push.result(1)
            seen(f"the push ended with {done.returncode} after {moment() - began:.0f} s")
            seen(f"the longest silence on the wire was {longest:.1f} s")
    assert done.returncode == 0, done.stderr
    assert moment() - began > SILENT
    assert "after a long silence" in await asyncio.to_thread(busy.body)
    await at_rest(cluster)
    assert traffic.all_failures() == []


@pytest.mark.parametrize("when", ["received", "built", "published"])
def test_every_builder_is_killed_while_a_push_is(
    cluster: Cluster, busy: App, when: str, seen: Seen
) -> None:
    releases, head = busy.releases(), busy.branch()
    if when == "received":
        (busy.copy / "blob").write_bytes(os.urandom(BLOB * MIB))
    if when == "built":
        slow_build(busy, 8)
    now: dict[str, Callable[[Push], bool]] = {
        "received": lambda _: receives(cluster),
        "built": lambda _: any("sleep 8" in line for line in commands(cluster)),
        "published": lambda push: "Pushing image" in push.said,
    }
    traffic = Traffic(cluster, busy.host, ROUTERS)
    with traffic.flows():
        hung = [cluster.kill("registry", signal.SIGSTOP)] if when == "published" else []
        try:
            with Push(busy, when) as push:
                poll(lambda: now[when](push), 120, f"it is {when}")
                old = {name: cluster.kill(name) for name in controllers(cluster)}
                done = push.result()
        finally:
            for pid in hung:
                os.kill(pid, signal.SIGCONT)
        for name, pid in old.items():
            cluster.wait_back(name, pid)
        seen(f"the push ended with {done.returncode}: {done.stderr.strip().splitlines()[-1]!r}")
        asyncio.run(at_rest(cluster))
        assert done.returncode != 0
        assert busy.releases() == releases
        assert busy.branch() == head
        assert when not in busy.body()
        began = moment()
        busy.push()
        poll(lambda: when in busy.body(), 60, "the same push is served")
        seen(f"the same push again took {moment() - began:.1f} s")
        asyncio.run(at_rest(cluster))
    seen(f"{count(traffic)} requests, {len(traffic.all_failures())} failed")
    assert traffic.all_failures() == []


def slow_build(app: App, seconds: int) -> None:
    """From now on its build says nothing for so long."""
    file = app.copy / "Dockerfile"
    file.write_text(file.read_text() + f"RUN sleep {seconds}\n")


def controllers(cluster: Cluster) -> list[str]:
    return [f"deis-control@{host}" for host in cluster.names]


def receives(cluster: Cluster) -> bool:
    """Whether a builder has a part of what is being pushed."""
    for host in cluster.names:
        builder = cluster.hosts.site(host).data / "control" / "builder"
        with suppress(FileNotFoundError):  # What is looked at comes and goes.
            packs = builder.glob("**/objects/*incoming-*/pack/tmp_pack_*")
            if any(pack.stat().st_size > BLOB * MIB / 10 for pack in packs):
                return True
    return False


def commands(cluster: Cluster) -> list[str]:
    """What runs in any container."""
    words = ("ps", "--no-trunc", "--format", "{{.Command}}")
    return [line for name in cluster.names for line in cluster.docker_on(name, *words).splitlines()]
