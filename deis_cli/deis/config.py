"""`deis config:…`."""

import base64
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from deis_cli.deis import deploying, dotenv, git, output, prompts
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import How, app_option, how_options, json_option

PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
DOTENV = Path(".env")

STDIN = "-"
"""The file's name that means stdin."""

LONGEST_PATH = 4096
"""Characters; a longer value is no path of a file."""


@click.command()
@app_option
@click.option("--oneline", is_flag=True, help="Print all pairs on one line.")
@json_option
def list_config(app: str | None, oneline: bool, as_json: bool) -> None:
    """List the environment variables of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    if as_json:
        output.json(controller.get(f"/v1/apps/{app_id}/config/").object())
        return
    values = get_values(controller, app_id)
    if oneline:
        output.line("".join(f"{key}={values[key]} " for key in sorted(values)))
        return
    print_config(app_id, values)


@click.command()
@click.argument("pairs", metavar="VAR=VALUE...", nargs=-1)
@app_option
@click.option("--file", metavar="FILE", help="Take pairs from a file too; - is stdin.")
@how_options
def set_config(pairs: tuple[str, ...], app: str | None, file: str | None, how: How) -> None:
    """Set environment variables of an application.

    A pair on the command line goes before one of the file. Everybody on this machine may read
    command lines: secrets come by --file, or as `deis config:set -` from stdin.
    """
    if STDIN in pairs:
        file, pairs = file or STDIN, tuple(pair for pair in pairs if pair != STDIN)
    if not pairs and file is None:
        raise click.UsageError("Missing argument 'VAR=VALUE...'.")
    values = read_pairs(file) if file is not None else {}
    controller = Controller.of_profile()
    post_values(controller, git.app_of(controller, app), values | parse_pairs(pairs), how)


@click.command()
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@app_option
@how_options
def unset_config(keys: tuple[str, ...], app: str | None, how: How) -> None:
    """Remove environment variables of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    body = {"values": dict.fromkeys(keys)}
    path = f"/v1/apps/{app_id}/config/"
    if deploying.config_change(controller, "Removing config... ", path, body, how):
        print_config(app_id, get_values(controller, app_id))


@click.command()
@app_option
@click.option("-i", "--interactive", is_flag=True, help="Ask for every value to overwrite.")
@click.option("-o", "--overwrite", is_flag=True, help="Overwrite an existing .env file.")
def pull(app: str | None, interactive: bool, overwrite: bool) -> None:
    """Write the environment variables of an application to `.env`."""
    if DOTENV.exists() and not overwrite:
        raise CliError(".env already exists, pass -o to overwrite")
    controller = Controller.of_profile()
    values = get_values(controller, git.app_of(controller, app))
    if interactive and DOTENV.exists():
        values = choose(read_pairs(str(DOTENV)), values)
    dotenv.write(DOTENV, values)


@click.command()
@app_option
@click.option("-p", "--path", default=".env", show_default=True, help="The file to read.")
@how_options
def push(app: str | None, path: str, how: How) -> None:
    """Set the environment variables that a file holds."""
    values = read_pairs(path)
    controller = Controller.of_profile()
    post_values(controller, git.app_of(controller, app), values, how)


def post_values(controller: Controller, app_id: str, values: dict[str, str], how: How) -> None:
    """Set values and print what the config is then."""
    body = {"values": values} if values else {}
    path = f"/v1/apps/{app_id}/config/"
    if deploying.config_change(controller, "Creating config... ", path, body, how):
        print_config(app_id, get_values(controller, app_id))


def get_values(controller: Controller, app_id: str) -> dict[str, Any]:
    """The values that the app runs with."""
    values = controller.get(f"/v1/apps/{app_id}/config/").object().get("values", {})
    return dict(values)


def print_config(app_id: str, values: dict[str, Any]) -> None:
    """The list under its heading."""
    output.heading(f"=== {app_id} Config")
    for line in output.padded({key: output.safe(value) for key, value in values.items()}, 6):
        output.line(line)


def read_pairs(path: str) -> dict[str, str]:
    """The pairs of a file, or of stdin; CliError when it cannot be read."""
    try:
        raw = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
        values = dotenv.parse(raw.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as err:
        raise CliError(f"{path} cannot be read: {err}") from err
    return {key: with_key_encoded(key, value) for key, value in values.items()}


def parse_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """`KEY=value` words; those that are none are named and left out."""
    values: dict[str, str] = {}
    for pair in pairs:
        match = PAIR.fullmatch(pair)
        if match is None:
            output.line(f"'{pair}' does not match the pattern 'key=var', ex: MODE=test")
            continue
        values[match[1]] = with_key_encoded(*match.groups())
    return values


def with_key_encoded(key: str, value: str) -> str:
    """A value as it is sent: `SSH_KEY` in base64, every other one as it stands."""
    return private_key(value) if key == "SSH_KEY" else value


def private_key(value: str) -> str:
    """A private key, given as text or as a file's path, in base64 (cli.md 2, config:set).

    A key that is in base64 already, as `config:pull` writes it, stays as it is.
    """
    path = Path(value) if len(value) < LONGEST_PATH and not set("\n\0") & set(value) else None
    text = path.read_text(encoding="utf-8") if path is not None and path.is_file() else value
    if PRIVATE_KEY.match(text) is not None:
        return base64.b64encode(text.encode()).decode()
    try:
        if PRIVATE_KEY.match(base64.b64decode(text, validate=True).decode()):
            return text
    except ValueError:
        pass
    raise CliError("Could not parse SSH private key:\n It must be a PEM file or its text.")


def choose(mine: dict[str, str], theirs: dict[str, Any]) -> dict[str, Any]:
    """Ask for each value that differs; what is missing here is added."""
    chosen: dict[str, Any] = {**theirs, **mine}
    for key in sorted(set(mine) & set(theirs)):
        question = f"{key}: overwrite {mine[key]} with {theirs[key]}? (y/N) "
        if mine[key] != theirs[key] and prompts.agreed(question):
            chosen[key] = theirs[key]
    return chosen
