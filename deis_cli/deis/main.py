"""The command `deis`: finds the command, imports its module, runs it, and speaks of errors."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from deis_cli.deis import VERSION, output
from deis_cli.deis.commands import COMMANDS, GROUPS, SHORTCUTS, full_name
from deis_cli.deis.errors import CliError
from deis_cli.deis.overview import group_help, overview

USAGE = "Usage: deis <command> [<args>...]"
HELP = ("help", "--help", "-h")
VERSIONS = ("version", "--version", "-v")


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit status (cli.md section 3)."""
    if not arguments:
        output.error(USAGE)
        return 1
    first, *rest = arguments
    if first in HELP:
        return _help(rest)
    if first in VERSIONS:
        output.line(VERSION)
        return 0
    if rest[:1] in (["--help"], ["-h"]):
        return _help([first])
    name = full_name(first)
    if name is not None:
        return _invoke(name, rest)
    if first in GROUPS:
        output.line(group_help(first))
        return 0
    return _plug_in(first, rest)


def load(name: str) -> click.Command:
    """The command with this full name; only its module is imported."""
    module, attribute = COMMANDS[name]
    command = getattr(import_module(f"deis_cli.deis.{module}"), attribute)
    assert isinstance(command, click.Command)
    return command


def _help(rest: Sequence[str]) -> int:
    if not rest:
        output.line(overview())
        return 0
    if rest[0] in GROUPS:
        output.line(group_help(rest[0]))
        return 0
    name = full_name(rest[0])
    if name is None:
        return _unknown()
    command = load(name)
    with click.Context(command, info_name=f"deis {name}") as context:
        output.line(command.get_help(context))
    return 0


def _invoke(name: str, arguments: Sequence[str]) -> int:
    try:
        status = load(name).main(list(arguments), prog_name=f"deis {name}", standalone_mode=False)
    except click.UsageError as err:
        if err.ctx is not None:
            output.line(err.ctx.get_usage())
        output.error(err.format_message())
        return 1
    except click.Abort:
        output.error("Aborted.")
        return 1
    except CliError as err:
        output.error(f"Error: {err}")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status if isinstance(status, int) else 0


def _plug_in(first: str, rest: Sequence[str]) -> int:
    """Become `deis-<group>` from the path, as git does with its commands (cli.md section 5)."""
    group, _, sub = first.partition(":")
    if group in GROUPS or group in SHORTCUTS or group.startswith("-"):
        return _unknown()
    program = f"deis-{group}"
    try:
        os.execvp(program, [program, *([sub] if sub else []), *rest])  # noqa: S606 - no shell is meant
    except OSError:
        return _unknown()


def _unknown() -> int:
    output.error("Found no matching command, try 'deis help'")
    output.error(USAGE)
    return 1
