"""`deis domains:…`."""

from urllib.parse import quote

import click

from deis_cli.deis import git, output
from deis_cli.deis.client import Controller, Page
from deis_cli.deis.options import app_option, json_option, limit_option


@click.command()
@app_option
@limit_option
@json_option
def list_domains(app: str | None, limit: int | None, as_json: bool) -> None:
    """List the domains of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    page = controller.list(f"/v1/apps/{app_id}/domains/", limit, whole=as_json)
    if as_json:
        output.json(page.results)
        return
    print_domains(app_id, page)


@click.command()
@click.argument("domain")
@app_option
def add(domain: str, app: str | None) -> None:
    """Let an application answer under a domain."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    output.part(f"Adding {domain} to {app_id}... ")
    with output.waiting():
        controller.post(f"/v1/apps/{app_id}/domains/", {"domain": domain}).object()
    output.line("done")


@click.command()
@click.argument("domain")
@app_option
def remove(domain: str, app: str | None) -> None:
    """Take a domain from an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    output.part(f"Removing {domain} from {app_id}... ")
    with output.waiting():
        controller.delete(f"/v1/apps/{app_id}/domains/{quote(domain, safe='*')}")
    output.line("done")


def print_domains(app_id: str, page: Page) -> None:
    """The list under its heading."""
    domains = sorted(page.results, key=lambda item: str(item["domain"]))
    output.listing(
        f"=== {app_id} Domains{page.suffix}",
        (item["domain"] for item in domains),
        ("domain", "owner", "created"),
        ([item.get(key) for key in ("domain", "owner", "created")] for item in domains),
    )
