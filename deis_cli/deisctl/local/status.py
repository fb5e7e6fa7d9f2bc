"""What runs where: the facts that `up` prints, as a table and as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deis_cli.deisctl.local import processes
from deis_cli.deisctl.local.components import Component, docker_host, pid_file
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.router_stop import master, router_folder
from deis_cli.deisctl.local.supervisor import PID_NAME


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    address: str
    pid: int | None
    log: Path


def rows(home: Home, components: tuple[Component, ...]) -> list[Row]:
    """The supervisor and every component, with the pid of the live process."""
    names = [(PID_NAME, "-"), *((item.name, item.address) for item in components)]
    found = [(name, address, processes.read(pid_file(home, name))) for name, address in names]
    table = [
        Row(name, address, process.pid if process else None, home.log_of(name))
        for name, address, process in found
    ]
    return [*table, _router(home, components[-1].address)]


def _router(home: Home, address: str) -> Row:
    """nginx, which the agent starts and watches."""
    folder = router_folder(home.data / "node")
    return Row("nginx", address, master(folder), folder / "logs" / "error.log")


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
    return json.dumps(facts)


def as_table(table: list[Row]) -> list[str]:
    """Lines of a table for people, columns as wide as their widest entry."""
    lines = [("component", "address", "pid", "log")]
    lines += [(row.name, row.address, str(row.pid or "not running"), str(row.log)) for row in table]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=False))
        + f"  {line[3]}"
        for line in lines
    ]


def controller_url(choices: Choices) -> str:
    """Where `deis` logs in: the controller's own address, which every resolver knows."""
    return f"http://127.0.0.1:{choices.controller_port}"


def app_url(choices: Choices) -> str:
    """Where the sample app answers."""
    port = "" if choices.http_port == 80 else f":{choices.http_port}"
    return f"http://{choices.app}.{choices.domain}{port}"
