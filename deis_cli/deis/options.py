"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


def app_option(command: _F) -> _F:
    """`-a/--app`."""
    return click.option(
        "-a",
        "--app",
        "app",
        metavar="APP",
        help="The uniquely identifiable name of the application.",
    )(command)


def limit_option(command: _F) -> _F:
    """`-l/--limit`."""
    return click.option(
        "-l",
        "--limit",
        type=click.IntRange(min=1),
        help="The maximum number of results to display.",
    )(command)
