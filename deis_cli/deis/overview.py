"""The texts of `deis help` and `deis help <group>`."""

from deis_cli.deis.commands import COMMANDS, GROUPS, SHORTCUTS

_HEAD = """\
The Deis command-line client issues API calls to a Deis controller.

Usage: deis <command> [<args>...]

Auth commands::

  register      register a new user with a controller
  login         login to a controller
  logout        logout from the current controller
  whoami        display the current user

Subcommands, use `deis help [subcommand]` to learn more::
"""

_TAIL = """\
Use `git push deis master` to deploy to an application.
"""


def overview() -> str:
    """Every group and every shortcut."""
    lines = [_HEAD]
    lines += [f"  {name:<13} {text}" for name, text in GROUPS.items()]
    lines += ["", "Shortcut commands::", ""]
    lines += [f"  {word:<13} {full}" for word, full in sorted(SHORTCUTS.items())]
    lines += ["", _TAIL]
    return "\n".join(lines).rstrip()


def group_help(group: str) -> str:
    """The commands of one group, with the first line of each one's description."""
    from deis_cli.deis.main import load

    names = [name for name in COMMANDS if name.startswith(f"{group}:")]
    lines = [f"Valid commands for {group}:", ""]
    lines += [f"{name:<20} {load(name).get_short_help_str(limit=100)}" for name in names]
    lines += ["", "Use `deis help [command]` to learn more."]
    return "\n".join(lines)
