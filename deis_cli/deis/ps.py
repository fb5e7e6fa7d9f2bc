"""`deis ps:…`."""

import os
import re
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from urllib.parse import quote

import click

from deis_cli.deis import git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import app_option, limit_option

PAIR = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)=([0-9]+)")
PROCESS = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)(?:\.([0-9]+))?")


@click.command()
@app_option
@limit_option
def list_processes(app: str | None, limit: int | None) -> None:
    """List the processes of an application."""
    controller = Controller.of_profile()
    print_processes(controller, git.app_of(controller, app), limit)


@click.command()
@click.argument("pairs", metavar="TYPE=NUM...", nargs=-1, required=True)
@app_option
def scale(pairs: tuple[str, ...], app: str | None) -> None:
    """Change how many processes of each type run."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    counts = parse_counts(pairs)
    _slow("Scaling", lambda: controller.post(f"/v1/apps/{app_id}/scale/", counts))
    print_processes(controller, app_id, None)


@click.command()
@click.argument("process", metavar="[TYPE[.NUM]]", required=False)
@app_option
def restart(process: str | None, app: str | None) -> None:
    """Restart processes: all, those of a type, or one."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    path = f"/v1/apps/{app_id}/containers/{_process_path(process)}restart/"
    _slow("Restarting", lambda: controller.post(path))
    print_processes(controller, app_id, None)


def print_processes(controller: Controller, app_id: str, limit: int | None) -> None:
    """The list under its headings, one a type."""
    page = controller.list(f"/v1/apps/{app_id}/containers/", limit)
    output.line(f"=== {app_id} Processes{page.suffix}")
    ordered = sorted(page.results, key=lambda item: (item["type"], item["num"]))
    for kind, containers in groupby(ordered, key=lambda item: str(item["type"])):
        output.line(f"--- {kind}:")
        for item in containers:
            output.line(f"{kind}.{item['num']} {item['state']} ({item['release']})")


def parse_counts(pairs: Iterable[str]) -> dict[str, int]:
    """`type=num` words; those that are none are named and left out."""
    counts: dict[str, int] = {}
    for pair in pairs:
        match = PAIR.fullmatch(pair)
        if match is None:
            output.line(f"'{pair}' does not match the pattern 'type=num', ex: web=2")
            continue
        counts[match[1]] = int(match[2])
    return counts


def _process_path(process: str | None) -> str:
    if process is None:
        return ""
    match = PROCESS.fullmatch(process)
    if match is None:
        raise CliError(f"'{process}' is no process: name a type (web) or one copy (web.1).")
    return "".join(f"{quote(part)}/" for part in match.groups() if part)


def _slow(what: str, call: Callable[[], object]) -> None:
    """Do something that takes its time, with the words that users of Deis know."""
    drink = os.environ.get("DEIS_DRINK_OF_CHOICE") or "coffee"
    output.line(f"{what} processes... but first, {drink}!")
    began = time.monotonic()
    with output.waiting():
        call()
    output.line(f"done in {int(time.monotonic() - began)}s")
