"""Which copies a rebalance moves, and which it leaves alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from deis_control.scheduler.rebalance import Running, plan_rebalance
from deis_control.scheduler.rooms import Need
from deis_control.scheduler.world import HostSeen
from tests.worlds import make_copy, make_host

MIB = 1 << 20


def stand(*hosts: str, kind: str = "web", app: str = "hello", **facts: object) -> list[Running]:
    """Copies 1, 2, … of a type on these hosts."""
    copies = (make_copy(kind, num, app=app) for num in range(1, len(hosts) + 1))
    made = zip(copies, hosts, strict=True)
    return [Running(copy, host, **facts) for copy, host in made]  # type: ignore[arg-type]


def loaded(hosts: Sequence[HostSeen], running: Sequence[Running]) -> list[HostSeen]:
    """The hosts with these copies on them."""
    copies = Counter(item.host for item in running)
    return [replace(host, copies=copies[host.name]) for host in hosts]


def moves(hosts: Sequence[HostSeen], running: Sequence[Running], **more: object) -> list[str]:
    """What a rebalance asks for: `web.2: a → b, why`."""
    plan = plan_rebalance(loaded(hosts, running), running, **more)  # type: ignore[arg-type]
    return [f"{one.copy.process}: {one.source} → {one.to}, {one.why}" for one in plan.shifts]


def test_copies_of_a_type_are_spread_over_hosts() -> None:
    hosts = [make_host("a"), make_host("b")]
    assert moves(hosts, stand("a", "a", "a", "a")) == [
        "web.4: a → b, web has 4 copies on a and 0 on b",
        "web.3: a → b, web has 3 copies on a and 1 on b",
    ]


def test_what_is_within_one_stays() -> None:
    hosts = [make_host("a", cpus=4), make_host("b", cpus=4)]
    assert moves(hosts, stand("a", "a", "b")) == []
    assert moves([], []) == []


def test_zones_go_before_hosts() -> None:
    hosts = [make_host(name, tags={"zone": name[0]}, cpus=8) for name in ("a1", "a2", "b1")]
    assert moves(hosts, stand("a1", "a2", "a1", "a2")) == [
        "web.4: a2 → b1, web has 4 copies in zone a and 0 in b",
        "web.3: a1 → b1, web has 3 copies in zone a and 1 in b",
    ]


def test_a_host_that_is_too_small_for_one_app_is_for_the_others_all_the_same() -> None:
    hosts = [make_host("a", memory=100 * MIB), make_host("b", memory=10 * MIB)]
    large = stand("a", app="large", need=Need(memory=50 * MIB))
    small = stand("a", "b", app="small", need=Need(memory=1 * MIB))
    assert moves(hosts, large + small) == []


def test_single_types_and_copies_on_their_way_never_move() -> None:
    hosts = [make_host("a"), make_host("b")]
    assert moves(hosts, stand("a", "a", "a", fixed=True)) == []


def test_a_cordoned_host_and_what_runs_there_is_left_alone() -> None:
    hosts = [make_host("a", cordoned=True), make_host("b", cpus=4), make_host("c", cpus=4)]
    assert moves(hosts, stand("a", "a", "a")) == []
    assert moves(hosts, stand("b", "b", "b", "b")) == [
        "web.4: b → c, web has 4 copies on b and 0 on c",
        "web.3: b → c, web has 3 copies on b and 1 on c",
    ]


def test_a_host_that_flaps_gets_nothing_and_keeps_what_it_has() -> None:
    hosts = [make_host("a", cpus=4), make_host("b", cpus=4), make_host("c", cpus=4)]
    assert moves(hosts, stand("a", "a", "a", "a"), flapping={"b"}) == [
        "web.4: a → c, web has 4 copies on a and 0 on c",
        "web.3: a → c, web has 3 copies on a and 1 on c",
    ]
    assert moves(hosts, stand("b", "b", "b", "b"), flapping={"b"}) == []


def test_a_host_that_is_full_gets_nothing() -> None:
    hosts = [make_host("a"), make_host("b", memory=10 * MIB, reserved=5 * MIB)]
    full = stand("a", "a", "a", need=Need(memory=6 * MIB))
    assert moves(hosts, full) == []
    assert moves(hosts, stand("a", "a", "a", need=Need(memory=5 * MIB))) == [
        "web.3: a → b, web has 3 copies on a and 0 on b"
    ]


def test_copies_leave_a_host_that_is_not_for_them_any_more() -> None:
    hosts = [make_host("a"), make_host("b", tags={"disk": "ssd"})]
    running = stand("a", need=Need(tags={"disk": "ssd"}))
    assert moves(hosts, running) == ["web.1: a → b, a is not tagged disk=ssd"]


def test_copies_leave_a_host_that_is_kept_for_a_role() -> None:
    hosts = [make_host("a", roles=("router",)), make_host("b")]
    assert moves(hosts, stand("a"), separate=["router"]) == ["web.1: a → b, a is kept for router"]
    assert moves(hosts[:1], stand("a"), separate=["router"]) == []


def test_copies_are_spread_over_processors_last() -> None:
    hosts = [make_host("a", cpus=2), make_host("b", cpus=2)]
    apps = [item for n in range(4) for item in stand("a", app=f"app-{n}")]
    assert moves(hosts, apps) == [
        "web.1: a → b, a has 2 copies per processor, b 0",
    ]


def test_no_type_loses_its_spread_for_the_sake_of_processors() -> None:
    hosts = [make_host("a", cpus=1), make_host("b", cpus=1), make_host("c", cpus=16)]
    running = [*stand("a", "b", "c"), *stand("a", "b", "c", app="other")]
    assert moves(hosts, running) == []


def test_one_rebalance_asks_for_so_many_moves_only() -> None:
    hosts = [make_host("a"), make_host("b")]
    running = stand(*("a" for _ in range(300)))
    plan = plan_rebalance(loaded(hosts, running), running)
    assert (len(plan.shifts), plan.more) == (100, True)


_names = ("a1", "a2", "b1", "b2", "c1")
_hosts = st.permutations(
    [make_host(name, tags={"zone": name[0]}, cpus=2) for name in _names]
).flatmap(lambda hosts: st.integers(1, 5).map(lambda most: hosts[:most]))


@st.composite
def _clusters(draw: st.DrawFn) -> tuple[list[HostSeen], list[Running]]:
    hosts = draw(_hosts)
    name = st.sampled_from([host.name for host in hosts])
    counts = st.lists(name, max_size=9)
    running = [
        item
        for app in ("x", "y", "z")
        for kind in ("web", "worker")
        for item in stand(*draw(counts), kind=kind, app=app)
    ]
    return loaded(hosts, running), running


@settings(max_examples=200, deadline=None)
@given(_clusters())
def test_afterwards_every_type_is_even_and_nothing_is_left_to_do(
    cluster: tuple[list[HostSeen], list[Running]],
) -> None:
    hosts, running = cluster
    plan = plan_rebalance(hosts, running)
    to = {one.copy: one.to for one in plan.shifts}
    assert len(to) == len(plan.shifts), "no copy moves twice"
    after = [replace(item, host=to.get(item.copy, item.host)) for item in running]
    for app in ("x", "y", "z"):
        for kind in ("web", "worker"):
            _even(hosts, [i.host for i in after if (i.copy.app, i.copy.type) == (app, kind)])
    assert plan_rebalance(loaded(hosts, after), after).shifts == ()


@settings(max_examples=200, deadline=None)
@given(_hosts, st.data())
def test_as_few_copies_as_can_be_move(hosts: list[HostSeen], data: st.DataObject) -> None:
    name = st.sampled_from([host.name for host in hosts])
    running = stand(*data.draw(st.lists(name, max_size=9)))
    idle = [replace(host, cpus=1000) for host in loaded(hosts, running)]
    found = plan_rebalance(idle, running).shifts
    assert len(found) == _fewest(hosts, Counter(item.host for item in running))


def _even(hosts: Sequence[HostSeen], on: Sequence[str]) -> None:
    """Zones within one of each other, and so the hosts of each."""
    counts = Counter(on)
    zones: dict[str, list[int]] = {}
    for host in hosts:
        zones.setdefault(host.zone, []).append(counts[host.name])
    totals = [sum(found) for found in zones.values()]
    assert max(totals) - min(totals) <= 1, zones
    assert all(max(found) - min(found) <= 1 for found in zones.values()), zones


def _fewest(hosts: Sequence[HostSeen], counts: Counter[str]) -> int:
    """By trying every way to spread so many copies: the copies that are not where they were."""
    zones: dict[str, list[str]] = {}
    for host in hosts:
        zones.setdefault(host.zone, []).append(host.name)
    best = [counts.total()]

    def spread(total: int, parts: int) -> set[tuple[int, ...]]:
        low, more = divmod(total, parts)
        return {
            tuple(low + (place in chosen) for place in range(parts))
            for chosen in _subsets(parts, more)
        }

    for of_zones in spread(counts.total(), len(zones)):
        moved = 0
        for total, names in zip(of_zones, zones.values(), strict=True):
            ways = spread(total, len(names))
            moved += min(
                sum(max(0, more - counts[name]) for more, name in zip(way, names, strict=True))
                for way in ways
            )
        best.append(moved)
    return min(best)


def _subsets(size: int, chosen: int) -> list[set[int]]:
    masks = (mask for mask in range(1 << size) if mask.bit_count() == chosen)
    return [{place for place in range(size) if mask >> place & 1} for mask in masks]
