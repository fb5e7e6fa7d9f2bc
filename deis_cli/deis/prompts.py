"""Questions to the user: asked on stdout, answered on stdin, as the original does."""

import sys

from deis_cli.deis import output
from deis_cli.deis.errors import CliError


def ask(question: str) -> str:
    """One line of stdin without its ends; empty when stdin has ended."""
    output.part(question)
    return sys.stdin.readline().strip()


def agreed(question: str) -> bool:
    """Whether the answer is `y`; anything else is no."""
    return ask(question).lower() == "y"


def secret(question: str, variable: str) -> str:
    """A password, not shown while typed; CliError when there is nobody to ask.

    `variable` is the environment variable that could have held it.
    """
    output.part(question)
    text = _unseen() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    output.line()
    if not text:
        raise CliError("No password was given.", f"Type one, or set {variable}.")
    return text


def new_secret(first: str, again: str, variable: str, mismatch: str) -> str:
    """A new password, asked twice; CliError with the text `mismatch` when they differ."""
    password = secret(first, variable)
    if secret(again, variable) != password:
        raise CliError(mismatch)
    return password


def _unseen() -> str:
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, silent)
        return sys.stdin.readline().rstrip("\r\n")
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
