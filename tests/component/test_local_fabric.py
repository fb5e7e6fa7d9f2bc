"""Hosts as network namespaces on a bridge: who reaches whom, and that nothing of them is left."""

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deis_cli.deisctl.local import network
from deis_cli.deisctl.local.fabric import Fabric, HostNetwork
from deis_cli.deisctl.local.programs import output_of, run
from tests.fixtures.faults import drop_arriving, drop_leaving, forget
from tests.fixtures.platform import poll

PORT = 25000
SERVE = (
    "import socket, sys\n"
    "server = socket.create_server((sys.argv[1], int(sys.argv[2])))\n"
    "print('ready', flush=True)\n"
    "while True: server.accept()[0].close()\n"
)


@pytest.fixture
def fabric() -> Iterator[Fabric]:
    made = Fabric(secrets.token_hex(3), network.choose_subnet())
    try:
        yield made
    finally:
        for number in (1, 2):
            made.host(number).remove()
        made.remove()
    traces = output_of(["ip", "-o", "link"]) + " ".join(map(str, Path("/run").glob("**/deis-*")))
    assert made.name not in traces


@contextmanager
def serving(host: HostNetwork, port: int = PORT) -> Iterator[None]:
    """Something that accepts on a host."""
    argv = [sys.executable, "-c", SERVE, str(host.host_address.ip), str(port)]
    with subprocess.Popen(host.enter(argv), stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            server.kill()


def reached(host: HostNetwork, port: int = PORT, *, source: HostNetwork | None = None) -> bool:
    """Whether a host accepts a connection, from the machine or from another host."""
    address = str(host.host_address.ip)
    if source is not None:
        connect = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"
        argv = source.enter([sys.executable, "-c", connect, address, str(port)])
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def test_hosts_have_names_and_reach_each_other_and_the_machine_reaches_them(
    fabric: Fabric,
) -> None:
    one, two = fabric.host(1), fabric.host(2)
    for host in (one, two):
        host.ensure()
        assert run(host.enter(["hostname"])).strip() == host.hostname
    with serving(one):
        assert reached(one)
        assert reached(one, source=two)
        assert reached(one, source=one)
    assert socket.gethostname() not in (one.hostname, two.hostname)


def test_a_wire_that_was_pulled_is_put_back_by_nobody_else(fabric: Fabric) -> None:
    host = fabric.host(1)
    host.ensure()
    with serving(host):
        host.cut()
        host.ensure()
        assert not host.is_joined
        assert not reached(host)
        host.join()
        assert host.is_joined
        # The machine asks for the host's MAC address once a second.
        poll(lambda: reached(host), 10, "the host is reached again")


def test_a_host_that_is_made_again_is_reached_at_once(fabric: Fabric) -> None:
    host = fabric.host(1)
    for _ in range(3):
        host.ensure()
        with serving(host):
            assert reached(host)
        host.remove()
        assert not host.is_joined


def test_containers_do_not_reach_what_the_platform_keeps_for_itself(fabric: Fabric) -> None:
    """A second namespace behind a bridge of the host's, as Docker's containers are."""
    host, other = fabric.host(1), fabric.host(2)
    host.ensure()
    other.ensure()
    inside = f"{host.name}-container"
    network.make_namespace(network.NAMESPACES / inside)
    try:
        for words in (
            "link add docker0 type bridge",
            "link set docker0 up",
            f"address add {host.bridge_address} dev docker0",
            f"link add c0 type veth peer name eth0 netns {inside}",
            "link set c0 master docker0 up",
        ):
            run(host.enter(["ip", *words.split()]))
        gateway = host.bridge_address.ip
        address = f"{gateway + 1}/{host.bridge_address.network.prefixlen}"
        for words in (
            f"address add {address} dev eth0",
            "link set eth0 up",
            f"route add default via {gateway}",
        ):
            run(["ip", "-n", inside, *words.split()])
        # What Docker does for its containers.
        run(host.enter(["tee", "/proc/sys/net/ipv4/ip_forward"]), stdin="1")
        nat = ["iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "eth0", "-j", "MASQUERADE"]
        run(host.enter(nat))

        def from_container(target: HostNetwork, port: int) -> bool:
            connect = "import socket, sys; socket.create_connection((sys.argv[1], sys.argv[2]), 1)"
            argv = ["nsenter", f"--net=/run/netns/{inside}", "--", sys.executable, "-c", connect]
            argv += [str(target.host_address.ip), str(port)]
            return subprocess.run(argv, capture_output=True, check=False).returncode == 0

        for target in (host, other):
            with serving(target, 12345), serving(target, PORT):
                assert from_container(target, PORT)
                assert not from_container(target, 12345)
                assert reached(target, 12345)
    finally:
        network.remove_namespace(network.NAMESPACES / inside)


@pytest.mark.parametrize("drop", [drop_arriving, drop_leaving])
def test_faults_hit_whom_they_name_and_are_forgotten(
    fabric: Fabric, drop: Callable[[HostNetwork, str], None]
) -> None:
    one, two = fabric.host(1), fabric.host(2)
    one.ensure()
    two.ensure()
    with serving(one):
        drop(one, str(two.host_address.ip))
        assert not reached(one, source=two)
        assert reached(one)
        forget(one)
        forget(one)
        assert reached(one, source=two)
