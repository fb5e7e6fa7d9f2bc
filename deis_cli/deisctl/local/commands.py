"""`deisctl local …`: the platform on one machine."""

import asyncio
import sys
from pathlib import Path

import click

from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.host_commands import host
from deis_cli.deisctl.local.options import guarded, home_option


@click.group()
def local() -> None:
    """The whole platform on this one machine."""


local.add_command(host)


@local.command("up")
@home_option
@click.option("--http-port", type=int, help="Where apps answer [default: 8080].")
@click.option("--builder-port", type=int, help="Where `git push` goes [default: 2222].")
@click.option("--hosts", type=int, help="So many hosts, each with a network of its own [1 to 9].")
@click.option(
    "--engine",
    type=click.Choice(["native", "swarm"]),
    help="Run copies by the agents or by a Docker Swarm of the hosts [default: native].",
)
@click.option("--docker-host", help="Use this Docker Engine instead of one of our own.")
@click.option(
    "--sample",
    type=click.Path(path_type=Path, exists=True),
    help="The first app; a new home that is made without one gets none.",
)
@click.option("--no-sample", is_flag=True, help="Do not deploy the sample app.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line.")
def up_command(
    home: Path,
    http_port: int | None,
    builder_port: int | None,
    hosts: int | None,
    engine: str | None,
    docker_host: str | None,
    sample: Path | None,
    no_sample: bool,
    as_json: bool,
) -> None:
    """Bring the platform up; when it runs already, say what runs where."""
    from deis_cli.deisctl.local.up import Wishes, up

    wishes = Wishes(
        home=home,
        http_port=http_port,
        builder_port=builder_port,
        hosts=hosts,
        engine=engine,
        docker_host=docker_host,
        sample=None if no_sample else sample,
        json=as_json,
    )
    guarded(lambda: up(wishes))


@local.command("down")
@home_option
@click.option("--purge", is_flag=True, help="Also remove its state, images and networks.")
def down_command(home: Path, purge: bool) -> None:
    """Stop the platform."""
    from deis_cli.deisctl.local.down import down

    guarded(lambda: down(home, purge=purge))


@local.command("supervise", hidden=True)
@home_option
def supervise_command(home: Path) -> None:
    """Keep the components running; started by `up`."""
    from deis_cli.deisctl.local.components import all_components
    from deis_cli.deisctl.local.supervisor import Supervisor
    from deis_node.runtime import logs
    from deis_node.runtime.process import run

    place, choices = _made(home)
    logs.configure(json=False)
    supervisor = Supervisor(place, all_components(place, choices, Path(sys.prefix)))

    async def body(stop: asyncio.Event) -> None:
        await supervisor.run(stop)

    sys.exit(run(body, uvloop=False))


@local.command("relay", hidden=True)
@home_option
def relay_command(home: Path) -> None:
    """Carry connections to whichever host serves; a component where there are several."""
    from deis_cli.deisctl.local.relay import Relay, doors
    from deis_node.runtime import logs
    from deis_node.runtime.process import run

    relay = Relay(doors(*_made(home)))
    logs.configure(json=False)

    async def body(stop: asyncio.Event) -> None:
        await relay.run(stop)

    sys.exit(run(body))


def _made(root: Path) -> tuple[Home, Choices]:
    """A home and what was chosen for it."""
    home = Home(root)
    choices = home.load()
    if choices is None:
        raise click.ClickException(f"{root} holds no platform: run `up` first.")
    return home, choices
