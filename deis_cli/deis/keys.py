"""`deis keys:…`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import click

from deis_cli.deis import output, prompts
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import json_option, limit_option

PUBLIC_KEY = re.compile(r"(?:ssh-[a-z0-9]+|ecdsa-[^ ]+|sk-[^ ]+) ([^ ]+) ?(.*)")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key in a file."""

    path: Path
    id: str
    text: str


@click.command()
@limit_option
@json_option
def list_keys(limit: int | None, as_json: bool) -> None:
    """List your ssh keys."""
    controller = Controller.of_profile()
    page = controller.list("/v1/keys/", limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    keys = sorted(page.results, key=lambda item: str(item["id"]))
    output.listing(
        f"=== {controller.username} Keys{page.suffix}",
        (f"{key['id']} {shortened(str(key['public']))}" for key in keys),
        ("id", "key", "created"),
        ([key["id"], shortened(str(key["public"]).strip()), key.get("created")] for key in keys),
    )


@click.command()
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
def add(file: Path | None) -> None:
    """Add an ssh key."""
    controller = Controller.of_profile()
    key = read_key(file) if file is not None else choose_key()
    output.part(f"Uploading {key.path.name} to deis...")
    with whole_line():
        controller.post("/v1/keys/", {"id": key.id, "public": key.text}).object()
    output.line(" done")


@click.command()
@click.argument("key")
def remove(key: str) -> None:
    """Remove an ssh key."""
    controller = Controller.of_profile()
    output.part(f"Removing {key} SSH Key...")
    with whole_line():
        controller.delete(f"/v1/keys/{quote(key, safe='@')}")
    output.line(" done")


@contextmanager
def whole_line() -> Iterator[None]:
    """End the line before an error is told."""
    try:
        yield
    except CliError:
        output.line()
        raise


def shortened(public: str) -> str:
    """The ends of a key; the last ten characters include the file's newline (cli.md 2)."""
    return f"{public[:16]}...{public[-10:]}"


def read_key(path: Path) -> PublicKey:
    """A public key's file; its id is the comment, else the file's name up to the first dot."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise CliError(f"{path} cannot be read: {err}") from err
    match = PUBLIC_KEY.match(text)
    if match is None:
        raise CliError(f"{path} is not a valid ssh key")
    comment = match[2].strip()
    return PublicKey(path=path, id=comment or path.name.split(".", 1)[0], text=text)


def choose_key() -> PublicKey:
    """Ask which of the user's public keys to add."""
    keys = list(found_keys())
    output.line("Found the following SSH public keys:")
    for number, key in enumerate(keys, start=1):
        output.line(f"{number}) {key.path.name} {key.id}")
    output.line("0) Enter path to pubfile (or use keys:add <key_path>)")
    answer = prompts.ask("Which would you like to use with Deis? ")
    if not (answer.isascii() and answer.isdigit() and int(answer) <= len(keys)):
        raise CliError(f"{answer} is not a valid option")
    if int(answer) == 0:
        path = prompts.ask("Enter the path to the pubkey file: ")
        return read_key(Path(path).expanduser())
    return keys[int(answer) - 1]


def found_keys() -> Iterator[PublicKey]:
    """The public keys in `~/.ssh`; files that are none are named."""
    for path in sorted((Path.home() / ".ssh").glob("*.pub")):
        try:
            yield read_key(path)
        except CliError as err:
            output.line(str(err))
