"""Where everything of one home's Docker Engine is: folders, sockets, network, control group."""

from dataclasses import dataclass
from pathlib import Path

from deis_cli.deisctl.local.fabric import HostNetwork
from deis_cli.deisctl.local.network import EngineNetwork, Network

SOCKET_PATH_LIMIT = 107
"""Bytes of a path that a unix socket can have (unix(7), less the closing NUL)."""

SWARM = "swarm"
"""What a layout is called whose engine is a node of a Docker Swarm."""

_LONGEST = "docker/containerd/containerd.sock.ttrpc"
"""The longest path of a socket that the engine makes below its run folder."""


@dataclass(frozen=True, slots=True)
class EngineLayout:
    """Where everything of one home's engine is."""

    home: Path
    network: EngineNetwork
    swarm: bool = False
    """Whether it is a node of a Docker Swarm."""

    @property
    def data_root(self) -> Path:
        """Images, containers and their logs: what is kept over a reboot."""
        return self.home / "data" / "docker"

    @property
    def containerd_root(self) -> Path:
        """Lasting state of containerd."""
        return self.home / "data" / "containerd"

    @property
    def run(self) -> Path:
        """Sockets and what a reboot may forget; elsewhere when the home's path is too long."""
        inside = self.home / "run"
        fits = len(str(inside / _LONGEST).encode()) <= SOCKET_PATH_LIMIT
        return inside if fits else Path("/run") / self.network.name

    @property
    def exec_root(self) -> Path:
        """The engine's state of running containers."""
        return self.run / "docker"

    @property
    def containerd_state(self) -> Path:
        """What containerd knows of running containers."""
        return self.exec_root / "containerd"

    @property
    def socket(self) -> Path:
        """Where the engine answers."""
        return self.run / "docker.sock"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd answers."""
        return self.containerd_state / "containerd.sock"

    @property
    def pid_file(self) -> Path:
        """The engine's own pid file, not its supervisor's."""
        return self.run / "dockerd.pid"

    @property
    def config_file(self) -> Path:
        """Empty: all settings are on the command line."""
        return self.home / "etc" / "docker.json"

    @property
    def containerd_config(self) -> Path:
        """Most settings of containerd can be given in a file only."""
        return self.home / "etc" / "containerd.toml"

    @property
    def cgroup(self) -> str:
        """The group that everything of this home's engine is in."""
        return self.network.name

    @property
    def engine_cgroup(self) -> str:
        """Of dockerd, containerd and the containers' shims."""
        return f"{self.cgroup}/engine"

    @property
    def containers_cgroup(self) -> str:
        """Above the containers' own; in version 2 a group with processes can have no children."""
        return f"{self.cgroup}/containers"


def layout(home: Path, home_id: str, subnet: str, number: str = "", kind: str = "") -> EngineLayout:
    """The layout of a home's engine, from what the home has chosen once.

    `number` is that of a host of a cluster; empty for the one host of a home. `kind` is `swarm`
    for a node of a Docker Swarm.
    """
    if number:
        return EngineLayout(home, HostNetwork(home_id, subnet, int(number)), kind == SWARM)
    return EngineLayout(home, Network(home_id, subnet))


def docker_url(where: EngineLayout) -> str:
    """The URL that the engine answers at."""
    return f"unix://{where.socket}"
