"""What the commands of `deisctl local` have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.home import DEFAULT_HOME

_F = TypeVar("_F", bound=Callable[..., Any])


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


def guarded(action: Callable[[], None]) -> None:
    """Do it; one sentence and status 1 for what a person can mend."""
    try:
        action()
    except LocalError as err:
        raise click.ClickException(str(err)) from err
