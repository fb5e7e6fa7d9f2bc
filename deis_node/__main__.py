"""`deis-node`: the agent's command."""

import os
import sys
from pathlib import Path

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def deis_node() -> None:
    """The agent that runs on every host of a Deis cluster."""


@deis_node.command()
@click.option("--config", type=click.Path(path_type=Path, exists=True), help="Settings, TOML.")
def run(config: Path | None) -> None:
    """Run the agent; settings come from the file and from DEIS_NODE_… variables."""
    from deis_node.process import main as agent
    from deis_node.runtime import logs, process
    from deis_node.runtime.settings import SettingsError, load
    from deis_node.settings import PREFIX, NodeSettings

    try:
        settings = load(NodeSettings, file=config, prefix=PREFIX, environ=os.environ)
    except SettingsError as err:
        raise click.ClickException(str(err)) from err
    logs.configure(json=settings.log.json, level=settings.log.level)
    sys.exit(process.run(lambda stop: agent(settings, stop)))


def main() -> None:
    """Entry point of the console script."""
    deis_node(prog_name="deis-node")


if __name__ == "__main__":
    main()
