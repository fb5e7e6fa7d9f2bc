"""Stop a home's platform; with `purge` also remove everything that it made."""

import subprocess
import sys
from pathlib import Path

from deis_cli.deisctl.local import engine, processes
from deis_cli.deisctl.local.components import Component, all_components, docker_host, pid_file
from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.progress import Progress
from deis_cli.deisctl.local.router_stop import stop_router
from deis_cli.deisctl.local.supervisor import lock_home, stop_resident

LABEL = "deis.platform"
STOP_GRACE = 10
"""Seconds that an app's containers get after SIGTERM when the whole platform stops."""


def down(root: Path, *, purge: bool) -> None:
    """Stop everything of the home; LocalError when another command is at work in it."""
    home = Home(root)
    choices = home.load()
    out = Progress()
    if choices is None:
        out.line(f"Nothing runs in {root}.")
        if purge:
            home.remove()
        return
    lock = lock_home(home, "up")
    if lock is None:
        raise LocalError(f"Another `up` or `down` is at work in {root}: wait for it.")
    with lock:
        stop(home, choices, out, remove=purge)
        if purge:
            home.remove()


def stop(home: Home, choices: Choices, out: Progress, *, remove: bool) -> None:
    """Stop every process of the home, whatever of it runs; the caller holds the home's lock.

    With `remove` the apps' containers (and, in a given engine, their images) are removed too.
    """
    components = {item.name: item for item in all_components(home, choices, Path(sys.prefix))}
    with out.step("Stopping the supervisor"):
        stop_resident(home)
    for name in ("deis-node", "deis-control"):
        with out.step(f"Stopping {name}"):
            _stop_component(home, components[name])
    with out.step("Stopping the router"):
        stop_router(home.data / "node")
    with out.step("Stopping the apps' containers"):
        url = docker_host(home, choices)
        _stop_containers(url, choices.platform_id, remove=remove)
        if remove and choices.docker_host:
            _remove_images(url, choices.relay_port)
    for name in ("docker", "containerd", "registry", "etcd", "postgres"):
        if name in components:
            with out.step(f"Stopping {name}"):
                _stop_component(home, components[name])
    if not choices.docker_host:
        with out.step("Removing the network namespace"):
            engine.teardown(engine.layout(home.root, choices.id, choices.subnet))


def _stop_component(home: Home, component: Component) -> None:
    where = pid_file(home, component.name)
    process = processes.read(where)
    if process is not None:
        process.stop(component.stop_signal, component.stop_timeout)
    where.unlink(missing_ok=True)


def _stop_containers(url: str, platform_id: str, *, remove: bool) -> None:
    """Stop (and remove) the containers with this platform's label, and no other."""
    label = f"label={LABEL}={platform_id}"
    listed = _docker(url, "ps", "--all", "--quiet", "--no-trunc", "--filter", label)
    ids = listed.split()
    if ids:
        _docker(url, "stop", "--time", str(STOP_GRACE), *ids)
    if ids and remove:
        _docker(url, "rm", "--force", "--volumes", *ids)


def _remove_images(url: str, relay_port: int) -> None:
    """Remove the images that bear a name of this platform, by that name and no other.

    Two platforms may have built the same image; the other's name for it stays.
    """
    listing = ["images", "--digests", "--filter", f"reference=127.0.0.1:{relay_port}/*"]
    names = ["{{.Repository}}:{{.Tag}}", "{{.Repository}}@{{.Digest}}"]
    found = {name for form in names for name in _docker(url, *listing, "--format", form).split()}
    ours = sorted(name for name in found if not name.endswith("<none>"))
    if ours:
        _docker(url, "rmi", *ours)


def _docker(url: str, *arguments: str) -> str:
    """Run Docker's client; an engine that is away has nothing left to stop."""
    try:
        done = subprocess.run(
            ["docker", "--host", url, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
