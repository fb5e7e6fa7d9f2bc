"""`deis certs:…`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import json_option, limit_option

NAME, EXPIRES = "Common Name", "Expires"
GAP = 5
"""Blanks between the longest name and the dates."""


@click.command()
@limit_option
@json_option
def list_certs(limit: int | None, as_json: bool) -> None:
    """List your certificates."""
    page = Controller.of_profile().list("/v1/certs/", limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    for line in cert_lines(page.results) if page.results else ["No certs"]:
        output.line(line)


@click.command()
@click.argument("cert")
@click.argument("key")
@click.option("--common-name", metavar="NAME", help="The name, if not the certificate's own.")
@click.option(
    "--subject-alt-names",
    metavar="NAMES",
    help="Names joined by commas; the certificate is added once for each.",
)
def add(cert: str, key: str, common_name: str | None, subject_alt_names: str | None) -> None:
    """Add a certificate and its key, from files in PEM."""
    controller = Controller.of_profile()
    names = subject_alt_names.split(",") if subject_alt_names else [common_name]
    output.part("Adding SSL endpoint... ")
    with output.waiting():
        body = {"certificate": read(cert), "key": read(key)}
        for name in names:
            more = {"common_name": name} if name else {}
            controller.post("/v1/certs/", body | more).object()
    output.line("done")


@click.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a certificate."""
    controller = Controller.of_profile()
    output.part(f"Removing {name}... ")
    with output.waiting():
        controller.delete(f"/v1/certs/{quote(name, safe='*')}")
    output.line("done")


def cert_lines(certs: Sequence[dict[str, Any]]) -> list[str]:
    """The table of names and dates (cli.md 2, certs:list)."""
    pairs = [(str(cert["common_name"]), str(cert["expires"])) for cert in certs]
    longest = max(len(NAME), *(len(name) for name, _ in pairs))
    dates = max(len(EXPIRES), *(len(date) for _, date in pairs))
    width = longest + GAP
    head = [f"{NAME:<{width}}{EXPIRES}", f"{'-' * longest:<{width}}{'-' * dates}"]
    return head + [f"{name:<{width}}{date}" for name, date in sorted(pairs)]


def read(path: str) -> str:
    """A file's text; CliError when it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise CliError(f"{path} cannot be read: {err}") from err
