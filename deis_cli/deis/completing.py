"""What may come next on a command line: asked by the shells with every press of TAB."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deis_cli.deis.commands import COMMANDS, GROUPS, SHORTCUTS, SINGLE, full_name

if TYPE_CHECKING:
    from click import Command, Option

TIMEOUT = 1.0
"""Seconds that the controller has to name the apps."""

MANY = 1000
"""Apps that are asked for."""

APP_OPTIONS = ("-a", "--app", "--confirm")


def candidates(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Word and description for the last of the words, which may be empty or half written."""
    *before, last = words or [""]
    found = _commands() if not before else _arguments(before, last)
    return ((word, text) for word, text in found if word.startswith(last))


def _commands() -> Iterator[tuple[str, str]]:
    yield from ((word, f"short for {name}") for word, name in SHORTCUTS.items())
    yield from GROUPS.items()
    yield from SINGLE.items()
    yield ("help", "how commands are used")
    for name in COMMANDS:
        if name not in SINGLE:
            yield (name, "")


def _arguments(before: Sequence[str], last: str) -> Iterator[tuple[str, str]]:
    if before[0] == "help":
        yield from _commands()
        return
    name = full_name(before[0])
    if name is None or "--" in before:
        return
    from deis_cli.deis.main import load

    command = load(name)
    option, is_joined, _ = last.partition("=")
    if is_joined and option.startswith("--"):
        yield from ((f"{option}={word}", text) for word, text in _values(command, option))
    elif _option(command, before[-1]) is not None:
        yield from _values(command, before[-1])
    elif last.startswith("-"):
        yield from _options(command)
    else:
        yield from _words(command)


def _options(command: "Command") -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        for word in parameter.opts:
            if word.startswith("-"):
                yield (word, getattr(parameter, "help", None) or "")
    yield ("--help", "Show this message and exit.")


def _option(command: "Command", word: str) -> "Option | None":
    """The option that this word is and that a value must follow."""
    from click import Option

    for parameter in command.params:
        if isinstance(parameter, Option) and word in parameter.opts and not parameter.is_flag:
            return parameter
    return None


def _values(command: "Command", word: str) -> Iterator[tuple[str, str]]:
    option = _option(command, word)
    if option is None:
        return
    if word in APP_OPTIONS:
        yield from ((app, "") for app in _apps())
    for choice in getattr(option.type, "choices", ()):
        yield (str(choice), "")


def _words(command: "Command") -> Iterator[tuple[str, str]]:
    """Arguments with fixed words: those that name a shell."""
    from click import Argument

    for parameter in command.params:
        if isinstance(parameter, Argument):
            yield from ((str(choice), "") for choice in getattr(parameter.type, "choices", ()))


def _apps() -> Sequence[str]:
    """The user's apps; none when the controller is slow, away or not amused."""
    from deis_cli.deis.client import Controller
    from deis_cli.deis.errors import CliError

    with suppress(CliError, ValueError, KeyError, TypeError):
        controller = Controller.of_profile()
        answer = controller.get(f"/v1/apps/?page_size={MANY}", timeout=TIMEOUT)
        results: list[dict[str, Any]] = answer.object()["results"]
        return sorted(str(app["id"]) for app in results)
    return []
