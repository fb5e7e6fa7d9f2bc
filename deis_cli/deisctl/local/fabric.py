"""The network of several hosts on one machine: a bridge that all of them are plugged into.

The bridge lives in a namespace of its own, the fabric, and the machine is plugged into it like a
host. So the machine gets one link and one address, and nothing else. A host is a network namespace
and a host name; its wire can be pulled at the fabric's side, which the host cannot help.

    machine 10.x.y.1/21 ── fabric (bridge) ─┬─ 10.x.y.11 local-1 ── containers
                                            ├─ 10.x.y.12 local-2 ── containers
                                            └─ …
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from deis_cli.deisctl.local.locks import locked
from deis_cli.deisctl.local.network import (
    INSIDE,
    MACHINE_LOCK,
    NAMESPACES,
    check_range,
    link_exists,
    make_namespace,
    remove_namespace,
)
from deis_cli.deisctl.local.programs import output_of, run, succeeds

PLUG = "machine"
"""The machine's port at the bridge."""
BRIDGE = "fabric"
CONTAINERS = "docker0"
"""The Docker Engine's bridge on a host."""
GUARD = "DEIS-GUARD"
"""The chain that keeps containers from the ports of the platform's own parts."""
OWN_PORTS = "10000:19999"
"""Where those ports are chosen from, and no container's is."""


@dataclass(frozen=True, slots=True)
class Fabric:
    """The names and addresses that the hosts of one home have in common."""

    id: str
    """Six hexadecimal digits, the home's."""
    subnet: str
    """The home's range; the fabric has its lower half, each host's containers the upper one."""

    @property
    def name(self) -> str:
        """Of the fabric's namespace and of the link's machine end."""
        return f"deis-{self.id}"

    @property
    def namespace(self) -> Path:
        """The file that stands for the namespace with the bridge."""
        return NAMESPACES / self.name

    @property
    def network(self) -> IPv4Network:
        """The network of all hosts and the machine."""
        return next(IPv4Network(self.subnet).subnets(prefixlen_diff=1))

    @property
    def machine_address(self) -> IPv4Interface:
        """The machine's address: where what stands for external services listens."""
        return IPv4Interface((self.network[1], self.network.prefixlen))

    def host(self, number: int) -> "HostNetwork":
        """The network of a host, counted from 1."""
        return HostNetwork(self.id, self.subnet, number)

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The same program, run in the fabric's namespace."""
        return ["nsenter", f"--net={self.namespace}", "--", *argv]

    def ensure(self) -> None:
        """Make bridge, link and address, as far as they are missing; LocalError."""
        with locked(MACHINE_LOCK):
            self._ensure()

    def remove(self) -> None:
        """Remove all of it; the hosts go first. LocalError."""
        with locked(MACHINE_LOCK):
            if link_exists(self.name):
                run(["ip", "link", "delete", "dev", self.name])
            remove_namespace(self.namespace)

    def _ensure(self) -> None:
        check_range(self.subnet, self.name)
        if not os.path.ismount(self.namespace):
            make_namespace(self.namespace)
        if not self.has_port(BRIDGE):
            run(self.enter(["ip", "link", "add", "name", BRIDGE, "type", "bridge"]))
        run(self.enter(["ip", "link", "set", "dev", BRIDGE, "up"]))
        if not (link_exists(self.name) and self.has_port(PLUG)):
            if link_exists(self.name):
                run(["ip", "link", "delete", "dev", self.name])
            peer = ["peer", "name", PLUG, "netns", str(self.namespace)]
            run(["ip", "link", "add", "name", self.name, "type", "veth", *peer])
        run(self.enter(["ip", "link", "set", "dev", PLUG, "master", BRIDGE, "up"]))
        run(["ip", "address", "replace", str(self.machine_address), "dev", self.name])
        run(["ip", "link", "set", "dev", self.name, "up"])

    def has_port(self, name: str) -> bool:
        """Whether the fabric has a link of this name."""
        return succeeds(self.enter(["ip", "link", "show", "dev", name]))


@dataclass(frozen=True, slots=True)
class HostNetwork:
    """The namespaces and the wire of one host."""

    id: str
    subnet: str
    number: int

    @property
    def fabric(self) -> Fabric:
        """What this host is plugged into."""
        return Fabric(self.id, self.subnet)

    @property
    def hostname(self) -> str:
        """What the host calls itself; its port at the bridge is called the same."""
        return host_name(self.number)

    @property
    def name(self) -> str:
        """Of the network namespace and of the host's control group."""
        return f"deis-{self.id}-{self.number}"

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments that make this network."""
        return self.id, self.subnet, str(self.number)

    @property
    def namespace(self) -> Path:
        """The file that stands for the network namespace."""
        return NAMESPACES / self.name

    @property
    def uts(self) -> Path:
        """The file that stands for the namespace of the host name."""
        return Path("/run") / f"{self.name}.uts"

    @property
    def host_address(self) -> IPv4Interface:
        """The host's address."""
        network = self.fabric.network
        return IPv4Interface((network[10 + self.number], network.prefixlen))

    @property
    def hardware_address(self) -> str:
        """The host's MAC address: the same after each power cycle, as that of a real card.

        With another one the others would go on sending to the old one for half a minute.
        """
        return ":".join(("02", self.id[:2], self.id[2:4], self.id[4:], "00", f"{self.number:02x}"))

    @property
    def bridge_address(self) -> IPv4Interface:
        """The address of the Docker Engine's bridge: the same one on every host."""
        containers = list(IPv4Network(self.subnet).subnets(prefixlen_diff=1))[1]
        return IPv4Interface((containers[1], containers.prefixlen))

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The same program, run on the host.

        `ip netns exec` would mount /sys anew, without the control groups below it.
        """
        return ["nsenter", f"--net={self.namespace}", f"--uts={self.uts}", "--", *argv]

    def ensure(self) -> None:
        """Make namespaces, wire, address and route, as far as they are missing; LocalError.

        A wire that is there stays as it is: one that was pulled is not put back.
        """
        if self._is_whole:
            return
        self.fabric.ensure()
        with locked(MACHINE_LOCK):
            self._make_namespaces()
            self._make_wire()
            self._set_addresses()
            self._guard()

    def remove(self) -> None:
        """Remove wire and namespaces; processes in them must have ended. LocalError."""
        with locked(MACHINE_LOCK):
            fabric = self.fabric
            if os.path.ismount(fabric.namespace) and fabric.has_port(self.hostname):
                run(fabric.enter(["ip", "link", "delete", "dev", self.hostname]))
            for file in (self.namespace, self.uts):
                remove_namespace(file)

    def cut(self) -> None:
        """Pull the wire: no packet passes, and nobody is told."""
        run(self.fabric.enter(["ip", "link", "set", "dev", self.hostname, "down"]))

    def join(self) -> None:
        """Put the wire back."""
        run(self.fabric.enter(["ip", "link", "set", "dev", self.hostname, "up"]))

    @property
    def is_joined(self) -> bool:
        """Whether the wire is there and in its place."""
        if not os.path.ismount(self.fabric.namespace):
            return False
        said = output_of(self.fabric.enter(["ip", "-o", "link", "show", "dev", self.hostname]))
        return ",UP" in said

    @property
    def _is_whole(self) -> bool:
        """Whether all is there; quicker than to make sure of each, and asked at every start."""
        fabric = self.fabric
        files = (fabric.namespace, self.namespace, self.uts)
        there = all(map(os.path.ismount, files)) and link_exists(fabric.name)
        # What `ensure` makes last.
        return there and fabric.has_port(self.hostname) and self._is_guarded

    @property
    def _is_guarded(self) -> bool:
        command = ["iptables", "-w", "5", "-t", "raw", "-S", GUARD]
        return succeeds(self.enter(command))

    def _make_namespaces(self) -> None:
        if not os.path.ismount(self.namespace):
            make_namespace(self.namespace)
        if not os.path.ismount(self.uts):
            self.uts.touch()
            run(["unshare", f"--uts={self.uts}", "--", "hostname", self.hostname])

    def _make_wire(self) -> None:
        """The veth pair; a half of another life goes first."""
        fabric = self.fabric
        here = succeeds(self.enter(["ip", "link", "show", "dev", INSIDE]))
        there = fabric.has_port(self.hostname)
        if here and there:
            return
        if there:
            run(fabric.enter(["ip", "link", "delete", "dev", self.hostname]))
        elif here:
            run(self.enter(["ip", "link", "delete", "dev", INSIDE]))
        pair = ["name", self.hostname, "type", "veth", "peer", "name", INSIDE]
        pair += ["address", self.hardware_address]
        run(fabric.enter(["ip", "link", "add", *pair, "netns", str(self.namespace)]))
        run(fabric.enter(["ip", "link", "set", "dev", self.hostname, "master", BRIDGE, "up"]))

    def _set_addresses(self) -> None:
        gateway = str(self.fabric.machine_address.ip)
        for inside in (
            ["ip", "link", "set", "dev", "lo", "up"],
            ["ip", "address", "replace", str(self.host_address), "dev", INSIDE],
            ["ip", "link", "set", "dev", INSIDE, "up"],
            ["ip", "route", "replace", "default", "via", gateway],
        ):
            run(self.enter(inside))

    def _guard(self) -> None:
        """Keep containers from etcd, PostgreSQL and the other parts, which trust who reaches them.

        In the table before address translation, so that it holds for this host and the others.
        """
        if self._is_guarded:
            return
        rules = [f"*raw\n:{GUARD} - [0:0]"]
        for protocol in ("tcp", "udp"):
            ports = f"-p {protocol} --dport {OWN_PORTS}"
            rules.append(f"-A {GUARD} -d {self.fabric.network} {ports} -j DROP")
        rules.append(f"-I PREROUTING 1 -i {CONTAINERS} -j {GUARD}\nCOMMIT\n")
        restore = ["iptables-restore", "--noflush", "-w", "5"]
        run(self.enter(restore), stdin="\n".join(rules))


def host_name(number: int) -> str:
    """The name of a host, counted from 1."""
    return f"local-{number}"
