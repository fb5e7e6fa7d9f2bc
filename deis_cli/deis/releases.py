"""`deis releases:…`."""

import click

from deis_cli.deis import deploying, git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import How, app_option, how_options, json_option, limit_option

INFO_KEYS = ("build", "config", "owner", "created", "summary", "updated", "uuid")


@click.command()
@app_option
@limit_option
@json_option
def list_releases(app: str | None, limit: int | None, as_json: bool) -> None:
    """List the releases of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    page = controller.list(f"/v1/apps/{app_id}/releases/", limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    rows = [(f"v{item['version']}", item["created"], item["summary"]) for item in page.results]
    output.listing(
        f"=== {app_id} Releases{page.suffix}",
        ("\t".join(row) for row in rows),
        ("release", "created", "summary"),
        rows,
    )


@click.command()
@click.argument("version")
@app_option
@json_option
def info(version: str, app: str | None, as_json: bool) -> None:
    """Print information about a release."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    number = version_number(version)
    facts = controller.get(f"/v1/apps/{app_id}/releases/v{number}/").object()
    if as_json:
        output.json(facts)
        return
    output.heading(f"=== {app_id} Release v{number}")
    for key in INFO_KEYS:
        if key != "build" or facts.get("build"):
            output.line(f"{key + ':':<9}{facts.get(key, '')}")


@click.command()
@click.argument("version", required=False)
@app_option
@how_options
def rollback(version: str | None, app: str | None, how: How) -> None:
    """Roll back to an earlier release."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    number = version_number(version) if version is not None else None
    back = f"to v{number}" if number is not None else "one release"
    path = f"/v1/apps/{app_id}/releases/rollback/"
    body = {"version": number} if number is not None else None
    done = deploying.change(controller, f"Rolling back {back}... ", path, body, how)
    if done is not None:
        output.line(f"done, v{done.release or done.object()['version']}")


def version_number(text: str) -> int:
    """`v3` or `3`."""
    digits = text.removeprefix("v")
    if not (digits.isascii() and digits.isdigit()):
        raise CliError(f"'{text}' is no release: write v3 or 3.")
    return int(digits)
