"""`deis ps:…`."""

import os
import re
from collections.abc import Iterable
from itertools import groupby
from urllib.parse import quote

import click

from deis_cli.deis import deploying, git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import How, app_option, how_options, json_option, limit_option

PAIR = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)=([0-9]+)")
PROCESS = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)(?:\.([0-9]+))?")

GOOD = frozenset({"up"})
BAD = frozenset({"crashed", "error", "down"})


@click.command()
@app_option
@limit_option
@json_option
def list_processes(app: str | None, limit: int | None, as_json: bool) -> None:
    """List the processes of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    if as_json:
        output.json(controller.list(f"/v1/apps/{app_id}/containers/", limit, whole=True).results)
        return
    print_processes(controller, app_id, limit)


@click.command()
@click.argument("pairs", metavar="TYPE=NUM...", nargs=-1, required=True)
@app_option
@how_options
def scale(pairs: tuple[str, ...], app: str | None, how: How) -> None:
    """Change how many processes of each type run."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    counts = parse_counts(pairs)
    _change(controller, app_id, "Scaling", f"/v1/apps/{app_id}/scale/", counts, how)


@click.command()
@click.argument("process", metavar="[TYPE[.NUM]]", required=False)
@app_option
@how_options
def restart(process: str | None, app: str | None, how: How) -> None:
    """Restart processes: all, those of a type, or one."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    path = f"/v1/apps/{app_id}/containers/{_process_path(process)}restart/"
    _change(controller, app_id, "Restarting", path, None, how)


@click.command()
@click.argument("kind", metavar="[TYPE]", required=False)
@app_option
@how_options
def stop(kind: str | None, app: str | None, how: How) -> None:
    """Stop processes, all or those of a type; the scale is kept for `ps:start`."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    path = f"/v1/apps/{app_id}/containers/{_type_path(kind)}stop/"
    _change(controller, app_id, "Stopping", path, None, how)


@click.command()
@click.argument("kind", metavar="[TYPE]", required=False)
@app_option
@how_options
def start(kind: str | None, app: str | None, how: How) -> None:
    """Start processes that `ps:stop` stopped, as many as there were."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    path = f"/v1/apps/{app_id}/containers/{_type_path(kind)}start/"
    _change(controller, app_id, "Starting", path, None, how)


def print_processes(controller: Controller, app_id: str, limit: int | None) -> None:
    """The list under its headings, one a type."""
    page = controller.list(f"/v1/apps/{app_id}/containers/", limit)
    output.heading(f"=== {app_id} Processes{page.suffix}")
    ordered = sorted(page.results, key=lambda item: (item["type"], item["num"]))
    for kind, containers in groupby(ordered, key=lambda item: str(item["type"])):
        output.line(f"--- {kind}:")
        for item in containers:
            state = coloured_state(str(item["state"]))
            output.line(f"{kind}.{item['num']} {state} ({item['release']})")


def coloured_state(state: str) -> str:
    """A state, green or red where colours are wanted."""
    if state in GOOD:
        return output.styled(state, output.GREEN)
    return output.styled(state, output.RED) if state in BAD else state


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


def _type_path(kind: str | None) -> str:
    if kind is not None and "." in kind:
        raise CliError(f"'{kind}' is no process type: a type stops and starts as a whole (web).")
    return _process_path(kind)


def _change(
    controller: Controller, app_id: str, what: str, path: str, body: object, how: How
) -> None:
    """Make a change that takes its time, with the words that users of Deis know."""
    drink = os.environ.get("DEIS_DRINK_OF_CHOICE") or "coffee"
    label = f"{what} processes... but first, {drink}!\n"
    done = deploying.change(controller, label, path, body, how)
    if done is not None:
        output.line(f"done in {done.seconds}s")
        print_processes(controller, app_id, None)
