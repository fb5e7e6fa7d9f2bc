"""`deis auth:…`."""

from contextlib import suppress

import click

from deis_cli.deis import output, profile
from deis_cli.deis.client import Controller, normal_url
from deis_cli.deis.errors import ApiError, CliError

UNAUTHORIZED = 401

PASSWORD = "DEIS_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable that a password may be given in, so that no process list shows it."""

LOGOUT_TIMEOUT = 5.0
"""Seconds that a logout waits for the controller."""

SSL_VERIFY = click.option(
    "--ssl-verify",
    type=bool,
    default=True,
    show_default=True,
    metavar="BOOL",
    help="Whether the controller's certificate must be valid.",
)


@click.command()
@click.argument("controller")
@click.option("--username", help="A username for the new account.")
@click.option("--password", envvar=PASSWORD, help="A password for the new account.")
@click.option("--email", help="An email address.")
@SSL_VERIFY
def register(
    controller: str,
    username: str | None,
    password: str | None,
    email: str | None,
    ssl_verify: bool,
) -> None:
    """Register a new user with a controller."""
    target = Controller(normal_url(controller), ssl_verify=ssl_verify)
    check_controller(target)
    if profile.exists():
        target.token = profile.load().token
    username = username or click.prompt("username", type=str)
    if password is None:
        password = click.prompt("password", type=str, hide_input=True)
        again = click.prompt("password (confirm)", type=str, hide_input=True)
        if password != again:
            raise CliError("Password mismatch, aborting registration.")
    if email is None:
        email = click.prompt("email", type=str, default="", show_default=False)
    body = {"username": username, "password": password, "email": email}
    try:
        target.post("/v1/auth/register/", body)
    except CliError as err:
        output.error("Registration failed: ")
        raise err
    output.line(f"Registered {username}")
    target.token = None
    log_in(target, username, password)


@click.command()
@click.argument("controller")
@click.option("--username", help="The name of the account.")
@click.option("--password", envvar=PASSWORD, help="The password of the account.")
@SSL_VERIFY
def login(controller: str, username: str | None, password: str | None, ssl_verify: bool) -> None:
    """Log in to a controller."""
    target = Controller(normal_url(controller), ssl_verify=ssl_verify)
    check_controller(target)
    username = username or click.prompt("username", type=str)
    if password is None:
        password = click.prompt("password", type=str, hide_input=True)
    log_in(target, username, password)


@click.command()
def logout() -> None:
    """Log out from the current controller."""
    if profile.exists():
        end_token()
    profile.remove()
    output.line("Logged out")


@click.command()
def whoami() -> None:
    """Print who is logged in, and where."""
    saved = profile.load()
    output.line(f"You are {saved.username} at {saved.controller}")


def check_controller(target: Controller) -> None:
    """A controller answers 401 to a request without a token (api.md 1.1); CliError otherwise."""
    try:
        target.get("/v1/")
    except ApiError as err:
        if err.status == UNAUTHORIZED:
            return
    raise CliError(
        f"{target.url} does not appear to be a valid Deis controller.\n"
        "Make sure that the Controller URI is correct and the server is running."
    )


def end_token() -> None:
    """End the saved login's token, if the controller is there and knows how."""
    with suppress(CliError, ValueError):  # ValueError: the saved URL is none
        Controller.of_profile().request("POST", "/v1/auth/logout/", timeout=LOGOUT_TIMEOUT)


def log_in(target: Controller, username: str, password: str) -> None:
    """Get a token and save the login."""
    answer = target.post("/v1/auth/login/", {"username": username, "password": password})
    profile.save(
        profile.Profile(
            username=username,
            ssl_verify=target.ssl_verify,
            controller=target.url,
            token=str(answer.object().get("token", "")),
        )
    )
    output.line(f"Logged in as {username}")
