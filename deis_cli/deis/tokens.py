"""`deis tokens:…`: named tokens for machines, with a scope and an end."""

from urllib.parse import quote

import click

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import json_option, limit_option

COLUMNS = ("id", "name", "scope", "app", "created", "last_used", "expires")


@click.command()
@limit_option
@json_option
def list_tokens(limit: int | None, as_json: bool) -> None:
    """List your tokens: named ones and logins."""
    page = Controller.of_profile().list("/v1/tokens/", limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    rows = [[shown(token, key) for key in COLUMNS] for token in page.results]
    output.listing(f"=== Tokens{page.suffix}", ("\t".join(row) for row in rows), COLUMNS, rows)


@click.command()
@click.argument("name")
@click.option("-a", "--app", metavar="APP", help="The only application that it is good for.")
@click.option(
    "--scope",
    type=click.Choice(["read", "deploy", "admin"]),
    default="deploy",
    show_default=True,
    help="What it is good for.",
)
@click.option("--expires", metavar="WHEN", help="90d, 12h, 30m, or a time (RFC 3339).")
@json_option
def create(name: str, app: str | None, scope: str, expires: str | None, as_json: bool) -> None:
    """Make a token; it is shown this once."""
    body = {"name": name, "scope": scope, "app": app, "expires": expires}
    sent = {key: text for key, text in body.items() if text is not None}
    token = Controller.of_profile().post("/v1/tokens/", sent).object()
    if as_json:
        output.json(token)
        return
    where = f"app {token['app']}" if token.get("app") else "all your apps"
    until = f"until {token['expires']}" if token.get("expires") else "for ever"
    output.error(f"{token['name']}: {token['scope']} for {where}, {until}. Keep it:")
    output.line(str(token["token"]))


@click.command()
@click.argument("token", metavar="NAME|ID")
def remove(token: str) -> None:
    """End a token."""
    controller = Controller.of_profile()
    number = named(controller, token)
    output.part(f"Removing token {token}... ")
    controller.delete(f"/v1/tokens/{quote(number, safe='')}/")
    output.line("done")


def named(controller: Controller, token: str) -> str:
    """The id of the token with this name or id; CliError when several have the name."""
    known = controller.list("/v1/tokens/", whole=True).results
    ids = [str(item["id"]) for item in known if token in (item["name"], item["id"])]
    if len(ids) > 1:
        raise CliError(f"Several tokens are named {token}.", "Name it by id: deis tokens:list")
    return ids[0] if ids else token


def shown(token: dict[str, object], key: str) -> str:
    """One field of a token, in a list."""
    value = token.get(key)
    if key == "name":
        mark = " (this login)" if token.get("current") else ""
        return f"{value or 'login'}{mark}"
    return "-" if value is None else str(value)
