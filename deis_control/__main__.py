"""`deis-control`: the control plane's command."""

import os
import sys
from pathlib import Path

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def deis_control() -> None:
    """The control plane of a Deis cluster."""


@deis_control.command()
@click.option("--config", type=click.Path(path_type=Path, exists=True), help="Settings, TOML.")
@click.option(
    "--roles",
    default="api,scheduler,builder,logger",
    show_default=True,
    help="What this process does.",
)
def serve(config: Path | None, roles: str) -> None:
    """Serve; settings come from the file and from DEIS_CONTROL_… variables."""
    from deis_control.process import ROLES
    from deis_control.process import main as control
    from deis_control.settings import PREFIX, ControlSettings
    from deis_node.runtime import logs, process
    from deis_node.runtime.settings import SettingsError, load

    chosen = frozenset(role.strip() for role in roles.split(","))
    if not chosen <= set(ROLES):
        unknown = ", ".join(sorted(chosen - set(ROLES)))
        raise click.BadParameter(f"unknown: {unknown}", param_hint="--roles")
    try:
        settings = load(ControlSettings, file=config, prefix=PREFIX, environ=os.environ)
    except SettingsError as err:
        raise click.ClickException(str(err)) from err
    logs.configure(json=settings.log.json, level=settings.log.level)
    sys.exit(process.run(lambda stop: control(settings, chosen, stop)))


def main() -> None:
    """Entry point of the console script."""
    deis_control(prog_name="deis-control")


if __name__ == "__main__":
    main()
