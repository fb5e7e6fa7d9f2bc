"""The host of a local platform as a network namespace, joined to the machine by one veth pair.

The machine gets one link, one address and one route, and nothing else: no bridge, no packet
filter, no forwarding. The Docker Engine in the namespace does as it likes with its own.

    machine 10.x.y.1/30 ── veth ── 10.x.y.2/30 namespace ── bridge 10.x.z.1/21 ── containers
"""

import contextlib
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, Protocol

from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.locks import locked
from deis_cli.deisctl.local.programs import run, succeeds

POOLS = tuple(map(IPv4Network, ("10.128.0.0/9", "172.16.0.0/12", "192.168.0.0/16")))
"""Where the address ranges of homes are taken from (RFC 1918); the later ones when need be."""
BLOCK = 20
"""Prefix length of one home's range: its lower half has the link, its upper half the bridge."""

NAMESPACES = Path("/run/netns")
"""Where `ip netns` looks for namespaces."""
INSIDE = "eth0"
"""The link's end in the namespace."""

MACHINE_LOCK = Path("/run")
"""Whose lock is held while the machine's network is changed: one home at a time."""


class EngineNetwork(Protocol):
    """What a Docker Engine needs of the network that it runs in."""

    @property
    def name(self) -> str:
        """Of the namespace, and of the control group of all that runs in it."""
        ...

    @property
    def words(self) -> tuple[str, ...]:
        """What tells another process which network this is."""
        ...

    @property
    def namespace(self) -> Path:
        """The file that stands for the namespace."""
        ...

    @property
    def host_address(self) -> IPv4Interface:
        """The address that containers' ports are bound to."""
        ...

    @property
    def bridge_address(self) -> IPv4Interface:
        """The address of the engine's bridge, in the containers' network."""
        ...

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The same program, run there."""
        ...

    def ensure(self) -> None:
        """Make what is missing of it; LocalError."""
        ...

    def remove(self) -> None:
        """Remove it; what is not there is left alone. LocalError."""
        ...


@dataclass(frozen=True, slots=True)
class Network:
    """The names and addresses of one home's network."""

    id: str
    """Six hexadecimal digits, the home's."""
    subnet: str
    """The home's range, such as `10.200.16.0/20`."""

    @property
    def name(self) -> str:
        """Of the namespace and of the link's machine end (at most 15 characters)."""
        return f"deis-{self.id}"

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments that make this network."""
        return self.id, self.subnet

    @property
    def namespace(self) -> Path:
        """The file that stands for the namespace."""
        return NAMESPACES / self.name

    @property
    def machine_address(self) -> IPv4Interface:
        """The link's end on the machine."""
        return IPv4Interface((self._range[1], 30))

    @property
    def host_address(self) -> IPv4Interface:
        """The link's end in the namespace: the address that containers' ports are bound to."""
        return IPv4Interface((self._range[2], 30))

    @property
    def bridge_address(self) -> IPv4Interface:
        """The address of the Docker Engine's bridge, in the containers' network."""
        containers = list(self._range.subnets(prefixlen_diff=1))[1]
        return IPv4Interface((containers[1], containers.prefixlen))

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The same program, run in the namespace.

        `ip netns exec` would mount /sys anew, without the control groups below it.
        """
        return ["nsenter", f"--net={self.namespace}", "--", *argv]

    def ensure(self) -> None:
        """See `ensure`."""
        ensure(self)

    def remove(self) -> None:
        """See `remove`."""
        remove(self)

    @property
    def _range(self) -> IPv4Network:
        return IPv4Network(self.subnet)


def choose_subnet() -> str:
    """A range that nothing on this machine has an address in or a route to; LocalError."""
    occupied = taken_networks()
    for pool in POOLS:
        blocks = list(pool.subnets(new_prefix=BLOCK))
        start = secrets.randbelow(len(blocks))
        for block in blocks[start:] + blocks[:start]:
            if not any(block.overlaps(other) for other in occupied):
                return str(block)
    raise LocalError("No private range of addresses is free for the Docker Engine's network.")


def ensure(network: Network) -> None:
    """Make the namespace, the link, the addresses and the routes, as far as they are missing.

    LocalError when the range has been taken by somebody else meanwhile.
    """
    with locked(MACHINE_LOCK):
        check_range(network.subnet, network.name)
        if not os.path.ismount(network.namespace):
            make_namespace(network.namespace)
        _make_link(network)
        _set_addresses(network)


def remove(network: Network) -> None:
    """Remove the namespace and the link; what is not there is left alone.

    Processes in the namespace keep it alive without a name: end them first.
    """
    with locked(MACHINE_LOCK):
        if link_exists(network.name):
            run(["ip", "link", "delete", "dev", network.name])
        remove_namespace(network.namespace)


def taken_networks(*, but_device: str | None = None) -> tuple[IPv4Network, ...]:
    """Every network that this machine has an address in or a route to, the default ones aside."""
    addresses = json.loads(run(["ip", "-json", "-4", "address"]))
    routes = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]))
    return taken(addresses, routes, but_device=but_device)


def taken(
    addresses: Iterable[dict[str, Any]],
    routes: Iterable[dict[str, Any]],
    *,
    but_device: str | None = None,
) -> tuple[IPv4Network, ...]:
    """The same, from the JSON of `ip address` and `ip route`."""
    found = {
        IPv4Interface(f"{entry['local']}/{entry['prefixlen']}").network
        for device in addresses
        if device.get("ifname") != but_device
        for entry in device.get("addr_info", ())
        if entry.get("family", "inet") == "inet"
    }
    for route in routes:
        if route.get("dst", "default") != "default" and route.get("dev") != but_device:
            found.add(IPv4Network(route["dst"], strict=False))
    return tuple(sorted(network for network in found if network.prefixlen > 0))


def check_range(subnet: str, device: str) -> None:
    """LocalError when somebody else has a network in this range; `device` is the home's own.

    A wider network around the range does no harm.
    """
    own = IPv4Network(subnet)
    others = taken_networks(but_device=device)
    intruder = next((other for other in others if other.subnet_of(own)), None)
    if intruder is not None:
        raise LocalError(
            f"The address range {subnet} of this home is used by {intruder}: "
            "remove that network, or use another --home."
        )


def make_namespace(file: Path) -> None:
    """A named namespace, without making /run/netns a mount as `ip netns add` does."""
    NAMESPACES.mkdir(parents=True, exist_ok=True)
    file.touch()
    run(["unshare", f"--net={file}", "--", "true"])


def remove_namespace(file: Path) -> None:
    """Take a namespace's name away; one without is left alone."""
    if os.path.ismount(file):
        run(["umount", "--lazy", str(file)])
    file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # Others' namespaces are there, or it is a mount.
        NAMESPACES.rmdir()


def link_exists(name: str) -> bool:
    """Whether the machine has a link of this name."""
    return Path("/sys/class/net", name).exists()


def _make_link(network: Network) -> None:
    """The veth pair; a half of another life goes first."""
    inside = succeeds(network.enter(["ip", "link", "show", "dev", INSIDE]))
    if link_exists(network.name):
        if inside:
            return
        run(["ip", "link", "delete", "dev", network.name])
    elif inside:
        run(network.enter(["ip", "link", "delete", "dev", INSIDE]))
    peer = ["peer", "name", INSIDE, "netns", str(network.namespace)]
    run(["ip", "link", "add", "name", network.name, "type", "veth", *peer])


def _set_addresses(network: Network) -> None:
    machine, host = network.machine_address, network.host_address
    run(["ip", "address", "replace", str(machine), "dev", network.name])
    run(["ip", "link", "set", "dev", network.name, "up"])
    for inside in (
        ["ip", "link", "set", "dev", "lo", "up"],
        ["ip", "address", "replace", str(host), "dev", INSIDE],
        ["ip", "link", "set", "dev", INSIDE, "up"],
        ["ip", "route", "replace", "default", "via", str(machine.ip)],
    ):
        run(network.enter(inside))
    containers = str(network.bridge_address.network)
    run(["ip", "route", "replace", containers, "via", str(host.ip), "dev", network.name])
