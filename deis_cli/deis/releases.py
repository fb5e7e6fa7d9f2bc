"""`deis releases:…`."""

import click

from deis_cli.deis import git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import app_option, limit_option

INFO_KEYS = ("build", "config", "owner", "created", "summary", "updated", "uuid")


@click.command()
@app_option
@limit_option
def list_releases(app: str | None, limit: int | None) -> None:
    """List the releases of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    page = controller.list(f"/v1/apps/{app_id}/releases/", limit)
    output.line(f"=== {app_id} Releases{page.suffix}")
    for release in page.results:
        output.line(f"v{release['version']}\t{release['created']}\t{release['summary']}")


@click.command()
@click.argument("version")
@app_option
def info(version: str, app: str | None) -> None:
    """Print information about a release."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    number = version_number(version)
    facts = controller.get(f"/v1/apps/{app_id}/releases/v{number}/").object()
    output.line(f"=== {app_id} Release v{number}")
    for key in INFO_KEYS:
        if key != "build" or facts.get("build"):
            output.line(f"{key + ':':<9}{facts.get(key, '')}")


@click.command()
@click.argument("version", required=False)
@app_option
def rollback(version: str | None, app: str | None) -> None:
    """Roll back to an earlier release."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    number = version_number(version) if version is not None else None
    back = f"to v{number}" if number is not None else "one release"
    output.part(f"Rolling back {back}... ")
    with output.waiting():
        body = {"version": number} if number is not None else None
        answer = controller.post(f"/v1/apps/{app_id}/releases/rollback/", body).object()
    output.line(f"done, v{answer['version']}")


def version_number(text: str) -> int:
    """`v3` or `3`."""
    digits = text.removeprefix("v")
    if not digits.isdigit():
        raise CliError(f"'{text}' is no release: write v3 or 3.")
    return int(digits)
