"""The commands of `deisctl hosts`; they use the login that `deis` keeps."""

import re
import sys
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import ApiError, CliError
from deis_cli.deis.options import json_option
from deis_cli.deisctl.hosts import texts

HOSTS = "/v1/hosts/"

LOOK = 1.0
"""Seconds between two looks at a host that is being drained."""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

_TAG = re.compile(r"([A-Za-z]+)(?:=(.+)|-)")


@click.group()
def hosts() -> None:
    """The hosts of the cluster; for administrators, by the login of `deis`."""


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """One sentence and status 1 for what a person can mend."""

    @wraps(command)
    def run(*arguments: Any, **more: Any) -> Any:
        output.document(bool(more.get("as_json")))
        try:
            return command(*arguments, **more)
        except CliError as err:
            hint = err.hint
            if isinstance(err, ApiError) and err.status in (404, 409):
                hint = "`deisctl hosts list` shows all hosts." if err.status == 404 else None
            text = str(err).rstrip()
            raise click.ClickException(f"{text}\n{hint}" if hint else text) from err
        except KeyError as err:  # what is looked up by name are the API's objects
            raise click.ClickException(f"The controller's answer lacks {err}.") from err

    return run


host_argument = click.argument("host")


@hosts.command("list")
@json_option
@guarded
def list_hosts(as_json: bool) -> None:
    """List the hosts and what is reserved on them."""
    found = Controller.of_profile().list(HOSTS, whole=True).results
    if as_json:
        output.json(found)
        return
    rows = [texts.row_of(host) for host in found]
    output.listing("=== Hosts", ("\t".join(row) for row in rows), texts.COLUMNS, rows)


@hosts.command("info")
@host_argument
@json_option
@guarded
def info(host: str, as_json: bool) -> None:
    """Show one host."""
    _show(Controller.of_profile().get(_path(host)).object(), as_json)


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

    The host takes no new copies until `undrain`.
    """
    changed = _change(f"Draining {host}... ", host, {"draining": True}, as_json and not wait)
    if wait:
        changed = _until_empty(host, changed, timeout, quiet=as_json)
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


def _until_empty(
    host: str, found: dict[str, Any], timeout: float, *, quiet: bool
) -> dict[str, Any]:
    """Look at the host until nothing is on it; CliError when that takes too long."""
    until = time.monotonic() + timeout
    controller, said = Controller.of_profile(), None
    try:
        while found["copies"]:
            if found["copies"] != said and not quiet:
                said = found["copies"]
                output.line(f"{host}: {_copies(said)} left")
            if not found["alive"]:
                raise CliError(f"{host} is gone: its copies are made again elsewhere anyway.")
            if time.monotonic() >= until:
                raise CliError(f"{host} still has {_copies(found['copies'])}; the drain goes on.")
            time.sleep(LOOK)
            found = controller.get(_path(host)).object()
    except KeyboardInterrupt:
        output.error(f"\nThe drain goes on; deisctl hosts undrain {host} ends it.")
        sys.exit(INTERRUPTED)
    if not quiet:
        output.line(f"{host} is empty")
    return found


def _copies(count: int) -> str:
    return "1 copy" if count == 1 else f"{count} copies"


def _summary(found: Mapping[str, Any], plan: bool) -> str:
    count = len(found["moves"])
    if not count:
        return "Nothing to move."
    moves = "1 move" if count == 1 else f"{count} moves"
    more = "; more when these are made" if found["more"] else ""
    return f"{moves} planned{more}." if plan else f"{moves} under way{more}."
