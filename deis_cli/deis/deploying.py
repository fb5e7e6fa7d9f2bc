"""What every command does that changes what runs: foretell, begin, or make it and wait."""

import time
from dataclasses import dataclass, field
from typing import Any

from deis_cli.deis import following, live, output
from deis_cli.deis.client import ASYNC, Answer, Controller
from deis_cli.deis.errors import CliError, Interrupted
from deis_cli.deis.options import How

ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made: the answer of the call that waited, or the operation's end."""

    seconds: int
    answer: Answer
    operation: dict[str, Any] | None = field(default=None)

    def object(self) -> dict[str, Any]:
        """The answer as a JSON object; an empty one where the operation was followed."""
        return {} if self.operation is not None else self.answer.object()

    @property
    def release(self) -> int | None:
        """The release that a followed operation made."""
        return self.operation.get("release") if self.operation is not None else None


def change(
    controller: Controller, label: str, path: str, body: object = None, how: How | None = None
) -> Done | None:
    """POST a change under its label; None when it was only foretold or begun.

    CliError with the reason when it failed; Interrupted when the user leaves.
    """
    how = how or How()
    if how.dry_run:
        _foretell(controller.post(f"{path}?dry_run=true", body).object())
        return None
    if how.detach:
        _begin(controller, label, path, body)
        return None
    output.part(label)
    began = time.monotonic()
    try:
        with output.waiting():
            headers = ASYNC if output.terminal() else None
            answer = controller.post(path, body, headers)
    except KeyboardInterrupt:
        raise Interrupted("The change may go on; `deis operations` shows it.") from None
    operation = None
    if answer.status == ACCEPTED:
        if not label.endswith("\n"):
            output.line()
        operation = watch(controller, str(answer.object()["id"]))
    return Done(int(time.monotonic() - began), answer, operation)


def config_change(
    controller: Controller, label: str, path: str, body: object, how: How
) -> Done | None:
    """The same for a change of the config, with the end of its line: `done`, a blank line."""
    done = change(controller, label, path, body, how)
    if done is not None:
        released = done.object().get("values", {}).get("DEIS_RELEASE")
        if done.release is not None:
            released = f"v{done.release}"
        tell = released is not None and label.startswith("Creating")
        output.line(f"done, {released}" if tell else "done")
        output.line()
    return done


def watch(controller: Controller, number: str) -> dict[str, Any]:
    """Follow an operation to its good end; CliError with the reason when it has another."""
    try:
        operation = live.show(following.follow(controller, number))
    except KeyboardInterrupt:
        raise Interrupted(following.goes_on(number)) from None
    if operation["outcome"] != "done":
        raise CliError(failure(operation), _next(operation))
    return operation


def failure(operation: dict[str, Any]) -> str:
    """Why an operation did not end well, with the log lines that its reason carries."""
    if operation["outcome"] == "cancelled":
        return f"{operation['summary']}: cancelled; what ran before runs on."
    reason = str(operation.get("reason") or "no reason is known")
    first, *rest = reason.splitlines() or [""]
    return "\n".join([f"{operation['summary']}: {first}", *(f"    {text}" for text in rest)])


def _next(operation: dict[str, Any]) -> str | None:
    app = operation.get("app")
    if operation["outcome"] == "cancelled" or not app:
        return None
    return f"What ran before runs on. See more: deis logs -a {app}; deis ps:explain -a {app}"


def _begin(controller: Controller, label: str, path: str, body: object) -> None:
    answer = controller.post(path, body, ASYNC)
    if answer.status != ACCEPTED:
        output.line(f"{label.rstrip()} done; this controller cannot begin without waiting.")
        return
    operation = answer.object()
    output.line(f"Operation {operation['id']} has begun: {operation['summary']}")
    output.line(f"Watch it with: deis operations:watch {operation['id']}")


def _foretell(plan: dict[str, Any]) -> None:
    output.heading(f"=== Dry run: {plan['summary']}")
    for text in foretold(plan):
        output.line(text)
    output.line("Nothing was changed.")


def foretold(plan: dict[str, Any]) -> list[str]:
    """What an operation would do, a line each; the API's answer to `?dry_run=true`."""
    lines = []
    if plan.get("queued_before"):
        lines.append(f"after:    {plan['queued_before']} changes that wait already")
    if plan.get("release") is not None:
        lines.append(f"release:  v{plan['release']} {plan.get('release_summary') or ''}".rstrip())
    else:
        lines.append("release:  none is made")
    scale = " ".join(f"{kind}={count}" for kind, count in sorted(plan["structure"].items()))
    lines.append(f"scale:    {scale or 'nothing'}")
    for verb in ("start", "stop", "keep"):
        copies = ", ".join(f"{copy['name']} (v{copy['release']})" for copy in plan[verb])
        lines.append(f"{verb + ':':<10}{copies or 'nothing'}")
    return lines
