"""The names, addresses and rules of a local platform's host."""

from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from deis_cli.deisctl.local.cgroups import Hierarchy, hierarchies
from deis_cli.deisctl.local.engine_layout import SOCKET_PATH_LIMIT, layout
from deis_cli.deisctl.local.mounts import mounts_below
from deis_cli.deisctl.local.network import Network, taken
from deis_cli.deisctl.local.port_hold import CHAIN, held_rules

DNAT = "-d 10.1.0.2/32 -p tcp -m tcp --dport {} -j DNAT --to-destination {}"


def make_network() -> Network:
    return Network("1a2b3c", "10.200.16.0/20")


def test_link_and_bridge_lie_in_different_halves_of_the_range() -> None:
    network = make_network()
    assert network.machine_address == IPv4Interface("10.200.16.1/30")
    assert network.host_address == IPv4Interface("10.200.16.2/30")
    assert network.bridge_address == IPv4Interface("10.200.24.1/21")


def test_a_link_name_fits_the_kernel() -> None:
    assert len(make_network().name) <= 15


def test_addresses_and_routes_are_taken_and_defaults_are_not() -> None:
    addresses = [
        {"ifname": "eth0", "addr_info": [{"local": "192.0.2.2", "prefixlen": 24}]},
        {"ifname": "deis-1a2b3c", "addr_info": [{"local": "10.1.0.1", "prefixlen": 30}]},
    ]
    routes = [
        {"dst": "default", "dev": "eth0"},
        {"dst": "10.9.0.0/16", "dev": "vpn"},
        {"dst": "10.8.0.7", "dev": "vpn"},
        {"dst": "10.1.0.0/30", "dev": "deis-1a2b3c"},
    ]
    assert taken(addresses, routes, but_device="deis-1a2b3c") == (
        IPv4Network("10.8.0.7/32"),
        IPv4Network("10.9.0.0/16"),
        IPv4Network("192.0.2.0/24"),
    )


@pytest.mark.parametrize("length", [10, 40, 60, 90, 200])
def test_every_socket_path_fits_however_long_the_home_is(length: int) -> None:
    where = layout(Path("/" + "h" * length), "1a2b3c", "10.200.16.0/20")
    longest = where.containerd_socket.with_suffix(".sock.ttrpc")
    assert len(str(longest)) <= SOCKET_PATH_LIMIT
    assert where.data_root.is_relative_to(where.home)


def test_a_short_home_keeps_its_sockets() -> None:
    where = layout(Path("/var/lib/deis-local"), "1a2b3c", "10.200.16.0/20")
    assert where.socket == Path("/var/lib/deis-local/run/docker.sock")


def test_both_versions_of_control_groups_are_found() -> None:
    mounts = (
        "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
        "cgroup /var/lib/container/cgroup cgroup rw 0 0\n"
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
    )
    assert hierarchies(mounts) == (
        Hierarchy(Path("/sys/fs/cgroup/memory"), 1),
        Hierarchy(Path("/sys/fs/cgroup/unified"), 2),
    )
    assert hierarchies("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0") == (
        Hierarchy(Path("/sys/fs/cgroup"), 2),
    )


def test_mounts_below_a_folder_are_told_latest_first() -> None:
    line = "30 1 8:1 / {} rw - ext4 /dev/sda rw"
    places = ("/", "/home/a", "/home/a/b\\040c", "/home/ab")
    found = mounts_below(Path("/home/a"), "\n".join(line.format(place) for place in places))
    assert found == [Path("/home/a/b c"), Path("/home/a")]


def test_rules_of_published_ports_are_held() -> None:
    rule = DNAT.format(20000, "10.2.0.2:5000")
    said = f"-N DOCKER\n-A DOCKER {rule}\n-A DOCKER -i docker0 -j RETURN\n"
    assert held_rules(said, "") == (f"-A {CHAIN} {rule}",)


def test_a_port_held_already_follows_the_engine() -> None:
    old, new = DNAT.format(20000, "10.2.0.2:5000"), DNAT.format(20000, "10.2.0.3:5000")
    other = DNAT.format(20001, "10.2.0.4:5000")
    held = f"-N {CHAIN}\n-A {CHAIN} {old}\n-A {CHAIN} {other}\n"
    assert held_rules(f"-A DOCKER {new}", held) == (f"-A {CHAIN} {new}", f"-A {CHAIN} {other}")


def test_nothing_is_held_where_nothing_is_published() -> None:
    assert held_rules("-N DOCKER\n", "") == ()
