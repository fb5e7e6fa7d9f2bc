"""The configuration files that the components of a local platform read."""

from pathlib import Path

from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.sites import (
    Site,
    docker_url,
    etcd_endpoints,
    fabric,
    published_ports,
    services_address,
    sites,
    swarm_managers,
)

CONTROL_FILE = "control.toml"
NODE_FILE = "node.toml"
REGISTRY_FILE = "registry.yml"


def write_settings(home: Home, choices: Choices) -> None:
    """Write every file anew; they are derived from the choices alone."""
    every = sites(home, choices)
    for site in every:
        site.etc.mkdir(parents=True, exist_ok=True)
        site.etc.chmod(0o700)
        etcd: Table = {"endpoints": etcd_endpoints(every, site, choices.etcd_port)}
        if site.controller:
            control = _control(home, choices, site, etcd)
            if choices.swarm:
                control["scheduler"] = {
                    "swarm_managers": swarm_managers(every, site, choices),
                    "swarm_platform": choices.platform_id,
                }
            _write(site.etc / CONTROL_FILE, _toml(control))
        _write(site.etc / NODE_FILE, _toml(_node(home, choices, site, etcd)))
    _write(home.etc / REGISTRY_FILE, _registry(home, choices))


def database_url(choices: Choices) -> str:
    """How deis-control reaches PostgreSQL."""
    where = f"{services_address(choices)}:{choices.postgres_port}"
    return f"postgresql://deis:{choices.postgres_password}@{where}/postgres"


Value = str | int | bool | list[str]
Table = dict[str, Value]
Tables = dict[str, Table]


def _control(home: Home, choices: Choices, site: Site, etcd: Table) -> Tables:
    state = site.data / "control"
    platform: Table = {
        "domain": choices.domain,
        "router_port": choices.http_port,
        "builder_port": choices.builder_port,
    }
    joined = fabric(choices)
    if joined is not None:
        platform["trusted_proxies"] = f"127.0.0.0/8,::1/128,{joined.network}"
    return {
        "control": {
            "name": site.name,
            "keyring": str(home.keyring),
            "registry": f"{site.services}:{choices.registry_port}",
            "relay_port": choices.relay_port,
            "docker": docker_url(site, choices),
        },
        "etcd": etcd,
        "database": {"url": database_url(choices)},
        "platform": platform,
        "api": {"address": f"{site.address}:{choices.controller_port}"},
        "builder": {
            "address": f"{site.address}:{choices.builder_port}",
            "state_dir": str(state / "builder"),
        },
        "logger": {
            "directory": str(state / "logs"),
            "tcp": f"{site.address}:{choices.logger_port}",
            "udp": f"{site.address}:{choices.logger_port}",
            "http": f"{site.address}:{choices.logger_query_port}",
        },
    }


def _node(home: Home, choices: Choices, site: Site, etcd: Table) -> Tables:
    node: Table = {
        "name": site.name,
        "address": site.ports_address,
        "platform_id": choices.platform_id,
        "keyring": str(home.keyring),
        "state_dir": str(site.node_state),
        "docker": docker_url(site, choices),
    }
    if not site.router:
        node["router"] = False
    if site.network is not None and site.controller:
        node["roles"] = ["control"]
    if site.boot_id is not None:
        node["boot_id"] = str(site.boot_id)
    relay: Table = {"port": choices.relay_port}
    if site.relay_namespace is not None:
        relay["namespace"] = str(site.relay_namespace)
    tables: Tables = {
        "node": node,
        "etcd": etcd,
        "relay": relay,
        "router": {
            "listen": [f"{site.address}:{choices.http_port}"],
            "platform_domain": choices.domain,
        },
        "metrics": {"listen": f"{site.address}:{choices.metrics_port}"},
    }
    if site.network is not None:
        low, high = published_ports(choices)
        tables["runner"] = {"port_low": low, "port_high": high}
    return tables


def _registry(home: Home, choices: Choices) -> str:
    """The distribution registry's own format; JSON strings are YAML strings."""
    return f"""version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: {_quoted(str(home.data / "registry"))}
  delete:
    enabled: true
http:
  addr: {services_address(choices)}:{choices.registry_port}
"""


def _toml(tables: Tables) -> str:
    lines = ["# Written by `deisctl local up`; changes are lost at its next start.", ""]
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {_literal(value)}" for key, value in table.items()]
        lines.append("")
    return "\n".join(lines)


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    return "[" + ", ".join(_quoted(item) for item in value) + "]"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write(path: Path, text: str) -> None:
    """Write a file that only root may read, in one step."""
    aside = path.with_suffix(".new")
    aside.touch(mode=0o600)
    aside.write_text(text)
    aside.replace(path)
