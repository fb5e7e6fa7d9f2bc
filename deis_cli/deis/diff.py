"""`deis releases:diff`."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from deis_cli.deis import git, output
from deis_cli.deis.client import Controller
from deis_cli.deis.options import app_option, json_option
from deis_cli.deis.releases import version_number

COLOURS = {"+": output.GREEN, "-": output.RED}


@click.command()
@click.argument("old", metavar="VERSION")
@click.argument("new", metavar="VERSION")
@app_option
@click.option("--values", is_flag=True, help="Show the values of the config too: secrets.")
@json_option
def diff(old: str, new: str, app: str | None, values: bool, as_json: bool) -> None:
    """Tell what differs between two releases."""
    controller = Controller.of_profile()
    app_id = git.app_of(controller, app)
    pair = f"v{version_number(old)}/diff/v{version_number(new)}"
    query = "?values=true" if values else ""
    facts = controller.get(f"/v1/apps/{app_id}/releases/{pair}/{query}").object()
    if as_json:
        output.json(facts)
        return
    output.heading(f"=== {app_id} v{facts['from']} -> v{facts['to']}")
    lines = list(differences(facts))
    for text in lines or ["no difference"]:
        colour = COLOURS.get(text[:1])
        output.line(output.styled(text, colour) if colour else text)


def differences(facts: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a diff: a heading a section, then `+`, `-` and `~`."""
    if facts["build"]["changed"]:
        yield "--- Build"
        yield f"- {build_text(facts['build']['from'])}"
        yield f"+ {build_text(facts['build']['to'])}"
    yield from _section("Procfile", facts["procfile"])
    yield from _section("Config", facts["values"])
    for title, key in (("Memory", "memory"), ("CPU", "cpu"), ("Tags", "tags")):
        if facts[key]:
            yield f"--- {title}"
            yield from (_pair(name, *facts[key][name]) for name in sorted(facts[key]))


def build_text(build: Mapping[str, Any] | None) -> str:
    """A build in a line."""
    if build is None:
        return "no build"
    return " ".join(str(build[key]) for key in ("image", "sha") if build.get(key))


def _section(title: str, part: Mapping[str, Any]) -> Iterator[str]:
    if not any(part.values()):
        return
    yield f"--- {title}"
    for mark, key in (("+", "added"), ("~", "changed"), ("-", "removed")):
        named = part[key]
        for name in sorted(named):
            if not isinstance(named, dict):
                yield f"{mark} {name}"
            elif key == "changed":
                yield _pair(name, *named[name])
            else:
                yield f"{mark} {name}={named[name]}"


def _pair(name: str, old: object, new: object) -> str:
    if old is None:
        return f"+ {name}={new}"
    return f"- {name}={old}" if new is None else f"~ {name}={old} -> {new}"
