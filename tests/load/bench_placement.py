"""What a decision costs in a large cluster, from the world in memory: no store, no network.

One app of all copies and many apps of ten; a look at rest, the loss of one host; parsing and
loading apart. Run by hand or by contrib/local/bench: `python -m tests.load.bench_placement`.
"""

import gc
import resource
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from deis_control.db.desired import Desired
from deis_control.scheduler.catalogue import rest_target
from deis_control.scheduler.formation import for_release
from deis_control.scheduler.plan import Decision, plan_app
from deis_control.scheduler.snapshot import Index
from deis_control.scheduler.steps import Place
from deis_control.scheduler.world import Limits, Target
from deis_node.cluster import keys
from deis_node.cluster.etcd import KeyValue
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Host, Placement, Record, Route
from tests.worlds import make_endpoint, make_instance, make_placed

MEMORY = 256 << 20
ZONES = 3
SIZES = ((10_000, 1_000), (100_000, 5_000))
"""Copies and hosts."""

ONE_BY_ONE = 10_000
"""Copies that are placed app by app too; more would take minutes."""

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


def placement_keys(placed: dict[CopyName, str]) -> list[KeyValue]:
    """Placements, as the store tells of them."""
    return [
        stored(
            keys.placement(host, copy.container),
            make_placed(copy, host=host, memory=MEMORY, cpu=64).placement,
        )
        for copy, host in placed.items()
    ]


def load(index: Index, found: list[KeyValue], kind: type[Record], what: str) -> None:
    """Take keys in, and tell how much of that is the parsing of their records."""
    with timed(f"parse {what}") as parsing:
        for kv in found:
            kind.from_bytes(kv.value)
    gc.collect()
    began = time.process_time()
    for kv in found:
        index.take(kv, 0.0)
    say(f"load {what}, without parsing", time.process_time() - began - parsing.seconds)


def serve(index: Index, app: str, placed: dict[CopyName, str]) -> None:
    """Have the copies up and published, and the app routed."""
    for copy, host in placed.items():
        endpoint = make_endpoint(copy, host)
        index.take(stored(keys.instance(host, copy.container), make_instance(copy)), 0.0)
        index.take(stored(keys.service(app, copy.container), endpoint), 0.0)
    index.take(stored(keys.route(app), Route(app, {"2": 1})), 0.0)


def rest(index: Index, app: str, copies: int, now: float) -> Decision:
    """The leader's look at an app without an operation."""
    wanted = Desired(UUID(int=1), app, {"web": copies}, False, 2, True, ())
    world = index.world(app, None, now=now, limits=Limits())
    target = rest_target(wanted, world, 30)
    assert target is not None
    return plan_app(replace(world, target=target))


def look_again(index: Index, app: str, placed: dict[CopyName, str]) -> None:
    """The same app when it serves: a look at rest, and one when a host is gone."""
    load(index, placement_keys(placed), Placement, f"its {len(placed)} placements")
    serve(index, app, placed)
    with timed(f"look: the app of {len(placed)} copies at rest"):
        assert not rest(index, app, len(placed), 1.0).steps
    lost = next(iter(index.hosts))
    index.drop(keys.host(lost), 2.0)
    gone = sum(host == lost for host in placed.values())
    with timed(f"decide: one host lost, {gone} copies of this app"):
        assert len(rest(index, app, len(placed), 9.0).steps) == gone


def one_app(copies: int, hosts: list[KeyValue]) -> list[str]:
    """The hosts that the copies go to, in their order."""
    index = Index()
    load(index, hosts, Host, "the hosts' records")
    before = for_release("big", 1, {"web": copies}, ()).copies
    with timed(f"name the copies of a release of {copies}"):
        target = target_of("big", copies, before)
    with timed(f"decide: one app, {copies} copies"):
        placed = place(index, "big", target)
    each = Counter(placed.values())
    spare = set(index.hosts) - set(each)
    print(f"    {min(each.values())} to {max(each.values())} copies a host, {len(spare)} without")
    assert len(placed) == copies
    look_again(index, "big", placed)
    return list(placed.values())


def many_apps(spread: list[str], hosts: list[KeyValue]) -> None:
    """The same copies as ever ten of an app, and some apps more."""
    index = Index()
    for kv in hosts:
        index.take(kv, 0.0)
    targets = {f"app-{n}": target_of(f"app-{n}", 10) for n in range(len(spread) // 10)}
    copies = [copy for target in targets.values() for copy in sorted(target.copies)]
    found = placement_keys(dict(zip(copies, spread, strict=True)))
    load(index, found, Placement, f"{len(spread)} placements of {len(targets)} apps")
    more = {f"new-{n}": target_of(f"new-{n}", 10) for n in range(MORE)}
    with timed(f"decide: {MORE} more apps of 10, one after the other"):
        for app, target in more.items():
            place(index, app, target)
    for app in targets:
        serve(index, app, {found.copy: found.host for found in index.apps[app].placed.values()})
    lose_a_host(index, targets)


def every_app(copies: int, hosts: list[KeyValue]) -> None:
    """All copies as apps of ten, each placed before the next is decided on."""
    index = Index()
    for kv in hosts:
        index.take(kv, 0.0)
    spent = 0.0
    for n in range(copies // 10):
        target = target_of(f"app-{n}", 10)
        began = time.process_time()
        placed = place(index, f"app-{n}", target)
        spent += time.process_time() - began
        for kv in placement_keys(placed):
            index.take(kv, 0.0)
    say(f"decide: {copies // 10} apps of 10, one after the other", spent)


def lose_a_host(index: Index, apps: Collection[str]) -> None:
    """A host is gone: every app that had copies there gets successors for them."""
    lost = next(iter(index.hosts))
    hit = [app for app in apps if any(p.host == lost for p in index.apps[app].placed.values())]
    with timed(f"decide: one host lost, a copy of each of {len(hit)} apps") as took:
        index.drop(keys.host(lost), 2.0)
        moved = sum(succeed(index, app) for app in hit)
    assert moved >= len(hit) > 0
    assert took.seconds < 10, "something is of another order"


def succeed(index: Index, app: str) -> int:
    """Decide on an app that lost copies, and take in what is placed; how many were."""
    steps = [step for step in rest(index, app, 10, 9.0).steps if isinstance(step, Place)]
    for kv in placement_keys({step.copy: step.host for step in steps}):
        index.take(kv, 9.0)
    return len(steps)


def main() -> None:
    """Print all figures."""
    for copies, hosts in SIZES:
        print(f"{copies} copies, {hosts} hosts in {ZONES} zones")
        records = host_keys(hosts)
        many_apps(one_app(copies, records), records)
        if copies <= ONE_BY_ONE:
            every_app(copies, records)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {'largest resident memory so far':<58} {peak:10.0f} MB")


if __name__ == "__main__":
    main()
