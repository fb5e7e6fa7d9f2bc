"""Write the reference pages that are generated from the code: `python contrib/reference.py`."""

from pathlib import Path

from deis_cli.deis.manual import page as command_line
from deis_cli.deisctl.manual import page as operators_command_line
from deis_control.api.openapi import markdown
from deis_control.api.openapi.document import document
from deis_control.api.openapi.reading import Reader
from deis_control.settings import PREFIX as CONTROL_PREFIX
from deis_control.settings import ControlSettings
from deis_node.runtime.settings import reference
from deis_node.settings import PREFIX as NODE_PREFIX
from deis_node.settings import NodeSettings

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def pages() -> dict[str, str]:
    """File name → text."""
    return {
        "api.md": markdown.page(Reader(document())),
        "cli.md": command_line(),
        "deisctl.md": operators_command_line(),
        "settings-control.md": reference(
            ControlSettings, "Settings of deis-control", CONTROL_PREFIX
        ),
        "settings-node.md": reference(NodeSettings, "Settings of deis-node", NODE_PREFIX),
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
