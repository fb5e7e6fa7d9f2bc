"""The configuration files that the components of a local platform read."""

from pathlib import Path

from deis_cli.deisctl.local.home import Choices, Home

CONTROL_FILE = "control.toml"
NODE_FILE = "node.toml"
REGISTRY_FILE = "registry.yml"


def write_settings(
    home: Home, choices: Choices, *, docker_url: str, host_address: str, namespace: Path | None
) -> None:
    """Write every file anew; they are derived from the choices alone."""
    control = _control(home, choices, docker_url)
    node = _node(home, choices, docker_url, host_address, namespace)
    _write(home.etc / CONTROL_FILE, _toml(control))
    _write(home.etc / NODE_FILE, _toml(node))
    _write(home.etc / REGISTRY_FILE, _registry(home, choices))


def database_url(choices: Choices) -> str:
    """How deis-control reaches PostgreSQL."""
    where = f"127.0.0.1:{choices.postgres_port}"
    return f"postgresql://deis:{choices.postgres_password}@{where}/postgres"


Value = str | int | bool | list[str]
Tables = dict[str, dict[str, Value]]


def _control(home: Home, choices: Choices, docker_url: str) -> Tables:
    state = home.data / "control"
    return {
        "control": {
            "name": choices.host,
            "keyring": str(home.keyring),
            "registry": f"127.0.0.1:{choices.registry_port}",
            "relay_port": choices.relay_port,
            "docker": docker_url,
        },
        "etcd": {"endpoints": [f"http://127.0.0.1:{choices.etcd_port}"]},
        "database": {"url": database_url(choices)},
        "platform": {
            "domain": choices.domain,
            "router_port": choices.http_port,
            "builder_port": choices.builder_port,
        },
        "api": {"address": f"127.0.0.1:{choices.controller_port}"},
        "builder": {
            "address": f"127.0.0.1:{choices.builder_port}",
            "state_dir": str(state / "builder"),
        },
        "logger": {
            "directory": str(state / "logs"),
            "tcp": f"127.0.0.1:{choices.logger_port}",
            "udp": f"127.0.0.1:{choices.logger_port}",
            "http": f"127.0.0.1:{choices.logger_query_port}",
        },
    }


def _node(
    home: Home, choices: Choices, docker_url: str, host_address: str, namespace: Path | None
) -> Tables:
    relay: dict[str, Value] = {"port": choices.relay_port}
    if namespace is not None:
        relay["namespace"] = str(namespace)
    return {
        "node": {
            "name": choices.host,
            "address": host_address,
            "platform_id": choices.platform_id,
            "keyring": str(home.keyring),
            "state_dir": str(home.data / "node"),
            "docker": docker_url,
        },
        "etcd": {"endpoints": [f"http://127.0.0.1:{choices.etcd_port}"]},
        "relay": relay,
        "router": {
            "listen": [f"127.0.0.1:{choices.http_port}"],
            "platform_domain": choices.domain,
        },
        "metrics": {"listen": f"127.0.0.1:{choices.metrics_port}"},
    }


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
  addr: 127.0.0.1:{choices.registry_port}
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
