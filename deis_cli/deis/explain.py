"""`deis ps:explain`: where each copy runs, why there, how it does, and how it last ended."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from deis_cli.deis import git, output, ps
from deis_cli.deis.client import Controller
from deis_cli.deis.options import app_option, json_option

MIB = 1024 * 1024


@click.command()
@click.argument("process", metavar="[TYPE[.NUM]]", required=False)
@app_option
@json_option
def explain(process: str | None, app: str | None, as_json: bool) -> None:
    """Tell where processes run, why there, and how they last ended."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    query = f"?process={quote(process, safe='')}" if process else ""
    facts = controller.get(f"/v1/apps/{app_id}/explain/{query}").object()
    if as_json:
        output.json(facts)
        return
    scale = " ".join(f"{kind}={count}" for kind, count in sorted(facts["structure"].items()))
    output.heading(f"=== {app_id} v{facts['release']} {scale}".rstrip())
    if facts["stopped"]:
        output.line(f"stopped:   {', '.join(facts['stopped'])}; `deis ps:start` starts them")
    for item in facts["processes"]:
        output.line()
        output.line(f"--- {item['process']} {ps.coloured_state(str(item['state']))}")
        for label, text in explained(item):
            output.line(f"{label + ':':<11}{output.safe(text)}")
        for text in (item.get("last_exit") or {}).get("lines", ()):
            output.line(f"    {output.styled(output.safe(text), output.DIM)}")

    for copy in facts.get("missing", ()):
        output.line()
        output.line(f"--- {copy['name']} on no host")
        output.line(f"{'waits for:':<11}{output.safe(copy['waits'])}")


def explained(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A copy's facts: label and text; what is not known is left out."""
    command = " ".join(item["command"]) if item.get("command") else None
    facts = [
        ("release", f"v{item['release']}"),
        ("container", item["container"]),
        ("host", item["host"]),
        ("why there", item["why"]),
        ("waits for", item.get("waits")),
        ("phase", f"{item['phase']}, {'ready' if item['ready'] else 'not ready'}"),
        ("address", item["address"]),
        ("restarts", item["restarts"]),
        ("error", item["error"]),
        ("image", item["image"]),
        ("command", command),
        ("memory", f"{item['memory'] / MIB:.0f} MiB" if item["memory"] else None),
        ("cpu", f"{item['cpu']} shares" if item["cpu"] else None),
        ("created", item["created"]),
        ("last exit", exit_text(item["last_exit"]) if item["last_exit"] else None),
    ]
    return [(label, str(text)) for label, text in facts if text not in (None, "")]


def exit_text(end: Mapping[str, Any]) -> str:
    """How a copy ended, in words."""
    how = f"signal {end['signal']}" if end.get("signal") else f"code {end['code']}"
    oom = ", out of memory" if end.get("oom") else ""
    why = f", it {end['why']}" if end.get("why") else ""
    return f"{how}{oom} at {end['finished']}{why}"
