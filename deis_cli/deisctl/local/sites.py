"""Where things are on each host of a home: addresses, folders, and which parts run there. PURE.

A home of one host shares the machine's network and the home's own folders. Of several hosts each
is a network namespace with an address of its own and everything of it below `hosts/<name>/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from deis_cli.deisctl.local import engine_layout
from deis_cli.deisctl.local.engine_layout import EngineLayout
from deis_cli.deisctl.local.fabric import Fabric, HostNetwork, host_name
from deis_cli.deisctl.local.home import Choices, Home

LOOPBACK = "127.0.0.1"
MOST_HOSTS = 9
ROUTERS = 2
"""As many of the first hosts have a router."""
MEMBERS = 3
"""As many of the first hosts have an etcd member, when there are as many: fewer outlive none."""
CONTROLLERS = 3
"""As many of the first hosts have a control plane."""
PUBLISHED = (20000, 32767)
"""The agent's own choice of ports for containers (its settings `runner.port_low`, `port_high`)."""


@dataclass(frozen=True, slots=True)
class Site:
    """One host of a local platform."""

    name: str
    root: Path
    """Below it the host's `data`, `etc` and `run`."""
    address: str
    """Where its parts listen."""
    services: str
    """The machine's address for it: PostgreSQL and the registry."""
    ports_address: str
    """What containers' ports are bound to."""
    engine: EngineLayout | None
    """None with a given engine."""
    network: HostNetwork | None
    """None when it is the only one: then it is the machine itself."""
    off: Path
    """There while the host has no power."""
    member: bool = True
    controller: bool = True
    router: bool = True

    @property
    def data(self) -> Path:
        """One folder a part that keeps state."""
        return self.root / "data"

    @property
    def etc(self) -> Path:
        """Generated configuration files."""
        return self.root / "etc"

    @property
    def run(self) -> Path:
        """What a power cycle may forget."""
        return self.root / "run"

    @property
    def node_state(self) -> Path:
        """The agent's state, nginx' folder below it."""
        return self.data / "node"

    @property
    def boot_id(self) -> Path | None:
        """The file that names the host's boot; None for the kernel's own."""
        return self.data / "boot_id" if self.network else None

    @property
    def relay_namespace(self) -> Path | None:
        """Where the registry's relay listens, when that is not where the agent runs."""
        if self.engine is None or self.network is not None:
            return None
        return self.engine.network.namespace

    def label(self, part: str) -> str:
        """A part's name among the components: `etcd`, or `etcd@local-2`."""
        return f"{part}@{self.name}" if self.network else part


def sites(home: Home, choices: Choices) -> tuple[Site, ...]:
    """Every host of the home."""
    if choices.hosts == 1:
        return (_machine(home, choices),)
    return tuple(_host(home, choices, number) for number in range(1, choices.hosts + 1))


def fabric(choices: Choices) -> Fabric | None:
    """What several hosts are plugged into; None for one."""
    return Fabric(choices.id, choices.subnet) if choices.hosts > 1 else None


def services_address(choices: Choices) -> str:
    """The machine's address for the hosts."""
    joined = fabric(choices)
    return str(joined.machine_address.ip) if joined else LOOPBACK


def docker_url(site: Site, choices: Choices) -> str:
    """The URL of the Docker Engine that a host uses."""
    return engine_layout.docker_url(site.engine) if site.engine else choices.docker_host


def etcd_endpoints(every: Sequence[Site], site: Site, port: int) -> list[str]:
    """Where a host's parts find etcd: the member beside them first, then the others in turn."""
    return [f"http://{item.address}:{port}" for item in _members_for(every, site)]


def swarm_managers(every: Sequence[Site], site: Site, choices: Choices) -> list[str]:
    """The engines that manage the Swarm, in the same order; they are where etcd's members are."""
    return [docker_url(item, choices) for item in _members_for(every, site)]


def published_ports(choices: Choices) -> tuple[int, int]:
    """Lowest and highest port that containers are published on, on a host of several.

    There the router and the builder listen on the same address as containers: of what is left of
    the agent's own range around their ports, the largest part.
    """
    taken = sorted((choices.http_port, choices.builder_port))
    inside = [port for port in taken if PUBLISHED[0] <= port <= PUBLISHED[1]]
    edges = [PUBLISHED[0] - 1, *inside, PUBLISHED[1] + 1]
    gaps = [(low + 1, high - 1) for low, high in pairwise(edges)]
    return max(gaps, key=lambda gap: gap[1] - gap[0])


def _members_for(every: Sequence[Site], site: Site) -> list[Site]:
    """The hosts with a member: this one first, then the others in turn."""
    members = [item for item in every if item.member]
    first = next((at for at, item in enumerate(members) if item.name == site.name), None)
    if first is None:
        first = [item.name for item in every].index(site.name) % len(members)
    return members[first:] + members[:first]


def _machine(home: Home, choices: Choices) -> Site:
    engine = None
    if not choices.docker_host:
        engine = engine_layout.layout(home.root, choices.id, choices.subnet)
    return Site(
        name=choices.host,
        root=home.root,
        address=LOOPBACK,
        services=LOOPBACK,
        ports_address=str(engine.network.host_address.ip) if engine else LOOPBACK,
        engine=engine,
        network=None,
        off=home.run / f"{choices.host}.off",
    )


def _host(home: Home, choices: Choices, number: int) -> Site:
    network = HostNetwork(choices.id, choices.subnet, number)
    name = host_name(number)
    address = str(network.host_address.ip)
    return Site(
        name=name,
        root=home.hosts / name,
        address=address,
        services=services_address(choices),
        ports_address=address,
        engine=EngineLayout(home.hosts / name, network, choices.swarm),
        network=network,
        off=home.run / f"{name}.off",
        member=number <= (MEMBERS if choices.hosts >= MEMBERS else 1),
        controller=number <= CONTROLLERS,
        router=number <= ROUTERS,
    )
