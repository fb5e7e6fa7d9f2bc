"""`deis config:…`."""

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from deis_cli.deis import dotenv, git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import app_option

PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
DOTENV = Path(".env")


@click.command()
@app_option
@click.option("--oneline", is_flag=True, help="Print all pairs on one line.")
def list_config(app: str | None, oneline: bool) -> None:
    """List the environment variables of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    values = get_values(controller, app_id)
    if oneline:
        output.line("".join(f"{key}={values[key]} " for key in sorted(values)))
        return
    print_config(app_id, values)


@click.command()
@click.argument("pairs", metavar="VAR=VALUE...", nargs=-1, required=True)
@app_option
def set_config(pairs: tuple[str, ...], app: str | None) -> None:
    """Set environment variables of an application."""
    controller = Controller.of_profile()
    post_values(controller, git.app_of(controller, app), parse_pairs(pairs))


@click.command()
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@app_option
def unset_config(keys: tuple[str, ...], app: str | None) -> None:
    """Remove environment variables of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    output.part("Removing config... ")
    with output.waiting():
        controller.post(f"/v1/apps/{app_id}/config/", {"values": dict.fromkeys(keys)})
    output.line("done")
    output.line()
    print_config(app_id, get_values(controller, app_id))


@click.command()
@app_option
@click.option("-i", "--interactive", is_flag=True, help="Ask for every value to overwrite.")
@click.option("-o", "--overwrite", is_flag=True, help="Overwrite an existing .env file.")
def pull(app: str | None, interactive: bool, overwrite: bool) -> None:
    """Write the environment variables of an application to `.env`."""
    controller = Controller.of_profile()
    values = get_values(controller, git.app_of(controller, app))
    if DOTENV.exists() and not overwrite:
        raise CliError(".env already exists, pass -o to overwrite")
    if interactive and DOTENV.exists():
        values = choose(dotenv.parse(DOTENV.read_text()), values)
    dotenv.write(DOTENV, values)


@click.command()
@app_option
@click.option("-p", "--path", default=".env", show_default=True, help="The file to read.")
def push(app: str | None, path: str) -> None:
    """Set the environment variables that a file holds."""
    controller = Controller.of_profile()
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as err:
        raise CliError(f"{path} cannot be read: {err}") from err
    post_values(controller, git.app_of(controller, app), dotenv.parse(text))


def post_values(controller: Controller, app_id: str, values: dict[str, str]) -> None:
    """Set values and print what the config is then."""
    output.part("Creating config... ")
    with output.waiting():
        answer = controller.post(f"/v1/apps/{app_id}/config/", {"values": values}).object()
    release = answer.get("values", {}).get("DEIS_RELEASE")
    output.line(f"done, {release}" if release else "done")
    output.line()
    print_config(app_id, get_values(controller, app_id))


def get_values(controller: Controller, app_id: str) -> dict[str, Any]:
    """The values that the app runs with."""
    values = controller.get(f"/v1/apps/{app_id}/config/").object().get("values", {})
    return dict(values)


def print_config(app_id: str, values: dict[str, Any]) -> None:
    """The list under its heading."""
    output.line(f"=== {app_id} Config")
    for line in output.padded(values, 6):
        output.line(line)


def parse_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """`KEY=value` words; those that are none are named and left out."""
    values: dict[str, str] = {}
    for pair in pairs:
        match = PAIR.fullmatch(pair)
        if match is None:
            output.line(f"'{pair}' does not match the pattern 'key=var', ex: MODE=test")
            continue
        key, value = match.groups()
        values[key] = private_key(value) if key == "SSH_KEY" else value
    return values


def private_key(value: str) -> str:
    """A private key, given as text or as a file's path, in base64 (cli.md 2, config:set)."""
    path = Path(value) if len(value) < 4096 and "\n" not in value else None
    text = path.read_text() if path is not None and path.is_file() else value
    if PRIVATE_KEY.match(text) is None:
        raise CliError(f"Could not parse SSH private key:\n{text}")
    return base64.b64encode(text.encode()).decode()


def choose(mine: dict[str, str], theirs: dict[str, Any]) -> dict[str, Any]:
    """Ask for each value that differs; what is missing here is added."""
    chosen: dict[str, Any] = {**theirs, **mine}
    for key in sorted(set(mine) & set(theirs)):
        if mine[key] == theirs[key]:
            continue
        question = f"{key}: overwrite {mine[key]} with {theirs[key]}?"
        if click.confirm(question, prompt_suffix=" (y/N) ", show_default=False):
            chosen[key] = theirs[key]
    return chosen
