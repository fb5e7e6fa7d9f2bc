"""`deis apps:…`."""

import json
import time
from typing import Any

import click

from deis_cli.deis import git, output, prompts
from deis_cli.deis.client import DEFAULT_ROUTER_PORT, Controller
from deis_cli.deis.domains import print_domains
from deis_cli.deis.errors import CliError, Interrupted
from deis_cli.deis.options import app_option, json_option, limit_option
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
@json_option
def list_apps(limit: int | None, as_json: bool) -> None:
    """List the applications that you may use."""
    page = Controller.of_profile().list("/v1/apps/", limit, whole=as_json)
    apps = sorted(page.results, key=lambda app: str(app["id"]))
    if as_json:
        output.json(apps)
        return
    output.listing(
        f"=== Apps{page.suffix}",
        (app["id"] for app in apps),
        ("id", "owner", "url", "created"),
        ([app.get(key) for key in ("id", "owner", "url", "created")] for app in apps),
    )


@click.command()
@app_option
@json_option
def info(app: str | None, as_json: bool) -> None:
    """Print information about an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    facts = controller.get(f"/v1/apps/{app_id}/").object()
    if as_json:
        for part in ("containers", "domains"):
            facts[part] = controller.list(f"/v1/apps/{app_id}/{part}/", whole=True).results
        output.json(facts)
        return
    facts["url"] = with_port(controller, str(facts["url"]))
    output.heading(f"=== {app_id} Application")
    for key in INFO_KEYS:
        output.line(f"{key + ':':<10}{facts.get(key, '')}")
    output.line()
    print_processes(controller, app_id, None)
    output.line()
    print_domains(app_id, controller.list(f"/v1/apps/{app_id}/domains/"))
    output.line()


@click.command()
@app_option
def open_app(app: str | None) -> None:
    """Open the application in a browser."""
    controller = Controller.of_profile()
    facts = controller.get(f"/v1/apps/{git.app_of(controller, app)}/").object()
    url = f"http://{with_port(controller, str(facts['url']))}"
    import webbrowser

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
        output.line(line if output.terminal() and not output.colours() else coloured(line))


@click.command()
@click.argument("command", metavar="COMMAND...", nargs=-1, required=True)
@app_option
def run(command: tuple[str, ...], app: str | None) -> int:
    """Run a command in a container of its own, that goes when the command ends.

    Options of the command itself come behind `--`: deis run -- ls -la
    """
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    text = " ".join(command)
    output.line(f"Running '{text}'...")
    try:
        answer = controller.post(f"/v1/apps/{app_id}/run", {"command": text})
    except KeyboardInterrupt:
        raise Interrupted("The command goes on; only its output is lost here.") from None
    status, shown = run_result(answer.body)
    output.part(shown)
    return status


@click.command()
@click.argument("username")
@app_option
def transfer(username: str, app: str | None) -> None:
    """Make another user the owner of an application."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    output.part(f"Transferring {app_id} to {username}... ")
    controller.post(f"/v1/apps/{app_id}/", {"owner": username})
    output.line("done")


@click.command()
@app_option
@click.option("--confirm", metavar="APP", help="Skip the question by naming the application.")
def destroy(app: str | None, confirm: str | None) -> None:
    """Destroy an application, for ever."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    if not confirm:
        output.line(" !    WARNING: Potentially Destructive Action")
        output.line(f" !    This command will destroy the application: {app_id}")
        output.line(
            f' !    To proceed, type "{app_id}" or re-run this command with --confirm={app_id}'
        )
        output.line()
        confirm = prompts.ask("> ")
    if confirm != app_id:
        raise CliError(f"App {app_id} does not match confirm {confirm}, aborting.")
    began = time.monotonic()
    output.line(f"Destroying {app_id}...")
    controller.delete(f"/v1/apps/{app_id}/")
    output.line(f"done in {int(time.monotonic() - began)}s")
    if app is None:
        git.remove_remotes(controller, app_id)


def run_result(body: bytes) -> tuple[int, str]:
    """A one-off command's exit status and output; CliError when the answer is not a pair."""
    try:
        data: Any = json.loads(body)
        status, shown = data
        return int(status), str(shown)
    except (TypeError, ValueError) as err:
        raise CliError(f"The controller's answer is no result of a command: {err}") from err


def coloured(line: str) -> str:
    """A log line in the colour of its process (cli.md section 2, apps:logs)."""
    words = line.split(": ", 1)[0].split(" ")
    number = sum((words[1] if len(words) > 1 else "unknown").encode()) % 256 % 7 + 1
    return f"\033[3{9 if number == 7 else number}m{line}\033[0m"


def with_port(controller: Controller, url: str) -> str:
    """An app's address as a browser needs it: with the router's port unless that is 80."""
    port = controller.router_port
    return url if port == DEFAULT_ROUTER_PORT else f"{url}:{port}"
