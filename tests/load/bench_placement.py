"""What a decision costs in a large cluster, from the world in memory: no store, no network.

One app of all copies and many apps of ten; the loss of one host; loading and parsing apart. Run by
hand or by contrib/local/bench: `python -m tests.load.bench_placement`.
"""

import gc
import resource
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deis_control.scheduler.formation import for_release
from deis_control.scheduler.plan import plan_app
from deis_control.scheduler.snapshot import Index
from deis_control.scheduler.steps import Place
from deis_control.scheduler.world import Limits, Target
from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Host, Record, Route
from tests.worlds import make_placed

MEMORY = 256 << 20
ZONES = 3
SIZES = ((10_000, 1_000), (100_000, 5_000))
"""Copies and hosts."""

MORE = 20
"""Apps that come while the others are there."""


@dataclass
class Took:
    """What something took, in seconds.

    A decision is one thread's computing: its CPU time is how long it takes on a quiet machine.
    """

    seconds: float = 0.0


@contextmanager
def timed(what: str) -> Iterator[Took]:
    """Measure and print."""
    gc.collect()
    took = Took()
    began = time.process_time()
    yield took
    took.seconds = time.process_time() - began
    say(what, took.seconds)


def say(what: str, seconds: float) -> None:
    """Print one figure."""
    print(f"  {what:<58} {seconds * 1000:10.1f} ms", flush=True)


def stored(key: str, record: Record) -> KeyValue:
    return KeyValue(key, record.to_bytes(), 1, 1, 1, 0)


def host_keys(hosts: int) -> list[KeyValue]:
    """Hosts of 4 to 16 processors in three zones."""
    return [
        stored(
            keys.host(f"host-{n:05}"),
            Host(
                f"host-{n:05}",
                f"10.{n >> 8}.{n & 255}.1",
                cpus=(4, 8, 16)[n % 3],
                memory=64 << 30,
                tags={"zone": f"z{n % ZONES}"},
                arch="amd64",
            ),
        )
        for n in range(hosts)
    ]


def target_of(app: str, copies: int, taken: Collection[CopyName] = ()) -> Target:
    """A new release of so many copies; `taken` are those of the release before."""
    kind = "web"
    plan = for_release(app, 2, {kind: copies}, taken)
    return Target(
        copies=plan.copies,
        route=Route(app, {"2": 1}),
        fresh=plan.fresh,
        new_release=True,
        memory={kind: MEMORY},
        cpu={kind: 64},
    )


def place(index: Index, app: str, target: Target) -> dict[CopyName, str]:
    """One decision of the leader: where the copies go."""
    decision = plan_app(index.world(app, target, now=0.0, limits=Limits()))
    steps = [step for step in decision.steps if isinstance(step, Place)]
    return {step.copy: step.host for step in steps}


def take(index: Index, placed: dict[CopyName, str]) -> None:
    """Take placements in, as if the store told of them."""
    for copy, host in placed.items():
        record = make_placed(copy, host=host, memory=MEMORY, cpu=64).placement
        index.take(stored(keys.placement(host, copy.container), record), 0.0)


def one_app(copies: int, hosts: list[KeyValue]) -> list[str]:
    """The hosts that the copies go to, in their order."""
    index = Index()
    with timed("load and parse the hosts' records"):
        for kv in hosts:
            index.take(kv, 0.0)
    before = for_release("big", 1, {"web": copies}, ()).copies
    with timed(f"name the copies of a release of {copies}"):
        target = target_of("big", copies, before)
    with timed(f"decide: one app, {copies} copies"):
        placed = place(index, "big", target)
    each = Counter(placed.values())
    spare = set(index.hosts) - set(each)
    print(f"    {min(each.values())} to {max(each.values())} copies a host, {len(spare)} without")
    assert len(placed) == copies
    return list(placed.values())


def many_apps(spread: list[str], hosts: list[KeyValue]) -> None:
    """The same copies as ever ten of an app, and some apps more."""
    index = Index()
    for kv in hosts:
        index.take(kv, 0.0)
    targets = {f"app-{n}": target_of(f"app-{n}", 10) for n in range(len(spread) // 10)}
    copies = [copy for target in targets.values() for copy in sorted(target.copies)]
    with timed(f"load and parse {len(spread)} placements of {len(targets)} apps"):
        take(index, dict(zip(copies, spread, strict=True)))
    more = {f"new-{n}": target_of(f"new-{n}", 10) for n in range(MORE)}
    with timed(f"decide: {MORE} more apps of 10, one after the other"):
        for app, target in more.items():
            place(index, app, target)
    lose_a_host(index, targets)


def lose_a_host(index: Index, targets: dict[str, Target]) -> None:
    """A host is gone: every app that had copies there gets others for them."""
    lost = next(iter(index.hosts))
    mine = [found for app in index.apps.values() for found in app.placed.values()]
    gone = [found.copy for found in mine if found.host == lost]
    with timed(f"decide: one host lost, {len(gone)} copies of as many apps") as took:
        index.drop(keys.host(lost), 1.0)
        moved = 0
        for copy in gone:
            index.drop(keys.placement(lost, copy.container), 1.0)
            moved += len(place(index, copy.app, targets[copy.app]))
    assert moved == len(gone)
    assert took.seconds < 10, "something is of another order"


def main() -> None:
    """Print all figures."""
    for copies, hosts in SIZES:
        print(f"{copies} copies, {hosts} hosts in {ZONES} zones")
        records = host_keys(hosts)
        many_apps(one_app(copies, records), records)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {'largest resident memory so far':<58} {peak:10.0f} MB")


if __name__ == "__main__":
    main()
