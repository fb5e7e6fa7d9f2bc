"""One-off commands: what may be asked for, and what runs it (semantics.md section 10). PURE."""

from deis_control.model import Build
from deis_control.rules import texts
from deis_control.rules.builds import COMMAND_LIMIT
from deis_control.rules.formation import SHELL

NO_BUILD = "No build associated with this release to run this command"

_SLUG_RUNNER = ("/runner/init",)


def check_command(text: str) -> list[str]:
    """Messages about a command's length, in bytes of UTF-8."""
    if texts.byte_length(text) > COMMAND_LIMIT:
        return [f"Ensure this field has no more than {COMMAND_LIMIT} bytes."]
    return []


def entrypoint_for(build: Build) -> tuple[str, ...]:
    """What takes the command as its last argument, in the place of the image's own entry point.

    A buildpack's image has its runner; everywhere else it is the shell.
    """
    buildpack = build.procfile and build.sha and not build.dockerfile
    return _SLUG_RUNNER if buildpack else SHELL


def run_event(user: str, command: str) -> str:
    """The app's log line about a command (semantics.md section 9)."""
    return f"{user} runs '{command}'"
