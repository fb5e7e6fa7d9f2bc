"""`deis operations:…`: changes of what runs, under way and past."""

import click

from deis_cli.deis import deploying, following, git, live, output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import app_option, json_option, limit_option

COLUMNS = ("id", "created", "kind", "actor", "state", "summary")
INFO_KEYS = ("id", "app", "kind", "summary", "actor", "created", "started", "ended")


@click.command()
@app_option
@click.option("--open", "unfinished", is_flag=True, help="Only those that have not ended.")
@limit_option
@json_option
def list_operations(app: str | None, unfinished: bool, limit: int | None, as_json: bool) -> None:
    """List the changes of an application, newest first."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    query = "?open=true" if unfinished else ""
    path = f"/v1/apps/{app_id}/operations/{query}"
    page = controller.list(path, limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    rows = [[str((item | {"state": state(item)})[key]) for key in COLUMNS] for item in page.results]
    output.listing(
        f"=== {app_id} Operations{page.suffix}", ("\t".join(row) for row in rows), COLUMNS, rows
    )


@click.command()
@click.argument("number", metavar="ID")
@json_option
def info(number: str, as_json: bool) -> None:
    """Print an operation and its phases."""
    operation = Controller.of_profile().get(following.path_of(number)).object()
    if as_json:
        output.json(operation)
        return
    output.heading(f"=== Operation {operation['id']}: {state(operation)}")
    for key in INFO_KEYS:
        if operation.get(key) is not None:
            output.line(f"{key + ':':<10}{operation[key]}")
    if operation.get("release") is not None:
        output.line(f"release:  v{operation['release']}")
    for data in operation.get("phases", ()):
        phase = following.Phase.of(data)
        output.line(f"{phase.at} {live.words(phase)}")
    if operation.get("reason"):
        output.line()
        output.line(str(operation["reason"]))


@click.command()
@click.argument("number", metavar="[ID]", required=False)
@app_option
def watch(number: str | None, app: str | None) -> None:
    """Follow an operation to its end; without an id the app's that is under way."""
    controller = Controller.of_profile()
    operation = deploying.watch(controller, number or under_way(controller, app))
    release = f" v{operation['release']}" if operation.get("release") is not None else ""
    output.line(f"{operation['summary']}: done{release}")


@click.command()
@click.argument("number", metavar="[ID]", required=False)
@app_option
def cancel(number: str | None, app: str | None) -> None:
    """End an operation before its time; without an id the app's that is under way."""
    controller = Controller.of_profile()
    number = number or under_way(controller, app)
    output.part(f"Cancelling operation {number}... ")
    controller.post(f"{following.path_of(number)}cancel/")
    output.line("done")


def under_way(controller: Controller, app: str | None) -> str:
    """The id of the app's oldest operation that has not ended; CliError when there is none."""
    app_id = git.app_of(controller, app)
    page = controller.list(f"/v1/apps/{app_id}/operations/?open=true", whole=True)
    if not page.results:
        raise CliError(
            f"Nothing is under way for {app_id}.", f"Past ones: deis operations:list -a {app_id}"
        )
    return str(page.results[-1]["id"])


def state(operation: dict[str, object]) -> str:
    """How an operation ended, or what it is at."""
    if operation.get("outcome") is not None:
        return str(operation["outcome"])
    return (
        f"{operation['phase']}, cancelling" if operation.get("cancel") else str(operation["phase"])
    )
