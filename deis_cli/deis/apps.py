"""`deis apps:…`."""

import time
import webbrowser

import click

from deis_cli.deis import git, output
from deis_cli.deis.client import DEFAULT_ROUTER_PORT, Controller
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import app_option, limit_option
from deis_cli.deis.ps import print_processes

INFO_KEYS = ("updated", "uuid", "created", "url", "owner", "id")


@click.command()
@click.argument("name", metavar="[ID]", required=False)
@click.option("--no-remote", is_flag=True, help="Do not create a git remote.")
@click.option("-b", "--buildpack", metavar="URL", help="A buildpack URL to use for this app.")
@click.option("-r", "--remote", default="deis", show_default=True, help="Name of the git remote.")
def create(name: str | None, no_remote: bool, buildpack: str | None, remote: str) -> None:
    """Create a new application."""
    controller = Controller.of_profile()
    output.part("Creating Application... ")
    with output.waiting():
        app = controller.post("/v1/apps/", {"id": name} if name else None).object()
    output.line(f"done, created {app['id']}")
    if buildpack:
        values = {"values": {"BUILDPACK_URL": buildpack}}
        controller.post(f"/v1/apps/{app['id']}/config/", values)
    if not no_remote:
        git.add_remote(controller, app["id"], remote)
    output.line(f"remote available at {git.remote_url(controller, app['id'])}")


@click.command()
@limit_option
def list_apps(limit: int | None) -> None:
    """List the applications that you may use."""
    page = Controller.of_profile().list("/v1/apps/", limit)
    output.line(f"=== Apps{page.suffix}")
    for name in sorted(app["id"] for app in page.results):
        output.line(name)


@click.command()
@app_option
def info(app: str | None) -> None:
    """Print information about an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    facts = controller.get(f"/v1/apps/{app_id}/").object()
    facts["url"] = with_port(controller, str(facts["url"]))
    output.line(f"=== {app_id} Application")
    for key in INFO_KEYS:
        output.line(f"{key + ':':<10}{facts.get(key, '')}")
    output.line()
    print_processes(controller, app_id, None)
    output.line()
    domains = controller.list(f"/v1/apps/{app_id}/domains/")
    output.line(f"=== {app_id} Domains{domains.suffix}")
    for domain in sorted(item["domain"] for item in domains.results):
        output.line(domain)
    output.line()


@click.command()
@app_option
def open_app(app: str | None) -> None:
    """Open the application in a browser."""
    controller = Controller.of_profile()
    facts = controller.get(f"/v1/apps/{git.app_of(controller, app)}/").object()
    url = f"http://{with_port(controller, str(facts['url']))}"
    if not webbrowser.open(url):
        raise CliError(f"no browser was found; the app is at {url}")


@click.command()
@app_option
@click.option("-n", "--lines", type=click.IntRange(min=1), help="How many lines to display.")
def logs(app: str | None, lines: int | None) -> None:
    """Print the log of an application."""
    controller = Controller.of_profile()
    query = f"?log_lines={lines}" if lines else ""
    answer = controller.get(f"/v1/apps/{git.app_of(controller, app)}/logs{query}")
    for line in answer.body.decode(errors="replace").strip('"').split("\n"):
        output.line(coloured(line))


@click.command()
@app_option
@click.option("--confirm", metavar="APP", help="Skip the question by naming the application.")
def destroy(app: str | None, confirm: str | None) -> None:
    """Destroy an application, for ever."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    if confirm is None:
        output.line(" !    WARNING: Potentially Destructive Action")
        output.line(f" !    This command will destroy the application: {app_id}")
        output.line(
            f' !    To proceed, type "{app_id}" or re-run this command with --confirm={app_id}'
        )
        output.line()
        confirm = click.prompt("> ", prompt_suffix="", default="", show_default=False)
    if confirm != app_id:
        raise CliError(f"App {app_id} does not match confirm {confirm}, aborting.")
    began = time.monotonic()
    output.line(f"Destroying {app_id}...")
    controller.delete(f"/v1/apps/{app_id}/")
    output.line(f"done in {int(time.monotonic() - began)}s")
    git.remove_remotes(controller, app_id)


def coloured(line: str) -> str:
    """A log line in the colour of its process (cli.md section 2, apps:logs)."""
    words = line.split(" ")
    number = sum(words[1].encode()) % 7 + 1 if len(words) > 1 else 1
    return f"\033[3{9 if number == 7 else number}m{line}\033[0m"


def with_port(controller: Controller, url: str) -> str:
    """An app's address as a browser needs it: with the router's port unless that is 80."""
    port = controller.router_port
    return url if port == DEFAULT_ROUTER_PORT else f"{url}:{port}"
