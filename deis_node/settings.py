"""The settings of `deis-node`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deis_node.cluster.settings import EtcdSettings
from deis_node.containers.settings import RunnerSettings
from deis_node.logspout.settings import LogspoutSettings
from deis_node.publisher.settings import PublisherSettings
from deis_node.router.settings import RouterSettings
from deis_node.runtime.logs import LogSettings
from deis_node.runtime.settings import section, setting

PREFIX = "DEIS_NODE"


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The host that the agent runs on."""

    name: str = setting(doc="The host's name in the cluster.")
    address: str = setting(doc="The private address that containers' ports are bound to.")
    platform_id: str = setting(doc="What the label deis.platform says on containers of ours.")
    keyring: Path = setting(doc="File with the ring of keys that opens sealed records.")
    state_dir: Path = setting(Path("/var/lib/deis/node"), "Where the agent keeps its state.")
    docker: str = setting("unix:///var/run/docker.sock", "URL of the Docker Engine.")
    lease_ttl: int = setting(10, "Seconds after which a silent host counts as gone.")
    tags: Mapping[str, str] = setting({}, "The host's tags.")
    router: bool = setting(True, "Whether this host routes requests.")
    boot_id: Path = setting(
        Path("/proc/sys/kernel/random/boot_id"), "File with the name of the host's present boot."
    )
    roles: tuple[str, ...] = setting(
        (), "What else the host is for, such as `control`; `router` is added where it routes."
    )

    @property
    def all_roles(self) -> tuple[str, ...]:
        """What the host is for, in the order of the alphabet."""
        return tuple(sorted({*self.roles, *(("router",) if self.router else ())}))


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The registry's address beside the Docker Engine, which never changes."""

    port: int = setting(5000, "Port on the engine's loopback address.")
    namespace: Path | None = setting(
        None, "The engine's network namespace, when that is another one than the agent's."
    )


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """The agent's own HTTP page."""

    listen: str = setting("127.0.0.1:9100", "Address, `ip:port`, of `/metrics` and `/healthz`.")


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Settings of the agent that runs on every host."""

    node: HostSettings
    etcd: EtcdSettings = section(EtcdSettings)
    relay: RelaySettings = section(RelaySettings)
    runner: RunnerSettings = section(RunnerSettings)
    publisher: PublisherSettings = section(PublisherSettings)
    logspout: LogspoutSettings = section(LogspoutSettings)
    router: RouterSettings = section(RouterSettings)
    metrics: MetricsSettings = section(MetricsSettings)
    log: LogSettings = section(LogSettings)
