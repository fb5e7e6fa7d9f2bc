"""What all commands of `deisctl` have in common that ask the controller."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from deis_cli.deis import output
from deis_cli.deis.errors import ApiError, CliError


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """One sentence and status 1 for what a person can mend."""

    @wraps(command)
    def run(*arguments: Any, **more: Any) -> Any:
        output.document(bool(more.get("as_json")))
        try:
            return command(*arguments, **more)
        except CliError as err:
            hint = err.hint
            if isinstance(err, ApiError) and err.status in (404, 409):
                unknown = err.status == 404 and "host" in more
                hint = "`deisctl hosts list` shows all hosts." if unknown else None
            text = str(err).rstrip()
            raise click.ClickException(f"{text}\n{hint}" if hint else text) from err
        except KeyError as err:  # what is looked up by name are the API's objects
            raise click.ClickException(f"The controller's answer lacks {err}.") from err

    return run
