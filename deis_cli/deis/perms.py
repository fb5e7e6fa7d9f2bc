"""`deis perms:…`."""

from urllib.parse import quote

import click

from deis_cli.deis import git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.options import app_option, json_option, limit_option

ADMIN = click.option("--admin", is_flag=True, help="The administrators of the platform.")
ADMINS_PATH = "/v1/admin/perms/"


@click.command()
@app_option
@ADMIN
@limit_option
@json_option
def list_perms(app: str | None, admin: bool, limit: int | None, as_json: bool) -> None:
    """List who may use an application, or who administers the platform."""
    controller = Controller.of_profile()
    if admin:
        page = controller.list(ADMINS_PATH, limit, whole=as_json)
        _print(f"=== Administrators{page.suffix}", page.results, as_json)
        return
    app_id = git.app_of(controller, app)
    users = controller.get(f"/v1/apps/{app_id}/perms/").object().get("users", [])
    _print(f"=== {app_id}'s Users", [{"username": name} for name in users], as_json)


@click.command()
@click.argument("username")
@app_option
@ADMIN
def create(username: str, app: str | None, admin: bool) -> None:
    """Let a user use an application, or administer the platform."""
    controller = Controller.of_profile()
    path, whom = _place(controller, app, admin)
    output.part(f"Adding {username} to {whom}... ")
    controller.post(path, {"username": username})
    output.line("done")


@click.command()
@click.argument("username")
@app_option
@ADMIN
def delete(username: str, app: str | None, admin: bool) -> None:
    """Take that from a user."""
    controller = Controller.of_profile()
    path, whom = _place(controller, app, admin)
    output.part(f"Removing {username} from {whom}... ")
    controller.delete(f"{path}{quote(username, safe='@+')}")
    output.line("done")


def _place(controller: Controller, app: str | None, admin: bool) -> tuple[str, str]:
    if admin:
        return ADMINS_PATH, "system administrators"
    app_id = git.app_of(controller, app)
    return f"/v1/apps/{app_id}/perms/", f"{app_id} collaborators"


def _print(title: str, users: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        output.json(users)
        return
    output.heading(title)
    for name in sorted(str(user["username"]) for user in users):
        output.line(name)
