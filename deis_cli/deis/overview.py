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

  create        make an application, and a git remote for it
  info          tell about an application
  open          show it in a browser
  logs          print its log
  scale         run more or fewer processes (web=2 worker=1)
  pull          deploy an image
  run           run one command in a container of its own
  rollback      go back to an earlier release
  destroy       remove an application for ever

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
