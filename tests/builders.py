"""Valid records with defaults: a test names only what it is about."""

from typing import Any

from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Instance, Phase, Placement
from deis_node.containers.copies import CopyView

DIGEST = "sha256:" + "a" * 64


def make_copy(**facts: Any) -> CopyName:
    """`hello_v2.web.1`."""
    return CopyName(**{"app": "hello", "release": 2, "type": "web", "num": 1} | facts)


def make_placement(**facts: Any) -> Placement:
    """A placement of `hello_v2.web.1` that shall run."""
    defaults: dict[str, Any] = {
        "app": "hello",
        "release": 2,
        "type": "web",
        "num": 1,
        "generation": 1,
        "uuid": "11111111-2222-3333-4444-555555555555",
        "created": "2026-11-23T02:00:00UTC",
        "image": f"127.0.0.1:5000/hello@{DIGEST}",
        "command": ("/bin/sh", "-c", "serve"),
    }
    return Placement(**defaults | facts)


def make_instance(**facts: Any) -> Instance:
    """A ready instance of it."""
    defaults: dict[str, Any] = {
        "phase": Phase.RUNNING,
        "ready": True,
        "address": "10.0.0.1:20000",
        "container_id": "c1",
    }
    return Instance(**defaults | facts)


def make_view(**facts: Any) -> CopyView:
    """What an agent knows of it when it runs."""
    name = facts.pop("name", make_copy())
    defaults: dict[str, Any] = {
        "placement": make_placement(release=name.release, type=name.type, num=name.num),
        "revision": 7,
        "epoch": 1,
        "known": True,
        "phase": Phase.RUNNING,
        "container_id": "c1",
        "run": "c1@t1",
        "address": "172.17.0.2:5000",
        "public": "10.0.0.1:20000",
    }
    return CopyView(name, **defaults | facts)
