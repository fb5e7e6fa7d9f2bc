"""`deis tags:…`."""

from collections.abc import Iterable
from typing import Any

import click

from deis_cli.deis import deploying, git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.options import How, app_option, how_options, json_option


@click.command()
@app_option
@json_option
def list_tags(app: str | None, as_json: bool) -> None:
    """List the tags that hosts must have to run an application."""
    controller = Controller.of_profile()
    print_tags(controller, git.app_of(controller, app), as_json)


@click.command()
@click.argument("pairs", metavar="KEY=VALUE...", nargs=-1, required=True)
@app_option
@how_options
def set_tags(pairs: tuple[str, ...], app: str | None, how: How) -> None:
    """Run an application only on hosts with these tags."""
    _apply(app, parse_tags(pairs), how)


@click.command()
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@app_option
@how_options
def unset_tags(keys: tuple[str, ...], app: str | None, how: How) -> None:
    """Ask for these tags no longer."""
    _apply(app, dict.fromkeys(keys), how)


def print_tags(controller: Controller, app_id: str, as_json: bool = False) -> None:
    """The list under its heading."""
    tags = controller.get(f"/v1/apps/{app_id}/config/").object()["tags"]
    if as_json:
        output.json(tags)
        return
    output.heading(f"=== {app_id} Tags")
    for line in output.padded(tags, 5):
        output.line(line)


def parse_tags(pairs: Iterable[str]) -> dict[str, str]:
    """`key=value` words; those that are none are named and left out."""
    tags: dict[str, str] = {}
    for pair in pairs:
        if pair.count("=") != 1:
            output.line(f"{pair} is invalid, Must be in format key=value")
            output.line("Examples: rack=1 evironment=production")
            continue
        key, _, value = pair.partition("=")
        tags[key] = value
    return tags


def _apply(app: str | None, tags: dict[str, Any], how: How) -> None:
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    path = f"/v1/apps/{app_id}/config/"
    body = {"tags": tags} if tags else {}
    if deploying.config_change(controller, "Applying tags... ", path, body, how):
        print_tags(controller, app_id)
