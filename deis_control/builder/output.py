"""The form of the lines that a pusher reads (builder.md sections 4 and 5). PURE."""

from collections.abc import Iterable

COLUMN_ONE = b"\x1b[1G"
"""Moves the cursor over git's own `remote: `, so that the line begins where ours do."""

LAUNCHING = "-----> Launching... "
PUSHING = "-----> Pushing image to private registry"
BUILDING = "-----> Building Docker image"
ONGOING = "Another git push is ongoing. Aborting..."


def encode(line: str) -> bytes:
    """One line as it goes to the pusher."""
    return COLUMN_ONE + line.encode("utf-8", "replace") + b"\n"


def lines_of(text: str) -> tuple[str, ...]:
    """A text cut into lines, at every kind of line end."""
    return tuple(text.splitlines())


def detail(text: str) -> str:
    """A line that belongs to the step before it; an empty one stays empty."""
    return f"       {text}" if text else ""


def warning(text: str) -> str:
    """A line that the pusher should not miss."""
    return f" !     {text}"


def waiting(what: str, seconds: float) -> str:
    """The sign of life after a silence, so that nothing on the way cuts the connection."""
    return detail(f"still {what} ({seconds:.0f} s)")


def refusal(text: str) -> tuple[str, ...]:
    """Why a push is declined: the first line as a warning, further ones indented."""
    first, *rest = lines_of(text) or ("The push was declined.",)
    return (warning(first), *(detail(line) for line in rest))


def launched(app: str, version: int, urls: Iterable[str]) -> tuple[str, ...]:
    """The closing lines of a push that went live."""
    return (
        detail(f"done, {app}:v{version} deployed to Deis"),
        "",
        *(detail(url) for url in urls),
        "",
        detail("To learn more, use `deis help` or visit http://deis.io"),
        "",
    )


def app_url(app: str, domain: str, router_port: int) -> str:
    """Where an app answers; the port is named only when a browser would not guess it."""
    port = "" if router_port == 80 else f":{router_port}"
    return f"http://{app}.{domain}{port}"
