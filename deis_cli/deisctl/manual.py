"""The reference page of `deisctl`, made of the commands themselves."""

from collections.abc import Iterator

import click

from deis_cli.deisctl.main import deisctl
from deis_cli.described import described, help_of

_HEAD = """\
# `deisctl`

Generated from the commands by `python contrib/reference.py`. What differs from Deis v1 stands in
[differences.md](differences.md#deis). How hosts, stores and settings are cared for is in
[Operating a platform](../operators.md).

`config` speaks to etcd, `database` and `hosts` to the API by the login of `deis`; `local`
to nobody, it runs a whole platform on this machine. The exit status is 0 when all went
well, 1 after an error, 2 for wrong options, 130 after Ctrl-C.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_commands(deisctl, "deisctl", 2)])


def _commands(group: click.Group, path: str, depth: int) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        below = f"{path} {name}"
        if isinstance(command, click.Group):
            yield f"{'#' * depth} {below}\n\n{help_of(command)}\n"
            yield from _commands(command, below, depth + 1)
        else:
            yield described(command, below, depth)
