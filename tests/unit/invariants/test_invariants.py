"""Each invariant of a cluster is noticed when it is broken, and none when all hold."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from tests.fixtures.invariants import Change, broken_in
from tests.fixtures.invariants_read import Facts, Found

IMAGE = "127.0.0.1:5000/hello@sha256:aa"
LABELS = {"deis.platform": "p", "deis.app": "hello", "deis.release": "2", "deis.type": "web"}
MARKS = {**LABELS, "deis.num": "1", "deis.generation": "1"}
NAME = "hello_v2.web.1"
PLACED = f"/deis/placements/h1/{NAME}"
SEEN = f"/deis/instances/h1/{NAME}"
ENDPOINT = f"/deis/services/hello/{NAME}"
CREATE: Change = ("app.create", "hello")


def make_facts() -> Facts:
    """One app, one copy, one host."""
    copy = {"app": "hello", "release": 2, "type": "web", "num": 1, "generation": 1}
    store: dict[str, Any] = {
        "/deis/hosts/h1": {"name": "h1"},
        PLACED: {**copy, "image": IMAGE, "state": "run"},
        SEEN: {"phase": "running", "ready": True, "address": "10.0.0.1:20000"},
        ENDPOINT: {"address": "10.0.0.1:20000", "host": "h1", "release": 2, "generation": 1},
        "/deis/routes/hello": {"app": "hello", "releases": {"2": 1, "1": 0}},
        "/deis/routers/h1": {"incarnation": "i", "errors": {}},
        "/deis/control/leader": {"name": "h1", "epoch": 4},
        "/deis/control/incarnation": {"id": "life"},
        "/deis/control/intent": {"seq": 7},
        "/deis/scheduler/deploy_timeout": b"not JSON",
    }
    app = {"structure": {"web": 1, "worker": 2}, "stopped": ["worker"], "versions": [2, 1]}
    database: dict[str, Any] = {
        "epoch": 4,
        "incarnation": "life",
        "intent": 7,
        "highest": 4,
        "open": {},
        "apps": {"hello": {**app, "live": 2, "images": {"2": "hello@sha256:aa"}}},
        "audit": [["app.create", "hello", 1]],
    }
    return Facts(
        hosts=frozenset({"h1"}),
        store=store,
        database=database,
        containers={"h1": [Found(NAME, "running", IMAGE, MARKS)]},
        strays={"h1": []},
        tables={"h1": {"hello": frozenset({"10.0.0.1:20000"})}},
    )


def test_nothing_is_broken_when_all_hold() -> None:
    assert broken_in(make_facts(), [CREATE]) == []


def stored(key: str, **words: Any) -> Callable[[Facts], Facts]:
    """A record that says something else; no words: it is gone."""

    def change(facts: Facts) -> Facts:
        store = deepcopy(dict(facts.store))
        store[key] = {**store.get(key, {}), **words}
        return replace(facts, store=store)

    def remove(facts: Facts) -> Facts:
        return replace(facts, store={k: v for k, v in facts.store.items() if k != key})

    return change if words else remove


def kept(**words: Any) -> Callable[[Facts], Facts]:
    """PostgreSQL holds something else."""
    return lambda facts: replace(facts, database={**facts.database, **words})


def of_app(**words: Any) -> Callable[[Facts], Facts]:
    """The same of the app."""

    def change(facts: Facts) -> Facts:
        return kept(apps={"hello": {**facts.apps["hello"], **words}})(facts)

    return change


def there(*containers: Found) -> Callable[[Facts], Facts]:
    """Other containers are there."""
    return lambda facts: replace(facts, containers={"h1": list(containers)})


def table(**apps: frozenset[str]) -> Callable[[Facts], Facts]:
    """nginx holds another table."""
    return lambda facts: replace(facts, tables={"h1": apps})


RUNNING = Found(NAME, "running", IMAGE, MARKS)
SECOND = Found(f"{NAME}.g2", "running", IMAGE, {**MARKS, "deis.generation": "2"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (kept(open={"hello": "scale is starting"}), "hello: scale is starting"),
        (stored("/deis/hosts/h1"), "h1 has power and no lease"),
        (there(), f"h1: {NAME} is placed and does not run"),
        (there(replace(RUNNING, status="exited")), f"{NAME} too many (exited)"),
        (there(RUNNING, SECOND), f"{NAME}.g2 too many"),
        (there(RUNNING, SECOND), "hello: 2 containers of web.1"),
        (there(RUNNING, Found("x", "exited", "y", {})), "a container x that nobody knows"),
        (there(replace(RUNNING, image="other")), f"{NAME} runs other"),
        (stored(PLACED, state="stop"), "is placed as web in stop"),
        (stored(PLACED, app="gone"), "for an app that is gone"),
        (stored(PLACED, image="127.0.0.1:5000/hello@sha256:bb"), "is placed with"),
        (stored(f"/deis/placements/h2/{NAME}.g2", **make_facts().store[PLACED]), "2 placements of"),
        (of_app(live=3, images={"3": "hello@sha256:aa"}), "is not of the live release v3"),
        (of_app(stopped=[]), "{'web': 1} are placed of {'web': 1, 'worker': 2}"),
        (of_app(versions=[1, 3]), "hello: its releases are [1, 3]"),
        (stored(SEEN), f"h1/{NAME}: a placement without an instance"),
        (stored(SEEN, ready=False), f"h1/{NAME} is running, ready: False"),
        (stored("/deis/instances/h1/x_v1.web.1", phase="stopped", ready=False), "without a placem"),
        (stored(SEEN, address="10.0.0.1:20001"), "published 10.0.0.1:20000, its owner has"),
        (stored(ENDPOINT), f"hello/{NAME}: published None"),
        (
            stored("/deis/services/hello/hello_v1.web.9", address="10.0.0.1:20000", release=1),
            "2 times",
        ),
        (stored("/deis/services/hello/hello_v1.web.9", address="a:1", release=1), "no placement"),
        (table(), "nginx of h1 has None for hello"),
        (table(hello=frozenset({"10.0.0.9:1"})), "nginx of h1 has ['10.0.0.9:1'] for hello"),
        (table(gone=frozenset()), "nginx of h1 has [] for gone, not None"),
        (stored("/deis/routers/h1", errors={"hello": "x"}), "the router of h1 cannot serve hello"),
        (stored("/deis/envs/gone/2", sealed="x"), "envs/gone/2 is left of an app that is gone"),
        (stored(f"/deis/moves/hello/{NAME}", created="x"), "a move that was not carried out"),
        (
            lambda facts: replace(facts, strays={"h1": ["volume v"]}),
            "h1: volume v belongs to nobody",
        ),
        (stored("/deis/control/leader", epoch=3), "etcd's leader has epoch 3, PostgreSQL 4"),
        (kept(highest=5), "a change of epoch 5 was written, 4 leads"),
        (kept(incarnation="another"), "etcd lives as life, PostgreSQL knows another"),
        (kept(intent=6), "PostgreSQL has accepted 6 changes, etcd saw 7"),
        (lambda facts: replace(facts, unmirrored=frozenset({"/deis/x"})), "/deis/x is not in Post"),
        (lambda facts: replace(facts, leaks=["the log a"]), "a secret is in the log a"),
        (kept(audit=[]), "hello: 1 × app.create not in the audit trail"),
    ],
)
def test_what_is_broken_is_told(change: Callable[[Facts], Facts], words: str) -> None:
    assert words in "\n".join(broken_in(change(make_facts()), [CREATE]))
