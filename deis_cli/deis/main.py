"""The command `deis`: finds the command, imports its module, runs it, and speaks of errors."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING

from deis_cli.deis import VERSION, output
from deis_cli.deis.commands import COMMANDS, GROUPS, SHORTCUTS, full_name, group_of

if TYPE_CHECKING:
    import click

USAGE = "Usage: deis <command> [<args>...]"
HELP = ("help", "--help", "-h")
VERSIONS = ("version", "--version", "-v")

COMPLETE = "__complete"
"""What the shells' completion scripts call."""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.exit(run([os.fsencode(word).decode("utf-8", "surrogateescape") for word in sys.argv[1:]]))


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
    if first == COMPLETE:
        return _complete(rest)
    if rest[:1] in (["--help"], ["-h"]):
        return _help([first])
    name = full_name(first)
    if name is not None:
        return _invoke(name, rest)
    if first in GROUPS:
        output.line(group_help_of(first))
        return 0
    return _plug_in(first, rest)


def load(name: str) -> "click.Command":
    """The command with this full name; only its module is imported."""
    from click import Command

    module, attribute = COMMANDS[name]
    command = getattr(import_module(f"deis_cli.deis.{module}"), attribute)
    assert isinstance(command, Command)
    return command


def group_help_of(group: str) -> str:
    """The table of a group's commands."""
    from deis_cli.deis.overview import group_help

    return group_help(group)


def _help(rest: Sequence[str]) -> int:
    if not rest:
        from deis_cli.deis.overview import overview

        output.line(overview())
        return 0
    if rest[0] in GROUPS:
        output.line(group_help_of(rest[0]))
        return 0
    if rest[0] in VERSIONS:
        output.line("Usage: deis version")
        return 0
    name = full_name(rest[0])
    if name is None:
        return _plug_in(rest[0], ["--help"])
    from click import Context

    command = load(name)
    with Context(command, info_name=f"deis {name}") as context:
        output.line(command.get_help(context))
    return 0


def _invoke(name: str, arguments: Sequence[str]) -> int:
    import click

    from deis_cli.deis.errors import CliError, Interrupted

    output.document("--json" in arguments)
    try:
        status = load(name).main(list(arguments), prog_name=f"deis {name}", standalone_mode=False)
    except click.UsageError as err:
        context = err.ctx or click.Context(load(name), info_name=f"deis {name}")
        output.line(context.get_usage())
        output.error(err.format_message())
        output.hint(f"All of it: deis help {name}")
        return 1
    except click.Abort:
        output.error("Aborted.")
        return INTERRUPTED
    except Interrupted as err:
        output.error(str(err))
        return INTERRUPTED
    except CliError as err:
        _tell(err.hint, str(err))
        return 1
    except KeyError as err:  # what commands look up by name are the API's objects
        _tell(None, f"The controller's answer lacks {err}.")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status if isinstance(status, int) else 0


def _tell(hint: str | None, text: str) -> None:
    if not sys.stderr.isatty():
        output.error(f"Error: {text}")
        return
    output.error(f"{output.styled('Error:', output.RED)} {output.safe(text.rstrip())}")
    if hint is not None:
        output.hint(hint)


def _complete(words: Sequence[str]) -> int:
    from deis_cli.deis.completing import candidates

    output.document(True)
    for word, text in candidates(words):
        output.line(f"{word}\t{text}" if text else word)
    return 0


def _plug_in(first: str, rest: Sequence[str]) -> int:
    """Become `deis-<group>` from the path, as git does with its commands (cli.md section 5)."""
    group, sub = group_of(first), first.partition(":")[2]
    if group in GROUPS or group in SHORTCUTS or group in COMMANDS or group.startswith("-"):
        return _unknown()
    program = f"deis-{group}"
    try:
        os.execvp(program, [program, *([sub] if sub else []), *rest])  # noqa: S606 - no shell is meant
    except (OSError, ValueError):
        return _unknown()


def _unknown() -> int:
    output.error("Found no matching command, try 'deis help'")
    output.error(USAGE)
    return 1
