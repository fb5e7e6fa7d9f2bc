"""Hosts die, hang, are drained and come back at any moment, leaders too: it always ends well.

The cluster is the model of tests/cluster_model.py, in virtual time. What holds at every moment:
no write of the leader takes the last copy that serves, and of a single type there are never two.
What holds at rest: everything that is wanted serves on hosts that are alive.
"""

from collections import Counter
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deis_control.scheduler.changes import Change
from deis_node.cluster import keys
from deis_node.cluster.etcd import Put
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Instance, Move, Phase, Placement, PlacementState
from tests.cluster_model import TTL, ModelCluster
from tests.leader_model import Leader, come_to_rest, make_steady, served
from tests.worlds import make_copy

HOSTS = ("host-1", "host-2", "host-3")
WEB = {"web": 3}
KINDS = ("release", "scale", "restart")


def wanted_running(leader: Leader) -> Counter[str]:
    """How many copies of each type run where the store wants them, on hosts that are alive."""
    cluster = leader.cluster
    found: Counter[str] = Counter()
    for host, copy in cluster.copies():
        placement = cluster.store.placement(host, copy)
        assert placement is not None
        if placement.state is PlacementState.RUN and host not in cluster.away:
            assert (host, copy) in cluster.running
            assert copy.release == leader.release
            found[copy.type] += 1
    return found


def check_at_rest(leader: Leader) -> None:
    """Everything wanted runs once on live hosts; on lost ones everything is told to end."""
    cluster = leader.cluster
    counts = {kind: count for kind, count in leader.structure.items() if count}
    assert dict(wanted_running(leader)) == counts
    for host, copy in cluster.copies():
        placement = cluster.store.placement(host, copy)
        if host in cluster.away:
            assert placement is not None
            assert placement.state is PlacementState.STOP
    assert served(cluster, cluster.away) == counts.get("web", 0)
    slots = Counter((copy.type, copy.num) for host, copy in live(cluster))
    assert set(slots.values()) <= {1}


def live(cluster: ModelCluster) -> list[tuple[str, CopyName]]:
    return [(host, copy) for host, copy in cluster.copies() if host not in cluster.away]


def guard(leader: Leader) -> None:
    """Look at each write of the leader before it happens."""
    cluster = leader.cluster

    def check(change: Change) -> None:
        trial = ModelCluster(0, 0)
        trial.store.items = dict(cluster.store.items)
        trial.store.revision = cluster.store.revision
        before = served(cluster, cluster.away)
        if trial.store.txn(change) and before and "web" in (leader.structure or {}):
            assert served(trial, cluster.away) > 0, f"unserved after {change}"
        for op in change.ops:
            if isinstance(op, Put) and op.key.startswith(keys.PLACEMENTS):
                host, _ = keys.pair(op.key, keys.PLACEMENTS)
                if Placement.from_bytes(op.value).state is PlacementState.RUN:
                    assert keys.host(host) in cluster.store.items, f"placed on {host}"

    cluster.observe = check


def check_singles(cluster: ModelCluster) -> None:
    """Of a single type never two of one number run, whatever the store says."""
    found = Counter((c.type, c.num) for _, c in cluster.running if c.type in cluster.single)
    assert set(found.values()) <= {1}, f"two of {found}: {cluster.running}"


def move(rng: Random, leader: Leader) -> None:
    """Somebody moves: the leader, an agent, a router, time, a host, an operator."""
    cluster = leader.cluster
    who = rng.choice(["leader"] * 6 + ["agent"] * 9 + ["router"] * 3 + ["time"] * 3 + ["fault"])
    copies = cluster.copies()
    if who == "leader":
        leader.look()
    elif who == "agent" and copies:
        cluster.agent(*rng.choice(copies))
    elif who == "router" and cluster.routers:
        cluster.router(rng.choice(sorted(cluster.routers)), busy=rng.random() < 0.3)
    elif who == "time":
        cluster.pass_time(rng.choice([0.1, 1.0, 5.0, 11.0]))
    elif who == "fault":
        fault(rng, leader)
    check_singles(cluster)


def fault(rng: Random, leader: Leader) -> None:
    cluster, host = leader.cluster, rng.choice(HOSTS)
    what = rng.choice(["host", "host", "host", "leader", "drain", "move", "change", "crash"])
    if what == "leader":
        cluster.elect()
        leader.timers.clear()
    elif what == "change":
        if leader.plan is None:
            leader.start(rng.choice(KINDS), {"web": rng.randint(1, 4), "worker": rng.randint(0, 2)})
    elif what == "crash" and cluster.copies():
        where, copy = rng.choice(cluster.copies())
        if where not in cluster.away:
            cluster.crash(where, copy)
    elif what == "drain":
        cluster.configure(host, draining=rng.random() < 0.5)
    elif what == "move" and cluster.copies():
        _, copy = rng.choice(cluster.copies())
        to = rng.choice([None, *HOSTS])
        wish = Move("2026-01-01T00:00:00UTC", to)
        cluster.store.put(keys.move("hello", copy.container), wish)
    elif host in cluster.away:
        cluster.come_back(host)
    elif len(cluster.away) < len(HOSTS) - 1:
        cluster.lose(host, power=rng.random() < 0.5)


def settle(leader: Leader) -> None:
    """The operators end their drains, and everybody comes to rest."""
    cluster = leader.cluster
    for host in HOSTS:
        cluster.configure(host)
    come_to_rest(leader)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(),
    st.sampled_from([*KINDS, None]),
    st.booleans(),
    st.integers(0, 2),
)
@example(59100713045, "release", True, 2)  # A host is back for a moment that nobody sees.
@example(46242, "scale", True, 0)  # Fewer are wanted, and the one to be kept is on a lost host.
def test_whatever_happens_to_hosts_everything_wanted_runs_once_in_the_end(
    seed: int, kind: str | None, single: bool, routers: int
) -> None:
    rng = Random(seed)
    counts = {"web": 3, "worker": 1}
    leader = make_steady(routers, counts, hosts=3, single="worker" if single else "")
    guard(leader)
    if kind:
        leader.start(kind, {"web": 2, "worker": 2})
    for _ in range(rng.randrange(250)):
        move(rng, leader)
    settle(leader)
    check_singles(leader.cluster)
    check_at_rest(leader)
    for host in list(leader.cluster.away):
        leader.cluster.come_back(host)
    settle(leader)
    check_singles(leader.cluster)
    check_at_rest(leader)
    assert not [key for key in leader.cluster.store.items if key.startswith(keys.MOVES)]
    assert leader.cluster.running == set(leader.cluster.copies())


@pytest.mark.parametrize("power", [True, False])
def test_copies_of_a_lost_host_are_made_again_and_end_there_when_it_returns(power: bool) -> None:
    leader = make_steady(1, WEB, hosts=3)
    guard(leader)
    cluster = leader.cluster
    (copy,) = [copy for host, copy in cluster.copies() if host == "host-1"]
    cluster.lose("host-1", power=power)
    come_to_rest(leader)
    check_at_rest(leader)
    assert served(cluster) == 3
    stays = cluster.store.placement("host-1", copy)
    assert stays is not None
    assert stays.state is PlacementState.STOP
    cluster.come_back("host-1")
    come_to_rest(leader)
    assert {host for host, _ in cluster.copies()} == {"host-2", "host-3"}
    assert cluster.running == set(cluster.copies())


def test_a_host_that_returns_before_the_successor_serves_keeps_its_copy() -> None:
    leader = make_steady(1, WEB, hosts=3)
    cluster = leader.cluster
    before = set(cluster.copies())
    cluster.lose("host-1", power=False)
    leader.look()
    cluster.pass_time(1)
    leader.look()
    assert len(cluster.copies()) == 4
    cluster.come_back("host-1")
    come_to_rest(leader)
    assert set(cluster.copies()) == before


def test_a_host_that_only_boots_again_is_not_given_up() -> None:
    leader = make_steady(1, WEB, hosts=3)
    cluster = leader.cluster
    before = set(cluster.copies())
    cluster.lose("host-1")
    leader.look()
    cluster.pass_time(0.2)
    leader.look()
    cluster.come_back("host-1")
    come_to_rest(leader)
    assert set(cluster.copies()) == before


def test_a_leader_that_dies_after_the_successor_was_placed_changes_nothing() -> None:
    leader = make_steady(1, WEB, hosts=3)
    cluster = leader.cluster
    cluster.lose("host-1")
    leader.look()
    cluster.pass_time(1)
    leader.look()
    placed = set(cluster.copies())
    assert len(placed) == 4
    cluster.elect()
    come_to_rest(leader)
    assert set(cluster.copies()) == placed
    check_at_rest(leader)


def test_a_lone_host_that_is_lost_costs_no_write() -> None:
    leader = make_steady(1, WEB, hosts=1)
    cluster = leader.cluster
    cluster.lose("host-1")
    before = cluster.store.revision
    for _ in range(100):
        leader.look()
        cluster.pass_time(60)
    assert cluster.store.revision == before


def test_a_rollout_goes_on_when_a_host_of_its_new_copies_dies() -> None:
    leader = make_steady(1, WEB, hosts=3)
    guard(leader)
    leader.start("release", WEB)
    leader.look()
    leader.cluster.lose("host-2")
    come_to_rest(leader)
    assert leader.release == 2
    check_at_rest(leader)


def test_a_rollout_waits_for_hosts_that_vanish_together_and_come_back() -> None:
    leader = make_steady(1, WEB, hosts=3)
    guard(leader)
    leader.start("release", WEB)
    leader.look()
    for host in HOSTS[:2]:
        leader.cluster.lose(host)
    for _ in range(80):
        leader.look()
        for item in leader.cluster.copies():
            leader.cluster.agent(*item)
        leader.cluster.pass_time(1)
    assert leader.plan is not None
    for host in HOSTS[:2]:
        leader.cluster.come_back(host)
    come_to_rest(leader)
    assert leader.release == 2
    check_at_rest(leader)


def test_a_single_copy_is_made_again_only_after_its_host_has_ended_it() -> None:
    leader = make_steady(1, {"web": 1, "worker": 1}, hosts=3, single="worker")
    cluster = leader.cluster
    (host,) = [host for host, copy in cluster.copies() if copy.type == "worker"]
    cluster.lose(host, power=False)
    lost = cluster.now
    while not [c for h, c in live(cluster) if c.type == "worker"]:
        leader.look()
        cluster.pass_time(1)
        check_singles(cluster)
        assert cluster.now - lost < 120
    assert cluster.now - lost >= 3 * TTL + 30
    come_to_rest(leader)
    check_at_rest(leader)


def test_a_single_copy_is_not_made_again_when_its_host_returns_in_the_last_moment() -> None:
    leader = make_steady(1, {"worker": 1}, hosts=3, single="worker")
    cluster = leader.cluster
    ((host, copy),) = cluster.copies()
    cluster.lose(host, power=False)
    leader.look()
    cluster.pass_time(1000)
    cluster.observe = lambda _: cluster.come_back(host) if host in cluster.away else None
    leader.look()
    assert cluster.copies() == [(host, copy)]
    come_to_rest(leader)
    assert cluster.running == {(host, copy)}


def test_a_single_copy_is_drained_by_ending_first() -> None:
    leader = make_steady(1, {"web": 1, "worker": 1}, hosts=2, single="worker")
    guard(leader)
    cluster = leader.cluster
    (host,) = [host for host, copy in cluster.copies() if copy.type == "worker"]
    cluster.configure(host, draining=True)
    for _ in range(60):
        leader.look()
        check_singles(cluster)
        for item in cluster.copies():
            cluster.agent(*item)
            check_singles(cluster)
        cluster.router("router-1")
        cluster.pass_time(1)
    come_to_rest(leader)
    check_at_rest(leader)
    assert host not in {host for host, _ in cluster.copies()}


def test_a_single_copy_stays_when_no_other_host_takes_it() -> None:
    leader = make_steady(0, {"worker": 1}, hosts=2, single="worker")
    cluster = leader.cluster
    before = cluster.copies()
    for host in ("host-1", "host-2"):
        cluster.configure(host, draining=True)
    come_to_rest(leader)
    assert cluster.copies() == before


def test_a_deploy_of_a_single_type_ends_the_old_copy_first_and_waits_for_the_new() -> None:
    leader = make_steady(1, {"worker": 1}, hosts=2, single="worker")
    leader.start("release", {"worker": 1})
    while leader.plan is not None:
        leader.look()
        for item in leader.cluster.copies():
            leader.cluster.agent(*item)
            check_singles(leader.cluster)
        leader.cluster.pass_time(1)
    assert leader.cluster.copies()[-1][1] == make_copy("worker", release=2)
    check_at_rest(leader)


def test_a_drained_host_is_empty_in_the_end_and_somebody_always_serves() -> None:
    leader = make_steady(2, {"web": 6, "worker": 2}, hosts=3)
    guard(leader)
    cluster = leader.cluster
    cluster.configure("host-1", draining=True)
    come_to_rest(leader)
    assert "host-1" not in {host for host, _ in cluster.copies()}
    check_at_rest(leader)


def test_a_wish_is_fulfilled_once_and_forgotten() -> None:
    leader = make_steady(1, {"web": 2}, hosts=3)
    guard(leader)
    cluster = leader.cluster
    host, copy = cluster.copies()[0]
    wish = Move("2026-01-01T00:00:00UTC", "host-3")
    cluster.store.put(keys.move("hello", copy.container), wish)
    come_to_rest(leader)
    assert keys.move("hello", copy.container) not in cluster.store.items
    assert ("host-3", copy.next_generation()) in cluster.copies()
    assert host not in {host for host, _ in cluster.copies()}
    check_at_rest(leader)


def test_a_successor_that_never_serves_leaves_the_old_copy_in_peace() -> None:
    leader = make_steady(1, {"web": 1}, hosts=2)
    cluster = leader.cluster
    host, copy = cluster.copies()[0]
    cluster.broken = {copy.next_generation()}
    cluster.configure(host, draining=True)
    for _ in range(50):
        leader.look()
        for item in cluster.copies():
            cluster.agent(*item)
        cluster.router("router-1")
        cluster.pass_time(5)
    kept = cluster.store.items[keys.instance(host, copy.container)]
    assert Instance.from_bytes(kept.value).phase is Phase.RUNNING
    assert served(cluster) == 1


def test_when_many_hosts_vanish_nothing_moves_and_all_goes_on_when_they_return() -> None:
    leader = make_steady(1, {"web": 6}, hosts=3)
    cluster = leader.cluster
    before = set(cluster.copies())
    for host in HOSTS[:2]:
        cluster.lose(host, power=False)
    for _ in range(50):
        leader.look()
        cluster.pass_time(1)
    for host in HOSTS[:2]:
        cluster.come_back(host)
    come_to_rest(leader)
    assert set(cluster.copies()) == before
