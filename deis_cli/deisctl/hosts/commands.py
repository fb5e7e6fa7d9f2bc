"""The commands of `deisctl hosts`; they use the login that `deis` keeps."""

import re
from collections.abc import Mapping
from typing import Any

import click

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import json_option
from deis_cli.deisctl.database.commands import tell_if_behind
from deis_cli.deisctl.guarded import guarded
from deis_cli.deisctl.hosts import draining, texts

HOSTS = "/v1/hosts/"

_TAG = re.compile(r"([A-Za-z]+)(?:=(.+)|-)")


@click.group()
def hosts() -> None:
    """The hosts of the cluster; for administrators, by the login of `deis`."""


host_argument = click.argument("host")


@hosts.command("list")
@json_option
@guarded
def list_hosts(as_json: bool) -> None:
    """List the hosts and what is reserved on them."""
    controller = Controller.of_profile()
    found = controller.list(HOSTS, whole=True).results
    if as_json:
        output.json(found)
    else:
        rows = [texts.row_of(host) for host in found]
        output.listing("=== Hosts", ("\t".join(row) for row in rows), texts.COLUMNS, rows)
    tell_if_behind(controller)


@hosts.command("info")
@host_argument
@json_option
@guarded
def info(host: str, as_json: bool) -> None:
    """Show one host, and what its copies wait for."""
    controller = Controller.of_profile()
    _show(controller.get(_path(host)).object(), as_json)
    if not as_json:
        for text in draining.lines_of(draining.copies_of(controller, _path(host))):
            output.line(f"waits:      {output.safe(text)}")


@hosts.command("cordon")
@host_argument
@json_option
@guarded
def cordon(host: str, as_json: bool) -> None:
    """Have a host take no new copies; what runs there stays."""
    _change(f"Cordoning {host}... ", host, {"cordoned": True}, as_json)


@hosts.command("uncordon")
@host_argument
@json_option
@guarded
def uncordon(host: str, as_json: bool) -> None:
    """Let a host take copies again."""
    changed = _change(f"Uncordoning {host}... ", host, {"cordoned": False}, as_json)
    if changed["draining"]:
        output.notice(f"{host} is still being drained: deisctl hosts undrain {host}")


@hosts.command("drain")
@host_argument
@click.option("--wait", is_flag=True, help="Follow until the host is empty.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    help="Seconds that --wait waits.",
)
@json_option
@guarded
def drain(host: str, wait: bool, timeout: float, as_json: bool) -> None:
    """Have a host's copies made again on others, each ending when its successor serves.

    The host takes no new copies until `undrain`. With --wait it is told what a copy waits for that
    does not get on.
    """
    changed = _change(f"Draining {host}... ", host, {"draining": True}, as_json and not wait)
    if wait:
        controller = Controller.of_profile()
        changed = draining.until_empty(controller, _path(host), changed, timeout, quiet=as_json)
        if as_json:
            output.json(changed)


@hosts.command("undrain")
@host_argument
@json_option
@guarded
def undrain(host: str, as_json: bool) -> None:
    """End a drain; copies that left do not come back by themselves."""
    _change(f"Undraining {host}... ", host, {"draining": False}, as_json)


@hosts.command("tags")
@host_argument
@click.argument("tags", metavar="[KEY=VALUE | KEY-]...", nargs=-1)
@json_option
@guarded
def tags(host: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Show a host's tags, set some, or remove one by a `-` behind its key.

    Hosts that fail together have the same tag `zone`.
    """
    if tags:
        changed = _change(f"Tagging {host}... ", host, {"tags": read_tags(tags)}, as_json)
    else:
        changed = Controller.of_profile().get(_path(host)).object()
        if as_json:
            output.json(changed)
    if not as_json:
        output.heading(f"=== {host} Tags")
        for line in output.padded(changed["tags"], 6):
            output.line(output.safe(line))


@hosts.command("rebalance")
@click.option("--plan", is_flag=True, help="Print the moves, and make none.")
@json_option
@guarded
def rebalance(plan: bool, as_json: bool) -> None:
    """Move as few copies as bring types, zones, hosts and processors into balance.

    The moves are made in the background, a few at a time, and never below what serves.
    """
    query = "?dry_run=true" if plan else ""
    found = Controller.of_profile().post(f"{HOSTS}rebalance/{query}").object()
    if as_json:
        output.json(found)
        return
    for move in found["moves"]:
        output.line(output.safe(texts.move_text(move)))
    output.line(_summary(found, plan))


@hosts.command("forget")
@host_argument
@guarded
def forget(host: str) -> None:
    """Remove what is left of a host that is gone for good."""
    output.part(f"Forgetting {host}... ")
    Controller.of_profile().delete(_path(host))
    output.line("done")


def read_tags(words: tuple[str, ...]) -> dict[str, str | None]:
    """`KEY=VALUE` and `KEY-` → key to value, None to remove; CliError for any other word."""
    found: dict[str, str | None] = {}
    for word in words:
        match = _TAG.fullmatch(word)
        if match is None:
            raise CliError(f"{word} is neither KEY=VALUE nor KEY-, the key being of letters.")
        found[match[1]] = match[2]
    return found


def _path(host: str) -> str:
    from urllib.parse import quote

    return f"{HOSTS}{quote(host, safe='')}/"


def _change(doing: str, host: str, body: Mapping[str, object], as_json: bool) -> dict[str, Any]:
    """Change a host, saying so: the host as it is then."""
    if not as_json:
        output.part(doing)
    changed = Controller.of_profile().request("PATCH", _path(host), body).object()
    if as_json:
        output.json(changed)
    else:
        output.part("done\n")
    return changed


def _show(host: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        output.json(host)
        return
    output.heading(f"=== {host['name']} Host")
    for label, text in texts.facts_of(host):
        output.line(f"{label + ':':<12}{output.safe(text)}")


def _summary(found: Mapping[str, Any], plan: bool) -> str:
    count = len(found["moves"])
    if not count:
        return "Nothing to move."
    moves = "1 move" if count == 1 else f"{count} moves"
    more = "; more when these are made" if found["more"] else ""
    return f"{moves} planned{more}." if plan else f"{moves} under way{more}."
