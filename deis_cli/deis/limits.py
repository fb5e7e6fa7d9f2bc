"""`deis limits:…`."""

import re
from collections.abc import Iterable
from typing import Any

import click

from deis_cli.deis import deploying, git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.options import How, app_option, how_options, json_option

PAIR = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)=([0-9]+[bkmgBKMG]{1,2}|[0-9]{1,4})")
CPU = click.option("-c", "--cpu", is_flag=True, help="Limit shares of CPU.")
MEMORY = click.option("-m", "--memory", is_flag=True, help="Limit memory (the default).")


@click.command()
@app_option
@json_option
def list_limits(app: str | None, as_json: bool) -> None:
    """List the memory and CPU limits of an application."""
    controller = Controller.of_profile()
    print_limits(controller, git.app_of(controller, app), as_json)


@click.command()
@click.argument("pairs", metavar="TYPE=LIMIT...", nargs=-1, required=True)
@app_option
@CPU
@MEMORY
@how_options
def set_limits(pairs: tuple[str, ...], app: str | None, cpu: bool, memory: bool, how: How) -> None:
    """Limit what each copy of a process type may take.

    Memory is a number and B, K, M or G (web=512M); CPU shares are a number up to 1024.
    """
    _apply(app, cpu, parse_limits(pairs), how)


@click.command()
@click.argument("types", metavar="TYPE...", nargs=-1, required=True)
@app_option
@CPU
@MEMORY
@how_options
def unset_limits(
    types: tuple[str, ...], app: str | None, cpu: bool, memory: bool, how: How
) -> None:
    """Lift the limits of process types."""
    if cpu and memory:
        raise click.UsageError("--cpu and --memory exclude each other.")
    _apply(app, cpu, dict.fromkeys(types), how)


def print_limits(controller: Controller, app_id: str, as_json: bool = False) -> None:
    """Both lists under their headings."""
    config = controller.get(f"/v1/apps/{app_id}/config/").object()
    if as_json:
        output.json({section: config[section] for section in ("memory", "cpu")})
        return
    output.heading(f"=== {app_id} Limits")
    output.line()
    _print("--- Memory", config["memory"])
    output.line()
    _print("--- CPU", config["cpu"])


def parse_limits(pairs: Iterable[str]) -> dict[str, str]:
    """`type=limit` words; those that are none are named and left out."""
    limits: dict[str, str] = {}
    for pair in pairs:
        match = PAIR.fullmatch(pair)
        if match is None:
            output.line(f"{pair} doesn't fit format type=#unit or type=#")
            output.line("Examples: web=2G worker=500M web=300")
            continue
        limits[match[1]] = match[2]
    return limits


def _apply(app: str | None, cpu: bool, limits: dict[str, Any], how: How) -> None:
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    body = {"cpu" if cpu else "memory": limits} if limits else {}
    path = f"/v1/apps/{app_id}/config/"
    if deploying.config_change(controller, "Applying limits... ", path, body, how):
        print_limits(controller, app_id)


def _print(title: str, limits: dict[str, object]) -> None:
    output.line(title)
    for line in output.padded(limits, 5) or ["Unlimited"]:
        output.line(line)
