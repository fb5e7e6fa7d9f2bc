"""What runs where: the facts that `up` prints, as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deis_cli.deisctl.local import processes
from deis_cli.deisctl.local.components import Component, docker_host, pid_file
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.router_stop import master, router_folder
from deis_cli.deisctl.local.sites import Site, docker_url, sites
from deis_cli.deisctl.local.supervisor import PID_NAME


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    address: str
    pid: int | None
    log: Path


def rows(home: Home, choices: Choices, components: tuple[Component, ...]) -> list[Row]:
    """The supervisor and every component, with the pid of the live process."""
    names = [(PID_NAME, "-"), *((item.name, item.address) for item in components)]
    found = [(name, address, processes.read(pid_file(home, name))) for name, address in names]
    table = [
        Row(name, address, process.pid if process else None, home.log_of(name))
        for name, address, process in found
    ]
    routers = [_router(choices, site) for site in sites(home, choices) if site.router]
    return [*table, *routers]


def _router(choices: Choices, site: Site) -> Row:
    """nginx, which the agent starts and watches."""
    folder = router_folder(site.node_state)
    address = f"{site.address}:{choices.http_port}"
    return Row(site.label("nginx"), address, master(folder), folder / "logs" / "error.log")


def as_json(home: Home, choices: Choices, table: list[Row]) -> str:
    """One line of JSON with stable keys."""
    facts: dict[str, Any] = {
        "controller": controller_url(choices),
        "router": f"http://127.0.0.1:{choices.http_port}",
        "app_url": app_url(choices),
        "builder_port": choices.builder_port,
        "domain": choices.domain,
        "username": choices.username,
        "password": choices.password,
        "home": str(home.root),
        "docker_host": docker_host(home, choices),
        "components": {
            row.name: {"pid": row.pid, "address": row.address, "log": str(row.log)} for row in table
        },
    }
    if choices.hosts > 1:
        facts["hosts"] = {
            site.name: {
                "address": site.address,
                "docker_host": docker_url(site, choices),
                "components": [row.name for row in table if row.name.endswith(f"@{site.name}")],
            }
            for site in sites(home, choices)
        }
    return json.dumps(facts)


def as_table(table: list[Row]) -> list[str]:
    """Lines of a table for people."""
    lines = [("component", "address", "pid", "log")]
    lines += [(row.name, row.address, str(row.pid or "not running"), str(row.log)) for row in table]
    return columns(lines)


def columns(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines whose columns are as wide as their widest entries; the last one is not filled up."""
    widths = [max(map(len, column)) for column in list(zip(*lines, strict=True))[:-1]]
    return [
        "  ".join(
            (*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[-1])
        )
        for line in lines
    ]


def controller_url(choices: Choices) -> str:
    """Where `deis` logs in: the controller's own address, which every resolver knows."""
    return f"http://127.0.0.1:{choices.controller_port}"


def app_url(choices: Choices) -> str:
    """Where the sample app answers."""
    port = "" if choices.http_port == 80 else f":{choices.http_port}"
    return f"http://{choices.app}.{choices.domain}{port}"
