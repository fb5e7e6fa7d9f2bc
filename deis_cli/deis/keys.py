"""`deis keys:…`."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import click

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import limit_option

PUBLIC_KEY = re.compile(r"(?:ssh-[a-z0-9]+|ecdsa-[^ ]+|sk-[^ ]+) ([^ ]+) ?(.*)")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key in a file."""

    path: Path
    id: str
    text: str


@click.command()
@limit_option
def list_keys(limit: int | None) -> None:
    """List your ssh keys."""
    controller = Controller.of_profile()
    page = controller.list("/v1/keys/", limit)
    output.line(f"=== {controller.username} Keys{page.suffix}")
    for key in sorted(page.results, key=lambda item: str(item["id"])):
        public = str(key["public"]).strip()
        output.line(f"{key['id']} {public[:16]}...{public[-10:]}")


@click.command()
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
def add(file: Path | None) -> None:
    """Add an ssh key."""
    controller = Controller.of_profile()
    key = read_key(file) if file is not None else choose_key()
    output.part(f"Uploading {key.path.name} to deis... ")
    controller.post("/v1/keys/", {"id": key.id, "public": key.text})
    output.line("done")


@click.command()
@click.argument("key")
def remove(key: str) -> None:
    """Remove an ssh key."""
    controller = Controller.of_profile()
    output.part(f"Removing {key} SSH Key... ")
    controller.delete(f"/v1/keys/{quote(key, safe='@')}")
    output.line("done")


def read_key(path: Path) -> PublicKey:
    """A public key's file; its id is the comment, else the file's name up to the first dot."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as err:
        raise CliError(f"{path} cannot be read: {err}") from err
    match = PUBLIC_KEY.match(text)
    if match is None:
        raise CliError(f"{path} is not a valid ssh key")
    comment = match[2].strip()
    return PublicKey(path=path, id=comment or path.name.split(".", 1)[0], text=text)


def choose_key() -> PublicKey:
    """Ask which of the user's public keys to add."""
    folder = Path.home() / ".ssh"
    keys = [read_key(path) for path in sorted(folder.glob("*.pub"))]
    output.line("Found the following SSH public keys:")
    for number, key in enumerate(keys, start=1):
        output.line(f"{number}) {key.path.name} {key.id}")
    output.line("0) Enter path to pubfile (or use keys:add <key_path>)")
    number = click.prompt(
        "Which would you like to use with Deis?", type=click.IntRange(0, len(keys))
    )
    if number == 0:
        return read_key(Path(click.prompt("Enter the path to the pubkey file", type=str)))
    return keys[number - 1]
