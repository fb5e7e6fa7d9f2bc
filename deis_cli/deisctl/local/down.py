"""Stop a home's platform; with `purge` also remove everything that it made."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from deis_cli.deisctl.local import engine, processes
from deis_cli.deisctl.local.cgroups import cgroup_freeze
from deis_cli.deisctl.local.components import Component, all_components, down_file, pid_file
from deis_cli.deisctl.local.errors import LocalError
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.mounts import unmount_below
from deis_cli.deisctl.local.progress import Progress
from deis_cli.deisctl.local.router_stop import stop_router
from deis_cli.deisctl.local.sites import Site, docker_url, fabric, sites
from deis_cli.deisctl.local.supervisor import lock_home, stop_resident

_T = TypeVar("_T")

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
            _remove(home)
        return
    lock = lock_home(home, "up")
    if lock is None:
        raise LocalError(f"Another `up` or `down` is at work in {root}: wait for it.")
    with lock:
        stop(home, choices, out, remove=purge)
        if purge:
            _remove(home)


def _remove(home: Home) -> None:
    """Remove the home; hosts may have disks of their own, which a person has mounted there."""
    unmount_below(home.hosts)
    home.remove()


def stop(home: Home, choices: Choices, out: Progress, *, remove: bool) -> None:
    """Stop every process of the home, whatever of it runs; the caller holds the home's lock.

    With `remove` the apps' containers (and, in a given engine, their images) are removed too.
    """
    every = sites(home, choices)
    components = all_components(home, choices, Path(sys.prefix))
    with out.step("Stopping the supervisor"):
        stop_resident(home)
    for component in components:  # At the next `up` all run.
        down_file(home, component.name).unlink(missing_ok=True)
    if choices.hosts > 1:
        _let_go_on(every)

    def end(*parts: str) -> None:
        for part in parts:
            ours = [item for item in components if item.name.partition("@")[0] == part]
            if ours:
                with out.step(f"Stopping {part}"):
                    _each(lambda item: _stop_component(home, item), ours)

    end("relay", "deis-node", "deis-control")
    with out.step("Stopping the router"):
        _each(lambda site: stop_router(site.node_state), every)
    with out.step("Stopping the apps' containers"):
        _each(partial(_stop_apps, choices, remove=remove), every)
    end("docker", "containerd", "registry", "etcd", "postgres")
    if not choices.docker_host:
        with out.step("Removing the network namespace"):
            _remove_networks(choices, every)


def _let_go_on(every: Sequence[Site]) -> None:
    """Hosts that are frozen or cut off could not end in order; at the next `up` all have power."""
    for site in every:
        if site.network is not None:
            cgroup_freeze(site.network.name, frozen=False)
            with suppress(LocalError):  # One without power has no wire.
                site.network.join()
        site.off.unlink(missing_ok=True)


def _stop_apps(choices: Choices, site: Site, *, remove: bool) -> None:
    url = docker_url(site, choices)
    _stop_containers(url, choices.platform_id, remove=remove)
    if remove and choices.docker_host:
        _remove_images(url, choices.relay_port)


def _remove_networks(choices: Choices, every: Sequence[Site]) -> None:
    """End whatever is left on the hosts, and take their networks away."""
    _each(lambda site: engine.teardown(site.engine) if site.engine else None, every)
    joined = fabric(choices)
    if joined is not None:
        joined.remove()


def _each(action: Callable[[_T], None], items: Sequence[_T]) -> None:
    """Do the same to each, side by side; the first error of any is raised when all are done."""
    with ThreadPoolExecutor(max_workers=max(1, len(items))) as pool:
        done = [pool.submit(action, item) for item in items]
    for one in done:
        one.result()


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
