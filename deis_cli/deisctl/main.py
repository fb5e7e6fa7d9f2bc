"""`deisctl`: the operator's command line."""

import click

from deis_cli.deisctl.config_command import config
from deis_cli.deisctl.database.commands import database
from deis_cli.deisctl.hosts.commands import hosts
from deis_cli.deisctl.local.commands import local


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def deisctl() -> None:
    """Install and run the Deis platform."""


deisctl.add_command(config)
deisctl.add_command(database)
deisctl.add_command(hosts)
deisctl.add_command(local)


def main() -> None:
    """Entry point of the console script."""
    deisctl(prog_name="deisctl")
