"""`deis shortcuts`."""

import click

from deis_cli.deis import output
from deis_cli.deis.commands import SHORTCUTS


@click.command()
def shortcuts() -> None:
    """List the short names of commands."""
    output.line("Valid shortcuts are:")
    output.line()
    for word, name in sorted(SHORTCUTS.items()):
        output.line(f"{word:<15}-> {name}")
