"""`deis builds:…`."""

from pathlib import Path

import click

from deis_cli.deis import git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import app_option, limit_option


@click.command()
@app_option
@limit_option
def list_builds(app: str | None, limit: int | None) -> None:
    """List the builds of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    page = controller.list(f"/v1/apps/{app_id}/builds/", limit)
    output.line(f"=== {app_id} Builds{page.suffix}")
    for build in page.results:
        output.line(f"{build['uuid']} {build['created']}")


@click.command()
@click.argument("image")
@app_option
@click.option("-p", "--procfile", metavar="YAML", help="A YAML string of process types.")
def create(image: str, app: str | None, procfile: str | None) -> None:
    """Deploy a Docker image."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    body: dict[str, object] = {"image": image}
    types = process_types(procfile)
    if types:
        body["procfile"] = types
    output.part("Creating build... ")
    with output.waiting():
        controller.post(f"/v1/apps/{app_id}/builds/", body).object()
    output.line("done")


def process_types(text: str | None) -> dict[str, str]:
    """The types of a Procfile given as text, else those of `./Procfile`, else none."""
    if text is None:
        path = Path("Procfile")
        if not path.exists():
            return {}
        text = path.read_text(encoding="utf-8-sig")
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise CliError(f"The Procfile is no valid YAML: {err}") from err
    if not isinstance(data, dict):
        raise CliError("The Procfile must map process types to commands.")
    return {str(name): str(command) for name, command in data.items()}
