"""`deis audit`: who did what, when, from where."""

from urllib.parse import urlencode

import click

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.options import json_option, limit_option

COLUMNS = ("at", "actor", "address", "action", "app", "target", "outcome")
FILTERS = ("app", "actor", "action", "outcome", "since", "until")


@click.command()
@click.option("-a", "--app", metavar="APP", help="Only what was done to this application.")
@click.option("--actor", metavar="USER", help="Only what this user did.")
@click.option("--action", metavar="ACTION", help="Only this action, such as config.change.")
@click.option("--outcome", type=click.Choice(["ok", "refused"]), help="Only what ended so.")
@click.option("--since", metavar="TIME", help="Not before this time (RFC 3339).")
@click.option("--until", metavar="TIME", help="Before this time (RFC 3339).")
@limit_option
@json_option
def audit(limit: int | None, as_json: bool, **filters: str | None) -> None:
    """Tell who did what to your applications; administrators see all."""
    query = urlencode([(key, filters[key]) for key in FILTERS if filters[key]])
    path = f"/v1/audit/?{query}" if query else "/v1/audit/"
    page = Controller.of_profile().list(path, limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    rows = [
        ["-" if row.get(key) is None else str(row[key]) for key in COLUMNS] for row in page.results
    ]
    output.listing(f"=== Audit{page.suffix}", ("\t".join(row) for row in rows), COLUMNS, rows)
