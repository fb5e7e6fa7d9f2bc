"""The texts of `deis help` and `deis help <group>`."""

from deis_cli.deis.commands import COMMANDS, GROUPS, SINGLE

_HEAD = """\
The Deis command-line client issues API calls to a Deis controller.

Usage: deis <command> [<args>...]

Auth commands::

  register      register a new user with a controller
  login         login to a controller
  logout        logout from the current controller

Subcommands, use 'deis help [subcommand]' to learn more::
"""

_SHORTCUTS = """\

Shortcut commands, use 'deis shortcuts' to see all::

  create        create a new application
  scale         scale processes by type (web=2, worker=1)
  info          view information about the current app
  open          open a URL to the app in a browser
  logs          view aggregated log info for the app
  run           run a command in an ephemeral app container
  destroy       destroy an application
  pull          imports an image and deploys as a new release

More commands::
"""

_TAIL = """\

Use 'git push deis master' to deploy to an application.
"""


def overview() -> str:
    """Every group, the shortcuts that everybody needs, and the commands without a group."""
    lines = [_HEAD]
    lines += [f"  {name:<13} {text}" for name, text in GROUPS.items()]
    lines += [_SHORTCUTS]
    lines += [f"  {name:<13} {text}" for name, text in SINGLE.items()]
    lines += [_TAIL]
    return "\n".join(lines).rstrip()


def group_help(group: str) -> str:
    """The commands of one group, with the first line of each one's description."""
    from deis_cli.deis.main import load

    names = [name for name in COMMANDS if name.startswith(f"{group}:")]
    lines = [f"Valid commands for {group}:", ""]
    lines += [f"{name:<20} {load(name).get_short_help_str(limit=100)}" for name in names]
    lines += ["", "Use 'deis help [command]' to learn more."]
    return "\n".join(lines)
