"""An operator's word on a host, on a real platform: tags, cordon, and what they mean for apps."""

import json
import platform as machine
import time
from typing import Any

import pytest

from deis_node.docker.model import image_arch
from tests.fixtures.platform import App, Platform, poll, run


def deisctl(platform: Platform, *words: str) -> str:
    done = run([str(platform.home / "bin" / "deisctl"), "hosts", *words])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def the_host(platform: Platform) -> dict[str, Any]:
    (host,) = json.loads(deisctl(platform, "list", "--json"))
    assert isinstance(host, dict)
    return host


def test_the_host_says_what_it_is(app: App) -> None:
    host = the_host(app.platform)
    assert (host["alive"], host["cordoned"], host["roles"]) == (True, False, ["router"])
    assert host["arch"] == image_arch(machine.machine())
    assert host["memory"] > 0
    assert host["cpus"] > 0
    placed = [key for key in app.platform.etcd("/deis/placements/") if f"/{host['name']}/" in key]
    assert host["copies"] == len(placed)
    assert f"\n{host['name']}\tready\t" in deisctl(app.platform, "list")


def test_an_apps_tags_are_refused_at_once_until_a_host_has_them(app: App) -> None:
    name = the_host(app.platform)["name"]
    began = time.monotonic()
    refused = app.platform.deis("tags:set", "disk=ssd", "-a", app.name, check=False)
    assert time.monotonic() - began < 20, "it does not wait for a host that cannot come"
    assert refused.returncode == 1
    assert f"no host takes web.1: {name} is not tagged disk=ssd" in refused.stderr
    assert app.get()[0] == 200
    deisctl(app.platform, "tags", name, "disk=ssd")
    app.platform.deis("tags:set", "disk=ssd", "-a", app.name)
    deisctl(app.platform, "tags", name, "disk-")
    assert app.get()[0] == 200
    assert the_host(app.platform)["tags"] == {}


def test_a_cordoned_host_keeps_what_it_has_and_takes_nothing_new(app: App) -> None:
    name = the_host(app.platform)["name"]
    deisctl(app.platform, "cordon", name)
    try:
        prefer = app.platform.deis("ps:scale", "web=2", "--detach", "-a", app.name).stdout
        assert prefer
        poll(lambda: said_by(app, f"{name} is cordoned"), 30, "the change waits for a host")
        assert app.get()[0] == 200
    finally:
        deisctl(app.platform, "uncordon", name)
    poll(lambda: len(app.platform.containers(app.name)) == 2, 60, "the second copy runs")


def said_by(app: App, text: str) -> bool:
    """Whether the app's last operation has said so."""
    _, found = app.platform.api("GET", f"/v1/apps/{app.name}/operations/?page_size=1000")
    last = max(found["results"], key=lambda operation: operation["seq"])
    _, whole = app.platform.api("GET", f"/v1/operations/{last['id']}/")
    return any(text in phase["text"] for phase in whole["phases"])


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_on_one_host_there_is_nothing_to_balance(platform: Platform, query: str) -> None:
    status, found = platform.api("POST", f"/v1/hosts/rebalance/{query}")
    assert (status, found["moves"]) == (200, [])
