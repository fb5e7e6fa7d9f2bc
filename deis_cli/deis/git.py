"""The git side: which app a working copy belongs to, and the remote that pushes go to."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from deis_cli.deis import output
from deis_cli.deis.client import Controller
from deis_cli.deis.errors import CliError

OLD_GIT = 128
"""What git before 2.29 ends with when a remote exists; two more lines follow then (cli.md 2)."""


def app_of(controller: Controller, given: str | None) -> str:
    """The app that a command is for: the option, else the git remote, else the folder's name."""
    return given or app_of_remote(controller) or Path.cwd().name.lower()


def app_of_remote(controller: Controller) -> str | None:
    """The app named by the first git remote that leads to the controller's host."""
    for line in remotes():
        fields = line.split()
        if len(fields) > 1 and host_of(fields[1]) == controller.hostname:
            return fields[1].rsplit("/", 1)[-1].split(".", 1)[0]
    return None


def host_of(url: str) -> str | None:
    """The host of a remote, written as a URL or as `user@host:path`."""
    if "://" in url:
        return urlsplit(url).hostname
    host, colon, _ = url.partition(":")
    return host.rpartition("@")[2] if colon else None


def remotes() -> list[str]:
    """The lines of `git remote -v`; none outside a repository or without git."""
    try:
        done = _git("remote", "-v")
    except CliError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


def remote_url(controller: Controller, app: str) -> str:
    """Where `git push` goes."""
    return f"ssh://git@{controller.hostname}:{controller.builder_port}/{app}.git"


def add_remote(controller: Controller, app: str, name: str) -> None:
    """Make the remote; CliError with git's exit status when git refuses."""
    done = _git("remote", "add", name, remote_url(controller, app))
    output.part(done.stderr)
    if done.returncode != 0:
        if done.returncode == OLD_GIT and "already exists" in done.stderr:
            output.line("To replace the existing git remote entry, run:")
            output.line(f"  git remote rename {name} {name}.old && deis git:remote -a {app}")
        raise CliError(f"exit status {done.returncode}", _remote_hint(done.stderr, name, app))
    output.line(f"Git remote {name} added")


def _remote_hint(said: str, name: str, app: str) -> str:
    if "already exists" in said:
        return f"git remote rename {name} {name}.old && deis git:remote -a {app}"
    return f"Within a git repository (git init) run: deis git:remote -a {app}"


def remove_remotes(controller: Controller, app: str) -> None:
    """Remove every remote of this app at this controller."""
    url = remote_url(controller, app)
    names = {fields[0] for fields in map(str.split, remotes()) if fields[1:2] == [url]}
    for name in sorted(names):
        _git("remote", "remove", name)
        output.line(f"Git remote {name} removed")


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, timeout=30
        )
    except FileNotFoundError:
        raise CliError("git is not installed.") from None
