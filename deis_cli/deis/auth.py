"""`deis auth:…`."""

import os
from contextlib import suppress

import click

from deis_cli.deis import output, profile, prompts
from deis_cli.deis.client import Controller, normal_url
from deis_cli.deis.errors import CliError
from deis_cli.deis.options import json_option

UNAUTHORIZED = 401

PASSWORD = "DEIS_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable that a password may be given in, so that no process list shows it."""

NEW_PASSWORD = "DEIS_NEW_PASSWORD"  # noqa: S105 - the name of a variable
"""The same for the password that `auth:passwd` sets."""

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
    username = username or prompts.ask("username: ")
    password = password or prompts.new_secret(
        "password: ",
        "password (confirm): ",
        PASSWORD,
        "Password mismatch, aborting registration.",
    )
    email = email or prompts.ask("email: ")
    body = {"username": username, "password": password, "email": email}
    try:
        target.post("/v1/auth/register/", body)
    except CliError:
        output.error_part("Registration failed: ")
        raise
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
    ask_and_log_in(Controller(normal_url(controller), ssl_verify=ssl_verify), username, password)


@click.command()
def logout() -> None:
    """Log out from the current controller."""
    if profile.exists():
        end_token()
    profile.remove()
    output.line("Logged out")


@click.command()
@click.option("--password", help="The account's current password.")
@click.option("--new-password", envvar=NEW_PASSWORD, help="The account's new password.")
@click.option("--username", help="Another account, for administrators.")
def passwd(password: str | None, new_password: str | None, username: str | None) -> None:
    """Change a password."""
    controller = Controller.of_profile()
    if not password and not username:
        password = os.environ.get(PASSWORD) or prompts.secret("current password: ", PASSWORD)
    new_password = new_password or prompts.new_secret(
        "new password: ",
        "new password (confirm): ",
        NEW_PASSWORD,
        "Password mismatch, not changing.",
    )
    body = {"username": username, "password": password, "new_password": new_password}
    try:
        controller.post("/v1/auth/passwd/", {key: text for key, text in body.items() if text})
    except CliError:
        output.error_part("Password change failed: ")
        raise
    output.line("Password change succeeded.")


@click.command()
@json_option
def whoami(as_json: bool) -> None:
    """Print who is logged in, and where."""
    saved = profile.load()
    if as_json:
        output.json({"username": saved.username, "controller": saved.controller})
        return
    output.line(f"You are {saved.username} at {saved.controller}")


@click.command()
@click.option("--username", help="The account to remove.")
@click.option("--password", help="The account's password.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def cancel(username: str | None, password: str | None, yes: bool) -> None:
    """Remove an account: your own, or as an administrator another's."""
    controller = Controller.of_profile()
    if not username or password:
        output.line("Please log in again in order to cancel this account")
        target = Controller(controller.url, ssl_verify=controller.ssl_verify)
        ask_and_log_in(target, username, password or os.environ.get(PASSWORD))
        controller = Controller.of_profile()
    name = username or controller.username
    if not yes and not prompts.agreed(f"cancel account {name} at {controller.url}? (y/N): "):
        output.error("Account not changed")
        return
    controller.delete("/v1/auth/cancel/", {"username": username} if username else None)
    if name == controller.username:
        profile.remove()
    output.line("Account cancelled")


@click.command()
@click.option("-u", "--username", help="Another user, for administrators.")
@click.option("--all", "everybody", is_flag=True, help="Every user, for administrators.")
def regenerate(username: str | None, everybody: bool) -> None:
    """End all tokens of an account, named ones too; your own login gets a new one."""
    controller = Controller.of_profile()
    body: dict[str, object] = {"username": username} if username else {}
    if everybody:
        body["all"] = True
    answer = controller.post("/v1/auth/tokens/", body or None)
    if not body:
        profile.save(profile.with_token(profile.load(), str(answer.object()["token"])))
    output.line("Token Regenerated")


def ask_and_log_in(target: Controller, username: str | None, password: str | None) -> None:
    """Log in, asking for what was not given."""
    check_controller(target)
    username = username or prompts.ask("username: ")
    log_in(target, username, password or prompts.secret("password: ", PASSWORD))


def check_controller(target: Controller) -> None:
    """A controller answers 401 to a request without a token (api.md 1.1); CliError otherwise."""
    text = (
        f"{target.url} does not appear to be a valid Deis controller.\n"
        "Make sure that the Controller URI is correct, the server is running and\n"
        "your client version is correct."
    )
    try:
        status = target.probe()
    except CliError:
        output.line(text)
        raise
    if status != UNAUTHORIZED:
        raise CliError(text)


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
