"""`deis users:…`."""

import click

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.options import json_option, limit_option

COLUMNS = ("username", "email", "is_superuser", "last_login")


@click.command()
@limit_option
@json_option
def list_users(limit: int | None, as_json: bool) -> None:
    """List the users of the platform, for administrators."""
    page = Controller.of_profile().list("/v1/users/", limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    users = sorted(page.results, key=lambda user: str(user["username"]))
    output.listing(
        f"=== Users{page.suffix}",
        (user["username"] for user in users),
        ("username", "email", "admin", "last login"),
        ([user.get(key) for key in COLUMNS] for user in users),
    )
