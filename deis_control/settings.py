"""The settings of `deis-control`."""

from dataclasses import dataclass
from pathlib import Path

from deis_control.builder.settings import BuilderSettings
from deis_control.ldap.settings import LdapSettings
from deis_control.logger.settings import LoggerSettings
from deis_control.scheduler.settings import SchedulerSettings
from deis_node.cluster.settings import EtcdSettings
from deis_node.runtime.logs import LogSettings
from deis_node.runtime.settings import section, setting

PREFIX = "DEIS_CONTROL"


@dataclass(frozen=True, slots=True)
class ControlSection:
    """The process as a whole."""

    name: str = setting(
        doc="Name of this process among all controllers. No other one that lives may have it: who "
        "starts takes a leader of its own name for its dead predecessor, and ends that one's term."
    )
    keyring: Path = setting(doc="File with the ring of keys that seals secrets.")
    registry: str = setting("127.0.0.1:5000", "Where the registry answers, `ip:port`.")
    relay_port: int = setting(
        5000, "Port on every host's loopback address that leads to the registry."
    )
    docker: str = setting(
        "unix:///var/run/docker.sock", "URL of the Docker Engine that images are built with."
    )


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """PostgreSQL."""

    url: str = setting(doc="`postgresql://user:password@host:port/database`.", secret=True)
    connections: int = setting(20, "How many connections are kept at most.")


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """What the platform is called; keys in etcd of the same names as in Deis v1 go before."""

    domain: str = setting(doc="The platform domain: apps answer at `<app>.<domain>`.")
    router_port: int = setting(80, "Port that users reach the routers at.")
    builder_port: int = setting(2222, "Port that users reach the builder at.")
    registration_mode: str = setting("enabled", "Who may register: enabled, disabled, admin_only.")
    trusted_proxies: str = setting(
        "127.0.0.0/8,::1/128",
        "Address blocks of the routers, comma-separated: whom their `X-Forwarded-For` names is "
        "taken for the client, in the audit trail and when failed logins are counted.",
    )
    builder_key: str = setting("", "What a builder of another process shows.", secret=True)


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The HTTP API."""

    address: str = setting(
        "127.0.0.1:8000",
        "`host:port` that is listened on: an IP address (IPv6 in brackets), or a host name, which "
        "means each of its addresses.",
    )
    public: str = setting(
        "", "`ip:port` that routers reach it at; empty: the same, of a name its first address."
    )
    at_once: int = setting(
        200,
        "Requests worked on at the same time; more are answered 503 with `Retry-After`. Those "
        "that wait for an operation, or watch one, do not count.",
    )


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Settings of the control plane."""

    control: ControlSection
    database: DatabaseSettings
    platform: PlatformSettings
    etcd: EtcdSettings = section(EtcdSettings)
    api: ApiSettings = section(ApiSettings)
    ldap: LdapSettings = section(LdapSettings)
    scheduler: SchedulerSettings = section(SchedulerSettings)
    builder: BuilderSettings = section(BuilderSettings)
    logger: LoggerSettings = section(LoggerSettings)
    log: LogSettings = section(LogSettings)
