"""Options that several commands share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class How:
    """How a change is made: at once and waited for, only foretold, or only begun."""

    dry_run: bool = False
    detach: bool = False


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


def json_option(command: _F) -> _F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the API's objects as JSON.")(
        command
    )


def how_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--dry-run` and `--detach`, handed over as `how`."""

    @click.option("--dry-run", is_flag=True, help="Print what would happen, and change nothing.")
    @click.option(
        "--detach", is_flag=True, help="Begin, print the operation's id, and do not wait."
    )
    @wraps(command)
    def with_how(*arguments: Any, dry_run: bool, detach: bool, **more: Any) -> Any:
        if dry_run and detach:
            raise click.UsageError("--dry-run and --detach exclude each other.")
        return command(*arguments, how=How(dry_run, detach), **more)

    return with_how
