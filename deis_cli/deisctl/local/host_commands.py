"""`deisctl local host …`: pull the plug of one of several hosts, and put it back."""

from collections.abc import Callable
from pathlib import Path

import click

from deis_cli.deisctl.local.options import guarded, home_option


@click.group("host")
def host() -> None:
    """Hurt and mend the hosts of a platform that was made with `up --hosts N`."""


@host.command("list")
@home_option
def list_command(home: Path) -> None:
    """The hosts, their addresses, and what state they are in."""

    def show() -> None:
        from deis_cli.deisctl.local.home import Home
        from deis_cli.deisctl.local.hosts import Hosts
        from deis_cli.deisctl.local.sites import sites
        from deis_cli.deisctl.local.status import columns

        hosts = Hosts.of(Home(home))
        lines = [("host", "address", "state", "parts")]
        for site in sites(hosts.home, hosts.choices):
            parts = [item.name.partition("@")[0] for item in hosts.components(site.name)]
            parts += ["nginx"] if site.router else []
            lines.append((site.name, site.address, hosts.state(site.name), ", ".join(parts)))
        for line in columns(lines):
            click.echo(line)

    guarded(show)


@host.command("on")
@home_option
@click.argument("name")
def on_command(home: Path, name: str) -> None:
    """Give a host its power back, and wait until it serves."""
    _do(home, name, "on")
    _do(home, name, "wait", "is on and serves")


def _verb(verb: str, help_text: str, said: str) -> None:
    @host.command(verb, help=help_text)
    @home_option
    @click.argument("name")
    def command(home: Path, name: str) -> None:
        _do(home, name, verb, said)


def _do(home: Path, name: str, verb: str, said: str = "") -> None:
    def act() -> None:
        from deis_cli.deisctl.local.home import Home
        from deis_cli.deisctl.local.hosts import Hosts

        action: Callable[[str], None] = getattr(Hosts.of(Home(home)), verb)
        action(name)
        if said:
            click.echo(f"{name} {said}.")

    guarded(act)


_verb("off", "Pull a host's plug: everything on it is gone at once.", "has no power")
_verb("freeze", "Hang a host: nothing on it goes on, and nothing ends.", "is frozen")
_verb("thaw", "Let a hung host go on.", "goes on")
_verb("cut", "Pull a host's network cable.", "is cut off")
_verb("join", "Plug a host's network cable in again.", "is joined again")
