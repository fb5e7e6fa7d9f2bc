"""`deisctl local …`: the platform on one machine."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.home import DEFAULT_HOME

_F = TypeVar("_F", bound=Callable[..., Any])


@click.group()
def local() -> None:
    """The whole platform on this one machine."""


def home_option(command: _F) -> _F:
    """`--home`, for every command that works on one."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path),
        default=DEFAULT_HOME,
        envvar="DEIS_LOCAL_HOME",
        show_default=True,
        help="Where everything is kept.",
    )(command)


@local.command("up")
@home_option
@click.option("--http-port", type=int, help="Where apps answer [default: 8080].")
@click.option("--builder-port", type=int, help="Where `git push` goes [default: 2222].")
@click.option("--docker-host", help="Use this Docker Engine instead of one of our own.")
@click.option("--sample", type=click.Path(path_type=Path, exists=True), help="The first app.")
@click.option("--no-sample", is_flag=True, help="Do not deploy the sample app.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line.")
def up_command(
    home: Path,
    http_port: int | None,
    builder_port: int | None,
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
        docker_host=docker_host,
        sample=None if no_sample else sample,
        json=as_json,
    )
    _guarded(lambda: up(wishes))


@local.command("down")
@home_option
@click.option("--purge", is_flag=True, help="Also remove its state, images and networks.")
def down_command(home: Path, purge: bool) -> None:
    """Stop the platform."""
    from deis_cli.deisctl.local.down import down

    _guarded(lambda: down(home, purge=purge))


@local.command("supervise", hidden=True)
@home_option
def supervise_command(home: Path) -> None:
    """Keep the components running; started by `up`."""
    from deis_cli.deisctl.local.components import all_components
    from deis_cli.deisctl.local.home import Home
    from deis_cli.deisctl.local.supervisor import Supervisor
    from deis_node.runtime import logs
    from deis_node.runtime.process import run

    place = Home(home)
    choices = place.load()
    if choices is None:
        raise click.ClickException(f"{home} holds no platform: run `up` first.")
    logs.configure(json=False)
    supervisor = Supervisor(place, all_components(place, choices, Path(sys.prefix)))

    async def body(stop: asyncio.Event) -> None:
        await supervisor.run(stop)

    sys.exit(run(body, uvloop=False))


def _guarded(action: Callable[[], None]) -> None:
    """One sentence and status 1 for what a person can mend."""
    try:
        action()
    except LocalError as err:
        raise click.ClickException(str(err)) from err
