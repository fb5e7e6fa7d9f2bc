"""`deis builds:…`."""

from pathlib import Path

import click

from deis_cli.deis import deploying, git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import How, app_option, how_options, json_option, limit_option

COLUMNS = ("uuid", "created", "image", "sha")


@click.command()
@app_option
@limit_option
@json_option
def list_builds(app: str | None, limit: int | None, as_json: bool) -> None:
    """List the builds of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    page = controller.list(f"/v1/apps/{app_id}/builds/", limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    output.listing(
        f"=== {app_id} Builds{page.suffix}",
        (f"{build['uuid']} {build['created']}" for build in page.results),
        COLUMNS,
        ([build.get(key) for key in COLUMNS] for build in page.results),
    )


@click.command()
@click.argument("image")
@app_option
@click.option("-p", "--procfile", metavar="YAML", help="A YAML string of process types.")
@how_options
def create(image: str, app: str | None, procfile: str | None, how: How) -> None:
    """Deploy a Docker image."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    body: dict[str, object] = {"image": image}
    types = process_types(procfile)
    if types:
        body["procfile"] = types
    path = f"/v1/apps/{app_id}/builds/"
    done = deploying.change(controller, "Creating build... ", path, body, how)
    if done is not None:
        done.object()
        output.line("done")


def process_types(text: str | None) -> dict[str, str]:
    """The types of a Procfile given as text, else those of `./Procfile`, else none."""
    if not text:
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
