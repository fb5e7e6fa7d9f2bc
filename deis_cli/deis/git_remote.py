"""`deis git:remote`."""

import click

from deis_cli.deis import git
from deis_cli.deis.client import Controller
from deis_cli.deis.options import app_option


@click.command()
@app_option
@click.option(
    "-r", "--remote", "name", default="deis", show_default=True, help="The remote's name."
)
def remote(app: str | None, name: str) -> None:
    """Add the git remote of an application to the repository."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    controller.get(f"/v1/apps/{app_id}/")
    git.add_remote(controller, app_id, name)
