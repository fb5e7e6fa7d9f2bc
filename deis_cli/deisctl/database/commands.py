"""The commands of `deisctl database`; they use the login that `deis` keeps."""

from collections.abc import Mapping
from typing import Any

import click

from deis_cli.deis import output, prompts
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import ApiError, CliError
from deis_cli.deis.options import json_option
from deis_cli.deisctl.database import texts
from deis_cli.deisctl.guarded import guarded

DATABASE = "/v1/database/"

_NOT_FOUND = 404


@click.group()
def database() -> None:
    """PostgreSQL, when an older backup was restored; for administrators, by the login of `deis`."""


@database.command("status")
@json_option
@guarded
def status(as_json: bool) -> None:
    """Tell whether PostgreSQL is older than the cluster's store, and what accepting it would do."""
    found = Controller.of_profile().get(DATABASE).object()
    if as_json:
        output.json(found)
    elif not found["behind"]:
        output.line("PostgreSQL knows every change that the cluster's store knows of.")
    else:
        output.line(
            "PostgreSQL is older than the cluster's store. Nothing is stopped or taken back."
        )
        _tell(found)
        output.line("`deisctl database accept` accepts it as it is.")


@database.command("accept")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@guarded
def accept(yes: bool, as_json: bool) -> None:
    """Accept an older PostgreSQL as it is: what it does not want is removed from now on.

    First it is told what that is.
    """
    controller = Controller.of_profile()
    if not as_json:
        found = controller.get(DATABASE).object()
        if not found["behind"]:
            output.line("There is nothing to accept.")
            return
        _tell(found)
    if not yes and (as_json or not prompts.agreed("Accept PostgreSQL as it is? (y/N) ")):
        raise CliError("Nothing was changed.", "--yes accepts it without a question.")
    done = controller.post(f"{DATABASE}accept/").object()
    if as_json:
        output.json(done)
    else:
        output.line("Accepted; what is not wanted ends now.")


def tell_if_behind(controller: Controller) -> None:
    """Say so when PostgreSQL is older than the store; nothing to a controller of before."""
    try:
        found = controller.get(DATABASE).object()
    except ApiError as err:
        if err.status == _NOT_FOUND:
            return
        raise
    if found["behind"]:
        output.notice(texts.BEHIND)


def _tell(found: Mapping[str, Any]) -> None:
    output.line(texts.count_text(found))
    if not found["losses"]:
        output.line("Accepting it would stop nothing that runs.")
        return
    output.line("Accepting it would mean:")
    for loss in found["losses"]:
        output.line(output.safe(f"  {texts.loss_text(loss)}"))
